"""The maintenance section of routing.yaml: read, and every fault told at its place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertd import channels
from alertd.config import routing_file
from alertd.config.routing_file import RoutingFile
from alertd.errors import Finding
from alertd.model import HOUR, MINUTE
from alertd.schedule import Mode, Once, Recurring, Weekly, Window

HEAD = """receivers:
  log: {log: {}}
  daily: {digest: {at: "08:00", timezone: Europe/Berlin, log: {}}}
routes: {critical: log, warning: log, info: daily}
maintenance:
"""


def examined(folder: Path, *lines: str, head: str = HEAD) -> tuple[RoutingFile | None, list[Finding]]:
    path = folder / "routing.yaml"
    path.write_text(head + "".join(f"  - {line}\n" for line in lines))
    file, findings = routing_file.examine(path, channels.settings_types(), read_secrets=False)
    return file, [finding for finding in findings if finding.id != "only-logged"]


def only(folder: Path, line: str) -> Window:
    file, findings = examined(folder, line)
    assert file is not None, findings
    [window] = file.routing.windows.every
    return window


def test_the_windows_of_the_contract_are_read(tmp_path: Path) -> None:
    """Again and again by a zone's clocks, or once; each with its line."""
    file, _ = examined(
        tmp_path, """{name: weekly upgrade, mode: hold, match: ['service="db"'], every: "SUN 02:00-04:00", """
        "timezone: Europe/Berlin}", """{name: move, mode: digest, match: ['cluster="eu-1"'], """
        "from: 2099-12-01T20:00:00+01:00, to: 2099-12-01T23:00:00+01:00}")
    assert file
    weekly, move = file.routing.windows.every
    assert isinstance(weekly.when, Weekly)
    assert (weekly.mode, weekly.line, str(weekly.when.timezone)) == (Mode.HOLD, 6, "Europe/Berlin")
    assert isinstance(move.when, Once)
    assert (move.mode, move.when.ends - move.when.starts) == (Mode.DIGEST, 3 * HOUR)


def test_a_recurrence_rule_is_read_with_how_long_it_lasts(tmp_path: Path) -> None:
    """What RFC 5545 says, in capitals or not."""
    window = only(tmp_path, """{name: patch day, match: ['a="b"'], every: "freq=monthly;byday=2tu;byhour=20", """
                  "for: 4h, timezone: America/New_York}")
    assert isinstance(window.when, Recurring)
    assert window.when.length == 4 * HOUR
    assert len(window.next(1_800_000_000_000)) == 5


@pytest.mark.parametrize(("words", "days"), [
    ("daily 01:00-02:00", range(7)), ("every day 01:00-02:00", range(7)), ("weekdays 22:00-06:00", range(5)),
    ("weekends 00:00-24:00", (5, 6)), ("every Sunday 02:00-04:00", (6,)), ("Wednesdays 02:00-04:00", (2,)),
    ("Monday, Thursday 02:00-04:00", (0, 3)), ("Tuesday-Friday 02:00-04:00", (1, 2, 3, 4))])
def test_days_may_be_said_in_words(tmp_path: Path, words: str, days: Iterable[int]) -> None:
    """As people say them."""
    window = only(tmp_path, f"""{{name: backup, match: ['a="b"'], every: "{words}", notices: false}}""")
    assert isinstance(window.when, Weekly)
    assert window.when.hours[0].weekdays == frozenset(days)


@pytest.mark.parametrize(("words", "first", "lasts"), [
    ("first Sunday of the month 02:30-04:00", "2027-02-07T02:30", 90),
    ("last FRI of each month 22:00-01:00", "2027-01-29T22:00", 180)])
def test_a_day_of_the_month_may_be_said_in_words(tmp_path: Path, words: str, first: str, lasts: int) -> None:
    """The same as its rule, over midnight too."""
    window = only(tmp_path, f"""{{name: backup, match: ['a="b"'], every: "{words}"}}""")
    [(starts, ends)] = window.next(round(datetime(2027, 1, 15, tzinfo=UTC).timestamp() * 1000), 1)
    assert datetime.fromtimestamp(starts / 1000, UTC).isoformat()[:16] == first
    assert ends - starts == lasts * MINUTE


def test_a_window_of_everything_needs_a_reason(tmp_path: Path) -> None:
    """Without one it is an error, with one it is taken, written either way."""
    for match in ("", """match: ['alertname=~".+"'], """):
        file, findings = examined(tmp_path, f'{{name: all, {match}every: "01:00-02:00"}}')
        assert file is None
        assert [finding.id for finding in findings] == ["matches-everything"]
        assert only(tmp_path, f'{{name: all, {match}every: "01:00-02:00", reason: power test}}').reason == "power test"


