from __future__ import annotations

from alertd.demo import seen
from alertd.demo.seen import Told
from alertd.model import Kind, Severity


def told(place: str, kind: Kind = Kind.FIRING, incident: str = "A1", *, edit: bool = False) -> Told:
    return Told(0, incident, place, kind, "", "", edit)


def test_nothing_is_missing() -> None:
    """A start that every place of its severity was told of has no gap."""
    everywhere = [told(place) for place in seen.EXPECTED[Severity.CRITICAL]]
    assert seen.missing(Severity.CRITICAL, Kind.FIRING, "A1", everywhere) == []


def test_what_does_not_count() -> None:
    """The other kind, another incident and an edit leave the place missing: none of them tells anybody."""
    others = [told("#platform", Kind.RESOLVED), told("#platform", incident="B2"), told("#platform", edit=True)]
    assert seen.missing(Severity.INFO, Kind.FIRING, "A1", others) == ["#platform"]
