"""The people and rotas of routing.yaml, and receivers that tell who is on call."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import pytest

from alertd import channels
from alertd.config.routing_file import RoutingFile, examine, load
from alertd.incidents import Known, decide
from alertd.model import HOUR, Kind, Outlet
from alertd.rotas import gaps
from alertd.routing import ways
from tests.reports import T0, reported, webhook

GOOD = """\
defaults:
  slack: {token: x}
  email: {smarthost: "127.0.0.1:25", from: a@example.com}
people:
  alice: {email: alice@example.com, slack: U012ABCDEF}
  bob: {email: bob@example.com}
  carol: {email: carol@example.com}
rotas:
  primary:
    people: [alice, bob]
    handover: MON 09:00
    timezone: Europe/Berlin
    start: 2026-11-23
    overrides: [{from: 2026-11-24T20:00, to: 2026-11-25T08:00:00+01:00, person: carol}]
receivers:
  on-call: {rota: primary, fallback: team, slack: {channel: "#incidents"}}
  team: {slack: {channel: "#team"}}
routes: {critical: on-call, warning: on-call, info: team}
"""
OFFICE = GOOD.replace("start:", "hours: MON-FRI 08:00-18:00\n    start:")


def at(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


MONDAY = at("2026-11-23T12:00+01:00")
SATURDAY = at("2026-11-28T12:00+01:00")


def table(folder: Path, text: str = GOOD) -> RoutingFile:
    (folder / "routing.yaml").write_text(text)
    return load(folder / "routing.yaml", channels.settings_types())


def targets(file: RoutingFile, now: int) -> list[tuple[str, str]]:
    there = ways(file.routing.receivers["on-call"], file.routing, now)
    return [(outlet.channel, outlet.target) for outlet, _ in there.outlets]


def test_who_is_on_call_is_told(tmp_path: Path) -> None:
    """The receiver's own channel always, and of the people the one on call, by each address."""
    file = table(tmp_path)
    team = ("slack", "#incidents")
    assert targets(file, MONDAY) == [team, ("email", "alice@example.com"), ("slack", "U012ABCDEF")]
    assert targets(file, MONDAY + 7 * 24 * HOUR) == [team, ("email", "bob@example.com")]
    assert targets(file, at("2026-11-24T21:00+01:00")) == [team, ("email", "carol@example.com")], "an override, local"
    assert file.settings_for(Outlet("on-call", "slack", "U012ABCDEF")) is not None
    assert gaps(file.routing.rotas.values(), MONDAY, SATURDAY) == []


def test_nobody_on_call_means_the_fallback_or_everybody(tmp_path: Path) -> None:
    """Outside the hours the fallback is told; without one everybody of the rota is, rather than nobody."""
    assert targets(table(tmp_path, OFFICE), SATURDAY) == [("slack", "#incidents"), ("slack", "#team")]
    alone = table(tmp_path, OFFICE.replace("fallback: team, ", ""))
    assert targets(alone, SATURDAY) == [("slack", "#incidents"), ("email", "alice@example.com"),
                                        ("slack", "U012ABCDEF"), ("email", "bob@example.com")]


def test_who_was_told_of_the_start_is_told_of_the_end(tmp_path: Path) -> None:
    """An incident that outlasts the handover ends for the one who was called, and for nobody else."""
    routing, known = table(tmp_path).routing, Known()
    known.apply(decide(webhook(reported("a")), known, routing, T0))
    for rows in known.notifications.values():
        rows[:] = [dataclasses.replace(row, attempts=1) for row in rows]
    week = 7 * 24 * 3600
    changes = decide(webhook(reported("a", "resolved", end=week)), known, routing, T0 + week * 1000)
    told = {row.outlet.target for row in changes.notifications if row.kind is Kind.RESOLVED}
    assert told == {"#incidents", "bob@example.com"}


def test_a_receiver_may_name_several_rotas(tmp_path: Path) -> None:
    """Whoever one of them has on call is told."""
    night = '  night: {people: [carol], handover: "09:00", hours: 18:00-08:00}\n'
    text = OFFICE.replace("receivers:", f"{night}receivers:")
    file = table(tmp_path, text.replace("rota: primary", "rota: primary + night"))
    assert ("email", "carol@example.com") in targets(file, at("2026-11-26T23:00+01:00"))


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("alice: {email: alice@example.com, slack: U012ABCDEF}", "alice: {}",
     "5:3: 'alice' has no address, so could not be told of anything; give one of email, slack"),
    ("people: [alice, bob]", "people: [alise, bob]", "10:14: unknown person 'alise'; did you mean 'alice'?"),
    ("person: carol", "person: carl", "14:81: unknown person 'carl'; did you mean 'carol'?"),
    ("MON 09:00", "MONDAY 9",
     "11:15: must be a time of day, with a weekday when it is weekly; write MON 09:00 or 09:00"),
    ("Europe/Berlin", "Europe/Berln", "12:15: 'Europe/Berln' is no time zone; did you mean 'Europe/Berlin'?"),
    ("2026-11-24T20:00", "2026-11-26T20:00", "14:46: is no later than `from`; put the earlier time first"),
    ("rota: primary", "rota: primry", "16:19: unknown rota 'primry'; did you mean 'primary'?"),
    ("handover:", "handovr:", "11:5: unknown key 'handovr'; did you mean 'handover'?"),
    ("U012ABCDEF", "'@alice'",
     "5:44: must be a Slack member id; write U012ABCDEF as a profile's Copy member ID gives it"),
    ("  email: {smarthost: \"127.0.0.1:25\", from: a@example.com}\n", "",
     "15:19: 'bob' of rota 'primary' could not be told; give the settings for email in defaults: or here"),
    ("rota: primary, ", "", "9:3: rota 'primary' is never used; say `rota: primary` in a receiver, or remove it"),
])
def test_faults_are_told_where_they_are(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """Each with its place and what to do."""
    assert old in GOOD
    (tmp_path / "routing.yaml").write_text(GOOD.replace(old, new))
    found = examine(tmp_path / "routing.yaml", channels.settings_types(), read_secrets=False)[1]
    assert expected in [str(finding).replace(f"{tmp_path}/routing.yaml:", "") for finding in found]
