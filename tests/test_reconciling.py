"""What a look at Alertmanager's list of alerts means."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.model import AlertId, IncidentId
from alertd.reconciling import LOOKS, YOUNG, Absences, Comparison, Listed, Look, Muting, Open, compare
from tests.reports import T0

START = T0 - 60_000
OLD = T0 - 10 * YOUNG
SOURCE = "http://am"
ALERT = Open(AlertId("w.0"), SOURCE, "f", IncidentId("w"), "Broken", START, START, T0)
NONE: frozenset[tuple[str, str]] = frozenset()


def look(address: str = "a", *, lists: bool = True, muted: str | None = None, began: int = OLD, start: int = START,
         peers: str = "") -> Look:
    return Look(address, {"f": Listed(start, muted)} if lists else {}, began, frozenset(peers))


def rounds(*looks: tuple[Look, ...], alerts: tuple[Open, ...] = (ALERT,), asked: str = "a", voices=NONE) -> Comparison:
    """The last of these rounds, 15 seconds apart, each with what was learnt in the one before."""
    absences: Absences = {}
    outcome = Comparison()
    for number, one in enumerate(looks):
        outcome = compare(alerts, one, asked, voices, absences, T0 + 15_000 * (number + 1))
        voices, absences = voices | outcome.voices, outcome.absences
    return outcome


EMPTY = (look(lists=False),)
KNOWN = frozenset({("a", SOURCE), ("b", SOURCE)})


def test_two_looks_end_it_as_of_the_first():
    """The end is nearer the first look that missed it."""
    assert rounds((look(),), EMPTY).ended == ()
    assert rounds((look(),), EMPTY, EMPTY).ended == ((ALERT, T0 + 30_000),)


def test_an_alert_that_is_listed_in_between_begins_anew():
    """Two looks on end, not two of three."""
    assert rounds((look(),), EMPTY, (look(),), EMPTY).ended == ()


def test_silence_is_no_second_look():
    """Who does not answer says nothing, and what was missed before does not count any more."""
    assert rounds((look(),), EMPTY, (), EMPTY).ended == ()


seen = st.sampled_from(["lists", "misses", "silent", "young"])


@given(st.lists(st.tuples(seen, seen), min_size=1, max_size=8))
def test_only_what_everybody_misses_twice_on_end_has_ended(story):
    """Whatever peers list, miss or leave unsaid, in any order: an alert that an answering peer lists in one of the
    last two rounds is not ended, nor one of which nobody who would know has said anything."""
    looks = [tuple(look(name, lists=what == "lists", began=T0 + 10_000 if what == "young" else OLD, peers="ab")
                   for name, what in zip("ab", pair, strict=True) if what != "silent") for pair in story]
    ended = rounds(*looks, asked="ab", voices=KNOWN)
    certain = [pair for pair in story[-LOOKS:] if "lists" not in pair and "misses" in pair]
    assert bool(ended.ended) == (len(certain) == LOOKS)


@given(st.lists(seen, min_size=1, max_size=8), st.lists(st.sampled_from([None, "silenced by s"]), min_size=8,
                                                       max_size=8))
def test_an_alert_is_never_both_kept_quiet_and_ended(story, quiet):
    """What is muted is listed, so it fires."""
    outcome = rounds(*(() if what == "silent" else (look(lists=what == "lists", muted=mute),)
                       for what, mute in zip(story, quiet, strict=False)), voices=KNOWN)
    assert not (outcome.ended and outcome.muted)


def test_one_that_fires_anew_is_counted_anew():
    """A webhook between two looks told a newer start."""
    first = compare([ALERT], EMPTY, "a", KNOWN, {}, T0)
    again = dataclasses.replace(ALERT, newest_start=T0 + 5_000)
    assert compare([again], EMPTY, "a", KNOWN, first.absences, T0 + 15_000).ended == ()


# Who speaks for whom


def test_an_address_speaks_once_it_has_listed_the_alert():
    """That is learnt and kept."""
    other = dataclasses.replace(ALERT, id=AlertId("v.0"), source="http://other", fingerprint="g")
    outcome = rounds((look("a"), look("b", lists=False)), alerts=(ALERT, other), asked="ab")
    assert (outcome.voices, outcome.unspoken) == ({("a", SOURCE)}, {"http://other"})


def test_another_start_is_another_alert():
    """Two Prometheus may watch the same thing and speak to different Alertmanagers."""
    assert rounds((look("a", start=START + 5_000), look("b")), asked="ab").voices == {("b", SOURCE)}


def test_a_start_that_was_rounded_is_the_same():
    """The list has milliseconds where the webhook had nanoseconds."""
    assert rounds((look("a", start=START + 1), look("b", lists=False)), asked="ab").voices == {("a", SOURCE)}


def test_a_peer_speaks_for_what_its_cluster_told():
    """When the peer that listed it is away, the other one knows."""
    voices = frozenset({("a", SOURCE)})
    both = (look("a", lists=False, peers="12"), look("b", lists=False, peers="12"))
    assert rounds(both, both, asked="ab", voices=voices).ended
    assert not rounds((look("b"), look("a", lists=False, peers="12")), both, asked="ab", voices=voices).ended


def test_the_very_address_speaks():
    """The externalURL is the address it is asked at, but for a slash."""
    misses = (look(SOURCE + "/", lists=False), look("b", lists=False))
    assert rounds(misses, misses, asked=[SOURCE + "/", "b"]).ended


def test_one_source_and_one_alertmanager_belong_together():
    """Nothing else could have told it."""
    assert rounds(EMPTY, EMPTY).ended


def test_one_source_and_one_cluster_belong_together():
    """All peers have answered, so that it is known to be one."""
    both = (look("a", lists=False, peers="12"), look("b", lists=False, peers="12"))
    assert rounds(both, both, asked="ab").ended
    assert rounds(both[:1], both[:1], asked="ab").unspoken == {SOURCE}


@pytest.mark.parametrize(("alerts", "voices"), [
    ((ALERT, dataclasses.replace(ALERT, id=AlertId("v.0"), source="http://other")), NONE),
    ((ALERT,), frozenset({("a", "http://other")}))])
def test_with_another_source_nothing_is_supposed(alerts, voices):
    """Open now, or known from before: the alert may be that one's."""
    outcome = rounds(EMPTY, EMPTY, alerts=alerts, voices=voices)
    assert SOURCE in outcome.unspoken
    assert ALERT not in [alert for alert, _ in outcome.ended]


