"""Files whose lines are well formed, and which tell the wrong people, or nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd import channels
from alertd.config.routing_file import examine, load

RECEIVERS = """\
receivers:
  a: {slack: {channel: "#a", token: x}}
  b: {slack: {channel: "#b", token: x}}
  logged: {log: {}}
  daily: {digest: {at: "08:00", log: {}}}
"""


def said(folder: Path, text: str) -> list[str]:
    """The findings that are no `unused` remark: level, id, place and message."""
    (folder / "routing.yaml").write_text(text)
    found = examine(folder / "routing.yaml", channels.settings_types(), read_secrets=False)[1]
    return [f"{finding.level} {finding.id} {finding}".replace(f"{folder}/routing.yaml:", "") for finding in found
            if finding.id != "unused"]


@pytest.mark.parametrize(("critical", "expected"), [
    ("a + daily", []),
    ("daily", ["error reaches-nobody 7:13: critical alerts would only be collected for a digest; "
               "add a receiver that is told at once"]),
    ("logged + daily", ["remark only-logged 7:13: critical alerts would only be logged; "
                        "add a receiver that reaches a person"]),
    ("daily + gone", ["error unknown-receiver 7:13: unknown receiver 'gone'; known are a, b, daily, logged"])])
def test_a_critical_route_must_reach_a_person(tmp_path: Path, critical: str, expected: list[str]) -> None:
    """A critical alert that only a digest collects is an error; an unknown name is told as that alone."""
    assert said(tmp_path, f"{RECEIVERS}routes:\n  CRITICAL: {critical}\n  warning: a\n  info: a\n") == expected


def test_an_override_of_critical_alerts_must_reach_a_person(tmp_path: Path) -> None:
    """An override for severity="critical" is held to the same; one for info may go to the digest."""
    text = RECEIVERS + ("routes: {critical: a, warning: a, info: a}\noverrides:\n"
                        "  - {match: ['severity=\"critical\"', 'x=\"y\"'], to: daily}\n"
                        "  - {match: ['severity=\"info\"'], to: daily}\n")
    assert [line[:30] for line in said(tmp_path, text)] == ["error reaches-nobody 8:51: cri"]


def test_a_broken_receiver_is_not_taken_for_nobody(tmp_path: Path) -> None:
    """The fault of a receiver's channel is told once, not again as a route that reaches nobody."""
    text = RECEIVERS.replace('channel: "#a", ', "") + "routes: {critical: a + daily, warning: b, info: b}\n"
    assert said(tmp_path, text) == ["error missing-key 2:7: 'channel' is missing; add it"]


def test_a_renamed_severity_in_an_override_never_matches(tmp_path: Path) -> None:
    """Matchers see the severity after renaming; the old word is an error that names the new one."""
    text = RECEIVERS + ("routes: {critical: a, warning: a, info: a}\nseverities: {page: critical}\n"
                        "overrides: [{match: 'severity=page', to: b}]\n")
    assert said(tmp_path, text) == [
        'error unknown-severity 8:21: severity="page" matches nothing; write severity="critical"']


def test_an_override_behind_a_broader_one(tmp_path: Path) -> None:
    """All matchers of an earlier override within a later one: the later is never asked."""
    text = RECEIVERS + ("routes: {critical: a, warning: a, info: a}\noverrides:\n  - {match: 'x=1', to: a}\n"
                        "  - {match: ['y=2', 'x=1'], to: b}\n  - {match: 'x=2', to: b}\n")
    assert said(tmp_path, text) == ["remark unreachable 9:5: this override is never reached; the one in line 8 takes "
                                    "all that it matches; put this one first"]


def test_an_override_behind_an_expression(tmp_path: Path) -> None:
    """The value that a later one asks for is one that an earlier one takes."""
    text = RECEIVERS + ("routes: {critical: a, warning: a, info: a}\noverrides:\n  - {match: 'x=~\"1.*\"', to: a}\n"
                        "  - {match: ['y=2', 'x=12'], to: b}\n  - {match: 'x=2', to: b}\n")
    assert [line for line in said(tmp_path, text) if "unreachable" in line] == [
        "remark unreachable 9:5: this override is never reached; the one in line 8 takes all that it matches; put this "
        "one first"]


def test_a_warning_that_reaches_no_person(tmp_path: Path) -> None:
    """Only logged, at no hour of the week anything else; a digest reaches somebody every day."""
    text = """\
receivers:
  {a: {slack: {channel: "#a", token: x}}, b: {log: {}}, d: {digest: {at: "08:00", slack: {channel: "#d", token: x}}}}
routes: {critical: a, warning: b, info: d}
"""
    assert [line for line in said(tmp_path, text) if "logged" in line] == [
        "remark only-logged 3:32: warnings would only be logged; add a receiver that reaches a person, or a digest"]
    assert not [line for line in said(tmp_path, text.replace("warning: b", "warning: b + d")) if "logged" in line]


def test_fallbacks(tmp_path: Path) -> None:
    """A circle, a stranger, and a fallback that tells nobody at once are errors, each at its own line."""
    text = """\
receivers:
  a: {log: {}, fallback: b}
  b: {log: {}, fallback: c}
  c: {log: {}, fallback: b}
  d: {log: {}, fallback: d}
  e: {log: {}, fallback: aa}
  f: {log: {}, fallback: daily}
  daily: {digest: {at: "08:00", log: {}}}
routes: {critical: a, warning: a, info: a}
"""
    assert [line.partition(" ")[2] for line in said(tmp_path, text) if line.startswith("error")] == [
        "fallback-circle 3:26: the fallbacks go in a circle: b → c → b; end the chain at a receiver without one",
        "fallback-circle 4:26: the fallbacks go in a circle: c → b → c; end the chain at a receiver without one",
        "fallback-circle 5:26: the fallbacks go in a circle: d → d; end the chain at a receiver without one",
        "unknown-receiver 6:26: unknown receiver 'aa'; did you mean 'a'?",
        "reaches-nobody 7:26: the fallback 'daily' tells nobody at once; name a receiver that is told at once"]


def test_late_without_a_fallback(tmp_path: Path) -> None:
    """A remark where nobody would be told of what is late."""
    text = """\
receivers: {a: {log: {}, fallback: b, late: 5m}, b: {log: {}, late: 90s}}
routes: {critical: a, warning: a, info: a}
"""
    assert [line for line in said(tmp_path, text) if "late" in line] == [
        "remark no-fallback 1:63: there is no fallback to tell what is late; name one: `fallback: other`"]
    routing = load(tmp_path / "routing.yaml", channels.settings_types(), read_secrets=False).routing
    assert routing.receivers["a"].late == 5 * 60_000


def test_a_receiver_nothing_names(tmp_path: Path) -> None:
    """A remark for each; named as a fallback, in an override or in a section of a later version, it is used."""
    (tmp_path / "routing.yaml").write_text("""\
receivers: {a: {log: {}, fallback: b}, b: {log: {}}, c: {log: {}}, d: {log: {}}, e: {log: {}}}
routes: {critical: a, warning: a, info: a}
overrides: [{match: x=y, to: c}]
escalation: {critical: [{after: 5m, to: a + d}]}
""")
    found = examine(tmp_path / "routing.yaml", channels.settings_types(), read_secrets=False)[1]
    assert [finding.what for finding in found if finding.id == "unused"] == ["receiver 'e' is never used"]
