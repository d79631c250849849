"""`alertd oncall`, and what check and explain say of rotas."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group
from tests.config.test_rotas_section import GOOD, OFFICE


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routing.yaml").write_text(GOOD)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(group, arguments)


def test_who_is_on_call() -> None:
    """The person, how they are reached, until when, and who follows; a time without a zone is the rota's."""
    result = run("oncall", "who", "--at", "2026-11-26T12:00")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == ("primary: alice, email alice@example.com, slack U012ABCDEF\n"
                             "  until 2026-11-30T09:00:00+01:00, then bob\n")
    assert "carol (stands in), email" in run("oncall", "who", "--at", "2026-11-24T20:00:00Z").stdout


def test_who_is_on_call_for_programs() -> None:
    """The same as JSON; nobody is null."""
    Path("routing.yaml").write_text(OFFICE)
    [entry] = json.loads(run("oncall", "who", "--at", "2026-11-28T12:00", "-o", "json").stdout)["oncall"]
    assert (entry["person"], entry["until"], entry["next"]) == (None, "2026-11-30T08:00:00+01:00", "alice")


def test_the_shifts_to_come() -> None:
    """One line a turn, and each begins where the one before it ends."""
    rows = json.loads(run("oncall", "list", "--weeks", "6", "-o", "json").stdout)["items"]
    assert len(rows) >= 6
    assert all(one["to"] == two["from"] for one, two in itertools.pairwise(rows))
    assert run("oncall", "list", "--weeks", "6").stdout.count("primary") == len(rows)


@pytest.mark.parametrize(("arguments", "said"), [
    (("who", "--at", "noon"), "--at takes a time such as"), (("who", "--rota", "primry"), "did you mean 'primary'?")])
def test_usage(arguments: tuple[str, ...], said: str) -> None:
    """What cannot be read is a matter of usage, with what to write."""
    result = run("oncall", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_explain_names_the_person() -> None:
    """At three in the morning one wants to know who, and why them."""
    result = run("routes", "explain", "severity=critical", "--at", "2026-12-02T03:00:00+01:00")
    assert "    email to bob@example.com, at once\n" in result.stdout
    assert "alice" not in result.stdout
    assert "  routing.yaml:16 on-call, rota primary: bob on call\n" in result.stdout


def test_full_coverage_is_clean() -> None:
    """A rota without hours leaves nothing open."""
    assert run("check").exit_code == 0


def test_gaps_are_findings() -> None:
    """Hours without anybody are listed by local time: a remark where a fallback is told, else an error."""
    Path("routing.yaml").write_text(OFFICE)
    with_fallback = run("check")
    assert with_fallback.exit_code == 0
    assert "remark: nobody is on call for 'on-call' " in with_fallback.stdout
    Path("routing.yaml").write_text(OFFICE.replace("fallback: team, slack: {channel: \"#incidents\"}", ""))
    alone = run("check", "--format", "json")
    assert alone.exit_code == 1
    found = {finding["id"] for finding in json.loads(alone.stdout)["findings"] if finding["level"] == "error"}
    assert found == {"coverage-gap", "severity-uncovered"}


def test_a_calendar_beside_routing_yaml_is_read() -> None:
    """Its events say who stands in; without it the turns hold and stderr says so; check needs neither."""
    text = GOOD.replace("start:", "ical: {file: oncall.ics}\n    start:")
    Path("routing.yaml").write_text(text)
    missing = run("oncall", "who", "--at", "2026-12-25T12:00")
    assert "oncall.ics" in missing.stderr
    assert missing.stdout.startswith("primary: alice")
    Path("oncall.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Carol\r\n"
        "DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    assert run("oncall", "who", "--at", "2026-12-25T12:00").stdout.startswith("primary: carol (stands in), email")


def test_export_is_a_calendar() -> None:
    """Each shift is an event with its person."""
    result = run("oncall", "export", "--ical", "--weeks", "4")
    assert result.exit_code == 0
    assert result.stdout.startswith("BEGIN:VCALENDAR")
    assert {"alice", "bob"} <= {line.split(":")[1].split()[0] for line in result.stdout.splitlines()
                                if line.startswith("SUMMARY")}


@pytest.mark.parametrize(("ical", "said"), [
    ("{}", "a calendar needs url, url_file or file"), ("{url: https://x/y, file: z}", "a calendar is at one place"),
    ("{url: ftp://x/y}", "must be an address; write https://"), ("{uri: x}", "did you mean 'url'?"),
    ("{url_file: gone}", "the secret file gone is not here")])
def test_faults_of_a_calendar(ical: str, said: str) -> None:
    """Check says them, without a look at the address."""
    Path("routing.yaml").write_text(GOOD.replace("start:", f"ical: {ical}\n    start:"))
    assert said in run("check").stdout
