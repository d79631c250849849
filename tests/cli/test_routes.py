"""`alertd routes`: explain, show and test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group

KEY = "0123456789abcdef0123456789abcdef"
ROUTING = f"""\
receivers:
  on-call: {{pagerduty: {{routing_key: {KEY}}}, fallback: team}}
  bosses: {{style: management, hold: 90s, email: {{smarthost: "h:25", from: a@example.com, to: [b@example.com]}}}}
  team: {{slack: {{channel: "#team", token_file: secrets/slack}}}}
  daily summary: {{digest: {{at: "08:00", timezone: Europe/Berlin, slack: {{channel: "#daily", token: x}}, log: {{}}}}}}
routes:
  critical: on-call + bosses
  warning: team
  info: daily summary
overrides:
  - {{match: ['service="pay"', 'severity=critical'], to: team}}
severities: {{page: critical}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routing.yaml").write_text(ROUTING)


def routes(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["routes", *arguments])


def test_explain_names_the_window_that_holds() -> None:
    """At that time: who is told, that it is only told at the window's end, and the line that says so."""
    with Path("routing.yaml").open("a") as file:
        file.write("maintenance:\n  - {name: upgrade, match: ['service=\"db\"'], every: \"SUN 02:00-04:00\"}\n")
    arguments = ("explain", "severity=warning", "service=db", "--at")
    held = routes(*arguments, "2026-11-29T03:00Z").output
    assert "warning: team is told, if it still burns when maintenance ends, 2026-11-29T" in held
    assert "slack to #team, then" in held
    assert "maintenance window 'upgrade' (routing.yaml:14) holds it" in held
    data = json.loads(routes(*arguments, "2026-11-29T03:00Z", "-o", "json").output)
    assert (data["held"]["window"], data["held"]["mode"], data["receivers"]) == ("upgrade", "hold", ["team"])
    assert "maintenance" not in routes(*arguments, "2026-11-29T04:00Z").output


def test_explain_for_a_person() -> None:
    """First who, then by which channel, to whom and when, then the line that says so."""
    result = routes("explain", "severity=PAGE", "service=checkout")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == """\
critical: on-call + bosses are told
  on-call
    pagerduty, at once
    and team, where that cannot be delivered, or a critical start is not taken within 2 min
  bosses (management style)
    email to b@example.com, after 1.5 min, if it has not ended by then
why:
  severity 'PAGE' means critical (routing.yaml, severities)
  routing.yaml:7 critical → on-call + bosses
"""


def test_explain_for_a_program() -> None:
    """Severity, receivers and why, for an override too."""
    result = routes("explain", "severity=critical", "service=pay", "-o", "json")
    assert json.loads(result.stdout) == {"severity": "critical", "receivers": ["team"], "why": [
        'routing.yaml:11 override {service="pay", severity="critical"} → team']}


def test_explain_a_digest_and_nobody() -> None:
    """A digest names its time, zone and ways; a heartbeat is told to nobody."""
    assert "in the digest of 08:00 Europe/Berlin, slack to #daily and log" in routes("explain", "severity=info").stdout
    assert routes("explain", "alertname=Watchdog", "severity=none").stdout.startswith("none: nobody is told\nwhy:\n")


def test_explain_without_labels_is_a_warning() -> None:
    """An alert without a severity is treated as a warning, and the answer says so."""
    answer = json.loads(routes("explain", "-o", "json").stdout)
    assert answer["severity"] == "warning"
    assert answer["why"][0] == "no severity label: treated as warning"


@pytest.mark.parametrize("arguments", [("severity",), ("=x",), ("a=1", "a=2")])
def test_explain_wants_labels(arguments: tuple[str, ...]) -> None:
    """A word that is no LABEL=VALUE, or a label given twice, is usage: 2."""
    assert routes("explain", *arguments).exit_code == 2


def test_a_value_may_hold_an_equals_sign() -> None:
    """The first = ends the name."""
    assert routes("explain", "severity=info", "query=a=b").exit_code == 0


def test_a_broken_file_is_told_on_stderr() -> None:
    """Every fault on stderr, nothing on stdout, exit code 1."""
    Path("routing.yaml").write_text(ROUTING.replace("warning: team", "warning: teem").replace("hold: 90s", "hold: x"))
    result = routes("explain", "severity=info")
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 2
    assert "routing.yaml:8:12: unknown receiver 'teem'; did you mean 'team'?" in result.stderr


def test_show_the_table() -> None:
    """Overrides first, then severities from critical to info, then every receiver."""
    lines = routes("show").stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == [f"routing.yaml:{line}" for line in (11, 7, 8, 9)]
    assert lines[2].split() == ["routing.yaml:8", "warning", "→", "team"]
    assert len({line.index("→") for line in lines[:4]}) == 1
    assert "    slack to #team, at once" in lines
    assert json.loads(routes("show", "-o", "json").stdout)[1] == {
        "line": 7, "match": "critical", "receivers": ["on-call", "bosses"]}


def test_the_test_of_routes() -> None:
    """0 when all is as expected; 1 and a line for each mismatch when not; the count on stderr."""
    Path("cases.yaml").write_text("- {labels: {severity: page}, receivers: [bosses, on-call]}\n"
                                  "- {labels: {severity: info}, receivers: [team]}\n")
    result = routes("test", "cases.yaml")
    assert result.exit_code == 1
    assert result.stdout == ("cases.yaml:2: {severity=info}: expected team, but told is daily summary "
                             "(routing.yaml:9 info → daily summary)\n")
    assert result.stderr == "cases.yaml: 1 of 2 as expected\n"
    Path("cases.yaml").write_text("- {labels: {severity: page}, receivers: on-call + bosses}\n")
    assert routes("test", "cases.yaml").exit_code == 0


def test_a_table_that_cannot_be_read() -> None:
    """A missing table is told on stderr: 1."""
    result = routes("test", "gone.yaml")
    assert (result.exit_code, result.stderr) == (1, "gone.yaml: no such file\n")
