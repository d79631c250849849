"""What is not told while its cause fires, and what is told when the cause ends."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from alertd.incidents import Known
from alertd.inhibiting import keys, possible
from alertd.matchers import parse
from alertd.model import Severity
from alertd.releasing import release
from alertd.routing import Inhibition
from tests.reports import T0, reported, routing, webhook
from tests.test_incidents import deliver, run, told

RULE = Inhibition((parse('alertname="NodeDown"'),), (parse('severity="warning"'),), ("instance",), 68)


def table(*rules):
    return dataclasses.replace(routing(), inhibitions=rules or (RULE,))


def down(state="firing", instance="a"):
    return webhook(reported("down-" + instance, state, alertname="NodeDown", instance=instance), group={"g": "down"})


def slow(instance="a", state="firing", **labels):
    return webhook(reported("slow-" + instance, state, **{"severity": "warning", "instance": instance, **labels}),
                   group={"g": "slow"})


def test_a_target_is_kept_and_told_to_nobody_while_its_source_fires():
    """And the record says which rule and which incident."""
    known = Known()
    source = run(known, down(), table())
    changes = run(known, slow(), table())
    assert changes.incidents[0].firing == 1
    assert not changes.notifications
    assert changes.decisions[0].verdict == "opened, inhibited"
    assert changes.decisions[0].why == (
        "routing.yaml:68 inhibited while {alertname=\"NodeDown\", instance='a'} fires: NodeDown of incident "
        f"{source.incidents[0].id} does",)


def test_another_instance_is_told():
    """The labels of `equal` must agree."""
    known = Known()
    run(known, down(instance="b"), table())
    assert told(run(known, slow(), table())) == {("on-call", "firing"), ("platform-team", "firing")}


def test_an_ended_source_keeps_nothing_quiet():
    """From its end on."""
    known = Known()
    run(known, down(), table())
    run(known, down("resolved"), table())
    assert told(run(known, slow(), table()))


def test_source_and_target_may_come_in_one_webhook():
    """In whichever order."""
    both = [reported("slow", severity="warning", instance="a"), reported("down", alertname="NodeDown", instance="a")]
    for alerts in (both, both[::-1]):
        changes = run(Known(), webhook(*alerts), table())
        assert [alert.severity for alert in changes.inhibited] == [Severity.WARNING]
        assert changes.incidents[0].severity is Severity.CRITICAL


def test_alerts_that_are_both_do_not_silence_each_other():
    """Or each of two would wait for the other to end, and one for itself."""
    rule = Inhibition((parse('team="a"'),), (parse('team="a"'),), ())
    known = Known()
    for name in ("x", "y"):
        assert told(run(known, webhook(reported(name, team="a"), group={"g": name}), table(rule)))


def test_what_is_inhibited_does_not_raise_an_incident():
    """Nobody is told of the worse alert, so the incident is no worse for those who are told of it."""
    rule = Inhibition((parse('alertname="NodeDown"'),), (parse('alertname="Errors"'),), ("instance",))
    known = Known()
    run(known, down(), table(rule))
    run(known, webhook(reported("w", severity="warning"), group={"g": "g"}), table(rule))
    deliver(known)
    changes = run(known, webhook(reported("e", alertname="Errors", instance="a"), group={"g": "g"}), table(rule))
    assert changes.incidents[0].severity is Severity.WARNING
    assert not changes.notifications


def test_what_still_burns_is_told_when_its_source_has_ended():
    """As if it began then, with its escalation."""
    known = Known()
    run(known, down(), table())
    kept = run(known, slow(), table())
    changes = release(kept.incidents[0], kept.inhibited, (), table(), T0 + 60_000, "nothing inhibits it")
    assert told(changes) == {("on-call", "firing"), ("platform-team", "firing")}
    assert changes.incidents[0].severity is Severity.WARNING
    assert changes.decisions[0].why[0] == "nothing inhibits it"


def test_who_was_never_told_hears_of_no_end():
    """An alert that ended while it was kept quiet."""
    known = Known()
    run(known, down(), table())
    run(known, slow(), table())
    assert not run(known, slow(state="resolved"), table()).notifications


def test_a_rule_is_said_in_words_for_labels_it_concerns():
    """For those who ask before it happens."""
    assert possible({"severity": "warning", "instance": "a"}, table()) == [
        "routing.yaml:68 inhibited while {alertname=\"NodeDown\", instance='a'} fires"]
    assert not possible({"severity": "info"}, table())


@given(st.lists(st.tuples(st.sampled_from("ds"), st.sampled_from("ab"), st.sampled_from(["firing", "resolved"])),
                max_size=12))
def test_nobody_hears_of_a_target_whose_source_fires(steps):
    """Whatever came before, in any order."""
    known = Known()
    for what, instance, state in steps:
        if what == "d":
            run(known, down(state, instance), table())
            continue
        fires = any(alert.firing for alert in known.alerts.get(f"down-{instance}", ()))
        message = slow(instance, state)
        assert fires == any(known.inhibitors.get(key) for key in keys([message], table()))
        changes = run(known, message, table())
        assert not fires or ("on-call", "firing") not in told(changes)
