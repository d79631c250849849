"""Which Alertmanagers are one, and what of it a group's incident depends on."""

import pytest

from alertd.clusters import MOST, STRANGER, Clusters, learnt
from alertd.incidents import Known, decide, keys_of
from alertd.reconciling import Look
from tests.reports import T0, reported, routing, webhook

PEERS = Clusters({"http://am-1": "http://am-1", "http://am-2": "http://am-1"})


def look(address, members=""):
    return Look(address, {}, T0, frozenset(members))


def round_of(*looks, before=Clusters(), asked="ab", voices=(), unspoken=()):  # noqa: B008  a value that never changes
    return learnt(before, looks, asked, voices, unspoken)


BOTH = look("a", "12"), look("b", "12")
ONE = round_of(*BOTH)


def test_members_that_name_each_other_are_one():
    """And go by one name; of those that stand alone nothing is kept."""
    assert Clusters({"a": "a", "b": "a"}) == ONE
    assert ONE.peers("a") == ONE.peers("b") == ("a", "b")
    assert round_of(look("a", "1"), look("b", "2"), unspoken=["s"]) == Clusters()


def test_of_three_the_one_in_the_middle_joins_all():
    """While a cluster forms, not everybody has heard of everybody."""
    names = round_of(look("a", "12"), look("b", "3"), look("c", "23"), asked="abc").names
    assert set(names.values()) == {"a"}


def test_who_is_cut_off_stays_a_peer():
    """Then it matters most: each hears of alerts that the other does not."""
    assert round_of(look("a", "1"), look("b", "2"), before=ONE) == ONE
    assert round_of(before=ONE) == ONE


def test_who_is_not_asked_any_more_is_none():
    """What is known follows the command line."""
    assert round_of(look("a", "1"), before=ONE, asked="a") == Clusters()


def test_a_new_source_is_taken_for_a_peer_where_one_cluster_is_all():
    """Until it has told something, nothing says who it is. All peers look for one key first."""
    assert ONE.peers("s") == ("a", "b", "s")
    assert round_of(*BOTH, look("c"), asked="abc").peers("s") == ("s",)
    assert Clusters().peers("s") == ("s",)


def test_a_source_whose_alerts_a_member_lists_is_a_peer():
    """Whatever its name."""
    assert round_of(*BOTH, voices=[("b", "s")]).names["s"] == "a"


@pytest.mark.parametrize("more", [
    {"unspoken": ["s"]},  # every member was asked, and none lists its alerts
    {"voices": [("a", "s"), ("c", "s")], "asked": "abc"},  # so does one that is no member: of the same Prometheus
])
def test_a_source_of_somebody_else_is_a_stranger(more):
    """Two teams may name their groups alike."""
    looks = [*BOTH, look("c")] if "asked" in more else BOTH
    found = round_of(*looks, **more)
    assert (found.names["s"], found.peers("s")) == (STRANGER, ("s",))
    assert round_of(before=found).peers("s") == ("s",)
    assert found.peers("a") == ("a", "b")


def test_while_somebody_does_not_answer_nobody_is_a_stranger():
    """It may be the one that lists the alerts."""
    assert round_of(BOTH[0], unspoken=["s"], before=ONE) == ONE


def test_made_up_sources_are_not_kept_for_ever():
    """Whoever may send webhooks may call itself anything."""
    found = round_of(*BOTH, unspoken=[f"s{number}" for number in range(1000)])
    assert len(found.names) == MOST


def opened(clusters, *sources):
    """How many incidents peers open for one group, of which each knows another alert."""
    known = Known(clusters=clusters)
    for number, source in enumerate(sources):
        message = webhook(reported(f"i{number}"), source=source)
        changes = decide(message, known, routing(), T0)
        known.apply(changes)
        assert {incident.key for incident in changes.incidents} <= keys_of(message, routing(), clusters)
    return len(known.incidents)


def test_peers_that_know_different_alerts_of_a_group_have_one_incident():
    """Whoever tells first; of Alertmanagers that are no peers each has its own."""
    assert opened(PEERS, "http://am-1", "http://am-2") == opened(PEERS, "http://am-2", "http://am-1") == 1
    assert opened(Clusters(), "http://am-1", "http://am-2") == 2


def test_an_incident_from_before_they_were_known_as_peers_is_found():
    """It stays open under the name of its source."""
    known = Known()
    known.apply(decide(webhook(reported("a"), source="http://am-2"), known, routing(), T0))
    known.clusters = PEERS
    changes = decide(webhook(reported("b"), source="http://am-1"), known, routing(), T0)
    assert [incident.id for incident in changes.incidents] == list(known.incidents)