def test_who_is_asked_no_longer_does_not_speak():
    """Its sources are shown as nobody's."""
    left = frozenset({("gone", SOURCE), ("a", "http://other")})
    assert rounds(EMPTY, EMPTY, voices=left).unspoken == {SOURCE}


# After a restart of Alertmanager


def test_a_young_one_ends_what_it_told_itself():
    """It keeps in memory what it told since it began, so what it misses of that has ended."""
    misses = (look(lists=False, began=T0 - 10_000),)
    assert rounds(misses, misses).ended
    before = dataclasses.replace(ALERT, told_at=T0 - 11_000)
    assert not rounds(misses, misses, alerts=(before,)).ended


def test_a_young_peer_may_not_know_what_another_told():
    """The alert may be one that the other has and Prometheus has not sent again."""
    misses = (look(lists=False, began=T0 - 10_000, peers="12"),)
    assert not rounds(misses, misses, voices=KNOWN).ended


# Kept quiet


def test_a_change_of_muting_is_found_once():
    """By what is said; no longer, when no longer."""
    quiet = look(muted="silenced by s")
    assert rounds((quiet,)).muted == (Muting(ALERT, "silenced by s"),)
    known = dataclasses.replace(ALERT, muted="silenced by s")
    assert rounds((quiet,), alerts=(known,)).muted == ()
    assert rounds((look(),), alerts=(known,)).muted == (Muting(known, None),)


def test_peers_that_disagree_can_still_tell():
    """A silence that one has not heard of does not keep it quiet."""
    assert rounds((look("a", muted="silenced by s"), look("b")), asked="ab").muted == ()