@pytest.mark.parametrize(("line", "id", "what"), [
    ("""{name: x, match: ['a="b"'], every: "SUNDAY"}""", "invalid-value", "must be hours"),
    ("""{name: x, match: ['a="b"'], every: "FREQ=MINUTELY", for: 1m}""", "invalid-value", "FREQ must be"),
    ("""{name: x, match: ['a="b"'], every: "FREQ=DAILY"}""", "invalid-value", "how long it lasts"),
    ("""{name: x, match: ['a="b"'], every: "FREQ=DAILY", for: 40d}""", "invalid-value", "no longer than 31 days"),
    ("""{name: x, match: ['a="b"'], every: "FREQ=WEEKLY;COUNT=2", for: 1h}""", "invalid-value", "count from"),
    ("""{name: x, match: ['a="b"']}""", "invalid-value", "when it is"),
    ("""{name: x, match: ['a="b"'], from: 2099-01-01T00:00}""", "invalid-value", "when it is"),
    ("""{name: x, match: ['a="b"'], from: 2099-01-01T02:00, to: 2099-01-01T01:00}""", "invalid-value", "no later"),
    ("""{name: x, match: ['a="b"'], from: tomorrow, for: 1h}""", "invalid-value", "date and time"),
    ("""{name: x, match: ['a="b"'], from: 2099-01-01T00:00, to: 9999-12-31T23:59-05:00}""", "invalid-value", "years"),
    ("""{name: x, match: ['a="b"'], every: "01:00-02:00", timezone: Berlin}""", "invalid-value", "no time zone"),
    ("""{name: x, match: ['a="b"'], every: "01:00-02:00", mode: drop}""", "invalid-value", "'hold' or 'digest'"),
    ("""{name: x, match: ['a=~"("'], every: "01:00-02:00"}""", "invalid-matcher", "regular expression"),
    ("""{name: x, mach: ['a="b"'], every: "01:00-02:00", reason: y}""", "unknown-key", "mach"),
    ("""{match: ['a="b"'], every: "01:00-02:00"}""", "missing-key", "name"),
    ("nonsense", "invalid-value", "must be a window"),
])
def test_a_fault_is_told_at_its_line(tmp_path: Path, line: str, id: str, what: str) -> None:
    """With what to write instead."""
    file, [finding] = examined(tmp_path, line)
    assert file is None
    assert (finding.id, finding.line, finding.level) == (id, 6, "error")
    assert what in str(finding)


def test_a_window_over_a_word_that_severities_renamed_is_a_fault(tmp_path: Path) -> None:
    """It would cover nothing: matchers see what the word means."""
    head = HEAD.replace("maintenance:", "severities: {page: critical}\nmaintenance:")
    _, [finding] = examined(tmp_path, """{name: x, match: ['severity="page"'], every: "01:00-02:00"}""", head=head)
    assert (finding.id, finding.line) == ("unknown-severity", 7)
    assert 'write severity="critical"' in str(finding)


def test_two_windows_of_one_name_are_a_fault(tmp_path: Path) -> None:
    """People tell them apart by it."""
    line = """{name: x, match: ['a="b"'], every: "01:00-02:00"}"""
    _, [finding] = examined(tmp_path, line, line)
    assert (finding.line, finding.id) == (7, "duplicate-key")


@pytest.mark.parametrize(("line", "id"), [
    ("""{name: x, match: ['a="b"'], every: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", for: 1h}""", "window-never"),
    ("""{name: x, match: ['a="b"'], from: 2020-01-01T00:00, for: 1h}""", "window-over"),
    ("""{name: x, match: ['a="b"'], every: "00:00-24:00"}""", "window-never-ends"),
])
def test_a_window_that_will_not_do_what_was_meant_is_remarked(tmp_path: Path, line: str, id: str) -> None:
    """No error: time alone must not make a file that was good refuse to load."""
    file, [finding] = examined(tmp_path, line)
    assert file is not None
    assert (finding.id, finding.level, finding.line) == (id, "remark", 6)


def test_the_mode_digest_needs_a_digest(tmp_path: Path) -> None:
    """Else nobody would ever read what it collects."""
    head = HEAD.replace('  daily: {digest: {at: "08:00", timezone: Europe/Berlin, log: {}}}\n', "").replace(
        "info: daily", "info: log")
    file, [finding] = examined(tmp_path, """{name: x, mode: digest, match: ['a="b"'], every: "01:00-02:00"}""",
                               head=head)
    assert file is None
    assert finding.id == "no-digest"
