"""`alertd routes`: explain, show and test."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group
from alertd.engine.acts import Acts, Person
from alertd.engine.clock import Ids, SystemClock
from alertd.engine.intake import Intake
from alertd.engine.maintenance import Maintenance
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.matchers import parse_all
from alertd.model import HOUR, Severity
from alertd.schedule import Once, Window
from alertd.store import database
from alertd.store.writer import Writer
from tests.bodies import body
from tests.engine.conftest import file_for

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


def test_explain_names_what_people_did(tmp_path: Path) -> None:
    """A window that somebody made and an acknowledgement, as they stand in the store at that time."""
    known = asyncio.run(filled(tmp_path / "other.db"))
    arguments = ("explain", "severity=warning", "service=db", "alertname=Broken", "--store",
                 f"sqlite:///{tmp_path / 'other.db'}", "-o", "json")
    data = json.loads(routes(*arguments).output)
    assert any(f"incident {known} is acknowledged by jane until" in why for why in data["why"]), data
    held = json.loads(routes(*arguments, "--at", soon(90)).output)
    assert held["held"]["window"] == "move"
    assert any("made by joe" in why for why in held["why"])
    assert not any("acknowledged" in why for why in json.loads(routes(*arguments, "--at", soon(600)).output)["why"])


def test_explain_says_who_is_called_again_although_acknowledged(tmp_path: Path) -> None:
    """A rise in severity is other trouble than what somebody takes care of."""
    asyncio.run(filled(tmp_path / "alertd.db"))
    assert "a rise from warning calls people again" in routes("explain", "severity=critical", "alertname=Broken").output


def test_explain_names_the_cause_that_fires(tmp_path: Path) -> None:
    """Nobody is told, and it says which alert is told instead."""
    with Path("routing.yaml").open("a") as file:
        file.write("inhibit:\n  - {source: ['alertname=\"Broken\"'], target: ['severity=\"info\"'], equal: []}\n")
    asyncio.run(filled(tmp_path / "alertd.db"))
    answer = routes("explain", "severity=info", "alertname=Slow").output
    assert "info: nobody is told" in answer
    assert "fires: Broken of incident" in answer


def test_explain_needs_no_store() -> None:
    """One that is named and not there is an error; otherwise the file alone speaks."""
    assert routes("explain", "severity=info").exit_code == 0
    assert routes("explain", "severity=info", "--store", "sqlite:///missing.db").exit_code == 3


def soon(minutes: int) -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)).isoformat()


async def filled(path: Path) -> str:
    """A store with an incident that jane takes care of for an hour, and a window that joe made; the incident's id."""
    db = database.connect(f"sqlite:///{path}")
    await database.migrate(db)
    writer, clock = Writer(db.writer), SystemClock()
    writer.start()
    file = dataclasses.replace(file_for(acknowledge={Severity.WARNING: HOUR}), digests={})
    current = Current(file, clock.now())
    intake = Intake(writer, current, clock, Ids(1), Metrics(), lambda outlets: None)
    changes = await intake.accept(body("a", severity="warning"))
    id = changes.incidents[0].id
    await Acts(writer, current, clock, lambda outlets: None).acknowledge(id, Person("jane", "api"))
    window = Window("move", parse_all('service="db"'), Once(clock.now() + HOUR, clock.now() + 2 * HOUR))
    await Maintenance(writer, db.reader, current, clock, Ids(2), lambda outlets: None, serving=False).add(
        window, Person("joe", "api"))
    await writer.stop()
    await db.close()
    return id
