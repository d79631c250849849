"""routing.yaml: what its lines mean as values, and every fault of a broken one in a single run."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from alertd import channels
from alertd.config.routing_file import RoutingFile, examine, load, names
from alertd.errors import BadInput
from alertd.matchers import Matcher
from alertd.model import MINUTE, SECOND, Kind, Outlet, Severity
from alertd.routing import Override, Route

KEY = "0123456789abcdef0123456789abcdef"
GOOD = f"""\
defaults:
  slack: {{token: xoxb-default}}
  email: {{smarthost: "smtp.example.com:587", from: alertd@example.com}}
receivers:
  on-call: {{pagerduty: {{routing_key: {KEY}}}, fallback: team}}
  management:
    style: management
    hold: 2
    slack: {{channel: "#leadership", token: xoxb-own}}
    email: {{to: [a@example.com, b@example.com]}}
  team: {{slack: {{channel: "#team"}}}}
  daily summary: {{digest: {{at: "8:00", timezone: Europe/Berlin, slack: {{channel: "#daily"}}}}}}
routes:
  Critical: on-call + management
  warning: [on-call, team]
  info: daily summary
overrides:
  - match: ['service="pay"', '{{code=~"5..", env!="dev"}}']
    to: team
severities: {{Page: critical, ticket: WARNING}}
incident_by: [alertname, service]
"""


def loaded(folder: Path, text: str, *, read_secrets: bool = True) -> RoutingFile:
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    return load(folder / "routing.yaml", channels.settings_types(), read_secrets=read_secrets)


def findings(folder: Path, text: str) -> list[str]:
    """What is said of the file, without its folder."""
    (folder / "routing.yaml").write_text(text, encoding="utf-8")
    found = examine(folder / "routing.yaml", channels.settings_types(), read_secrets=False)[1]
    return [f"{finding.level} {finding}".replace(f"{folder}/", "") for finding in found]


@pytest.mark.parametrize(("right", "wrong", "line"), [("receivers", "recievers", 4), ("routes", "route", 13)])
def test_a_misspelt_section_is_one_finding(tmp_path: Path, right: str, wrong: str, line: int) -> None:
    """Not one for each of what is not found in it."""
    said = findings(tmp_path, GOOD.replace(f"\n{right}:", f"\n{wrong}:"))
    assert [one for one in said if one.startswith("error")] == [
        f"error routing.yaml:{line}:1: unknown key {wrong!r}; did you mean {right!r}?"]


def test_receivers_become_one_outlet_for_each_channel_and_target(tmp_path: Path) -> None:
    """Channels and targets stand in the order of the file; a digest is an outlet of its own."""
    receivers = loaded(tmp_path, GOOD).routing.receivers
    assert receivers["management"].outlets == (
        Outlet("management", "slack", "#leadership"), Outlet("management", "email", "a@example.com"),
        Outlet("management", "email", "b@example.com"))
    assert receivers["daily summary"].outlets == (Outlet("daily summary", "digest", ""),)
    assert (receivers["management"].style, receivers["management"].hold) == ("management", 2 * MINUTE)
    assert (receivers["on-call"].fallback, receivers["on-call"].line) == ("team", 5)


def test_routes_overrides_and_names(tmp_path: Path) -> None:
    """Each way of writing routes gives the same values, with the line that decides."""
    routing = loaded(tmp_path, GOOD).routing
    assert routing.routes == {Severity.CRITICAL: Route(("on-call", "management"), 14),
                              Severity.WARNING: Route(("on-call", "team"), 15),
                              Severity.INFO: Route(("daily summary",), 16)}
    matchers = (Matcher("service", "=", "pay"), Matcher("code", "=~", "5.."), Matcher("env", "!=", "dev"))
    assert routing.overrides == (Override(matchers, ("team",), 18),)
    assert routing.severities == {"page": Severity.CRITICAL, "ticket": Severity.WARNING}
    assert (routing.incident_by, routing.file) == (("alertname", "service"), "routing.yaml")


def test_defaults_are_merged_below_a_receivers_own(tmp_path: Path) -> None:
    """A receiver takes what it does not say itself from the defaults, its digest likewise."""
    file = loaded(tmp_path, GOOD)
    own, default = file.settings["management", "slack"], file.settings["team", "slack"]
    assert (own.token.reveal(), default.token.reveal()) == ("xoxb-own", "xoxb-default")  # type: ignore[attr-defined]  # Slack's settings
    daily = file.settings_for(Outlet("daily summary", "slack", "#daily"), Kind.DIGEST)
    assert daily is not None
    assert daily.targets() == ("#daily",)


def test_a_digest_has_its_time_zone_and_ways(tmp_path: Path) -> None:
    """The digest of a receiver leaves by its own channels, not by the receiver's."""
    file = loaded(tmp_path, GOOD)
    digest = file.digests["daily summary"]
    assert (digest.at, digest.timezone.key, digest.line) == (datetime.time(8), "Europe/Berlin", 12)
    assert digest.outlets == (Outlet("daily summary", "slack", "#daily"),)
    assert file.settings_for(Outlet("daily summary", "slack", "#daily")) is None
    assert file.settings_for(Outlet("gone", "slack", "#x"), Kind.DIGEST) is None


@pytest.mark.parametrize(("hold", "millis"), [("2", 2 * MINUTE), ("0.5", 30 * SECOND), ("90s", 90 * SECOND), ("0", 0)])
def test_a_hold_is_minutes_or_a_duration(tmp_path: Path, hold: str, millis: int) -> None:
    """A plain number means minutes."""
    assert loaded(tmp_path, GOOD.replace("hold: 2", f"hold: {hold}")).routing.receivers["management"].hold == millis


@pytest.mark.parametrize("value", ["a + b c", ["a", "b c"], "a+b c + a", ["a + b c"]])
def test_receivers_are_named_in_several_ways(value: object) -> None:
    """"a + b" and [a, b] are the same, names may hold spaces, and nobody is told twice."""
    assert names(value) == ("a", "b c")


def test_secrets_are_read_from_files_beside_routing_yaml(tmp_path: Path) -> None:
    """serve reads and trims them; one that is missing is an error at the line of its key, in the defaults too."""
    text = GOOD.replace(f"routing_key: {KEY}", "routing_key_file: secrets/pd").replace(
        "token: xoxb-default", "token_file: secrets/slack")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pd").write_text(f"{KEY}\n")
    with pytest.raises(BadInput) as caught:
        loaded(tmp_path, text)
    assert [(finding.line, finding.column) for finding in caught.value.findings] == [(2, 11)]
    (tmp_path / "secrets" / "slack").write_text("xoxb-file\n")
    file = loaded(tmp_path, text)
    assert file.settings["on-call", "pagerduty"].routing_key.reveal() == KEY  # type: ignore[attr-defined]  # PagerDuty's settings
    assert file.settings["team", "slack"].token.reveal() == "xoxb-file"  # type: ignore[attr-defined]  # Slack's settings


def test_check_needs_no_secret(tmp_path: Path) -> None:
    """Without reading secrets a missing file is a remark, told once although two receivers share it."""
    text = GOOD.replace("token: xoxb-default", "token_file: secrets/slack")
    file = loaded(tmp_path, text, read_secrets=False)
    missing = [finding for finding in file.remarks if finding.id == "secret-missing"]
    assert [(finding.line, finding.level) for finding in missing] == [(2, "remark")]


def test_how_long_an_acknowledgement_holds(tmp_path: Path) -> None:
    """As the file says, else an hour for critical and eight for warning."""
    said = loaded(tmp_path, GOOD + "acknowledge: {Critical: 30m, info: 1d}\n").routing.acknowledge
    assert said == {Severity.CRITICAL: 30 * 60_000, Severity.WARNING: 8 * 3_600_000, Severity.INFO: 86_400_000}


@pytest.mark.parametrize(("value", "said"), [("{critical: soon}", "no duration"), ("{crit: 1h}", "unknown severity"),
                                             ("{critical: 0s}", "longer than nothing"), ("1h", "a section such as")])
def test_an_acknowledgement_that_makes_no_sense_is_an_error(tmp_path: Path, value: str, said: str) -> None:
    """With its place, like every other fault."""
    with pytest.raises(BadInput, match=said):
        loaded(tmp_path, GOOD + f"acknowledge: {value}\n")


def test_the_steps_of_an_escalation(tmp_path: Path) -> None:
    """In the order of time, each with its line."""
    text = GOOD + "escalation:\n  critical:\n  - {after: 5m, to: on-call}\n  - {after: 1h, to: team, repeat: 30m}\n"
    first, last = loaded(tmp_path, text).routing.escalation[Severity.CRITICAL]
    assert (first.after, first.receivers, first.repeat) == (5 * MINUTE, ("on-call",), None)
    assert (last.after, last.receivers, last.repeat) == (60 * MINUTE, ("team",), 30 * MINUTE)
    assert last.line == first.line + 1


@pytest.mark.parametrize(("steps", "said"), [
    ("[{after: 5m, to: on-cal}]", "unknown receiver 'on-cal'; did you mean"), ("[{after: 5m}]", "'to' is missing"),
    ("[{after: 5m, to: on-call, every: 1h}]", "unknown key 'every'"), ("[]", "must be a list of steps"),
    ("[{after: 5m, to: on-call}, {after: 5m, to: team}]", "no later than the step before it"),
    ("[{after: 5m, to: on-call, repeat: 1m}, {after: 9m, to: team}]", "only the last step can repeat"),
    ("[{after: soon, to: on-call}]", "no duration"), ("[on-call]", "must be a step"),
    ("[{after: 5m, to: daily summary}]", "only be collected for a digest")])
def test_steps_that_make_no_sense_are_errors(tmp_path: Path, steps: str, said: str) -> None:
    """Each with its place."""
    with pytest.raises(BadInput, match=said) as caught:
        loaded(tmp_path, GOOD + f"escalation: {{critical: {steps}}}\n")
    assert caught.value.findings[0].line == len((GOOD + " ").splitlines())


BROKEN = """\
defaults:
  slak: {token: xoxb-1}
  slack: {token: xoxb-2, chanel: "#x"}
  email: {smarthost: smtp.example.com:587, from: alertd@example.com, from: twice@example.com}
receivers:
  on-call: {pagerduty: {routing_key: 12}}
  management: {style: manager, slack: {channel: "#lead"}}
  platform-team: {slak: {channel: "#platform"}}
  slack: {slack: {channel: "#alerts", token: a, token_file: b}, fallback: platform-taem}
  nobody: {}
  daily: {digest: {at: "8 o'clock", timezone: Europe/Berlln, slack: {channel: "#d"}}, hold: 5 beers}
  a + b: {log: {}}
routes:
  cirtical: on-call
  critical: on-cal + management
  warning: [on-call, platform]
  WARNING: on-call +
overrides:
  - {match: ['service="payments'], to: on-call}
  - {match: ['a=~"(?=x)"', 'b'], too: slack}
  - {match: [], to: daily}
  - {match: 'severity="page"', to: on-call}
  - slack
severities: {page: critcal}
incident_by: alertname
reciever: {}
"""
SAID = """\
2:3: unknown channel 'slak'; did you mean 'slack'?
3:26: unknown key 'chanel'; did you mean 'channel'?
4:70: 'from' is given twice; the first stands in line 4; keep one
6:38: a secret must be text: put it in quotes
7:23: must be 'responder' or 'management'
8:19: unknown channel or key 'slak'; did you mean 'slack'?
9:49: 'token' and 'token_file' are both given; keep one
9:75: unknown receiver 'platform-taem'; did you mean 'platform-team'?
10:3: receiver 'nobody' has no channel, so nobody would be told; give it one of digest, email, log, pagerduty, slack, \
webhook
11:24: must be a time of day; write it as "08:00"
11:47: 'Europe/Berlln' is no time zone; did you mean 'Europe/Berlin'?
11:93: '5 beers' is no duration; write one such as 500ms, 90s, 5m, 1h30m or 1d
12:3: 'a + b' is no name for a receiver; leave out + and outer spaces
13:1: no route for info; name who is told: `info: receiver + receiver`
14:3: unknown severity 'cirtical'; did you mean 'critical'?
15:13: unknown receiver 'on-cal'; did you mean 'on-call'?
16:22: unknown receiver 'platform'; did you mean 'platform-team'?
17:3: warning is given twice; the first stands in line 16; severities compare without case
17:12: a receiver is missing; write "a + b" or [a, b]
19:14: the closing double quote is missing, at character 9 of 'service="payments'; add "
20:5: 'to' is missing; write {match: […], to: …}
20:14: '(?=x)' holds lookahead ((?=…), which Alertmanager's RE2 does not have, at character 4 of 'a=~"(?=x)"'; \
mend the regular expression
20:28: expected = != =~ or !~ after 'b', at character 2 of 'b'; write for example b="value"
20:34: unknown key 'too'; did you mean 'to'?
21:13: without a matcher this would take every alert; write one such as service="payments"
22:13: severity="page" matches nothing; known are critical, info, none, warning
23:5: must be {match: […], to: …}
24:14: unknown severity 'critcal'; did you mean 'critical'?
25:14: must be a list of labels; write [alertname, service]
26:1: unknown key 'reciever'; did you mean 'receivers'?
"""


def test_every_fault_is_told_in_one_run(tmp_path: Path) -> None:
    """Thirty faults of one file, each with its line and column, what is wrong and what to do."""
    expected = [f"error routing.yaml:{line}" for line in SAID.splitlines()]
    assert findings(tmp_path, BROKEN) == expected


@pytest.mark.parametrize(("text", "said"), [
    ("", "error routing.yaml:1:1: is empty; begin with receivers: and routes:"),
    ("- a", "error routing.yaml:1:1: must be a section of keys; begin with receivers: and routes:"),
    ("receivers: [a]", "error routing.yaml:1:12: must be a section of keys; write `key: value` lines below it"),
    ("receivers: {a: x}", "error routing.yaml:1:16: must be a section of keys; write `key: value` lines below it"),
    ("receivers: {a: {slack: x}}", "error routing.yaml:1:24: must be a section of keys; write `key: value` lines below "
                                   "it"),
    ("defaults: x", "error routing.yaml:1:11: must be a section of keys; write `key: value` lines below it"),
    ("routes: x", "error routing.yaml:1:9: must be a section of severities"),
    ("routes: {info: 5}", 'error routing.yaml:1:16: must name receivers; write "a + b" or [a, b]'),
    ("overrides: x", "error routing.yaml:1:12: must be a list of {match: […], to: …}"),
    ("overrides: [{match: [5], to: a}]", "error routing.yaml:1:22: a matcher must be text; "
                                         "write 'service=\"payments\"'"),
    ("severities: [page]", "error routing.yaml:1:13: must be a section such as {page: critical}"),
    ("severities: {page: 1}", "error routing.yaml:1:20: must be one of critical, warning, info, none"),
    ("routes: {none: a}", "error routing.yaml:1:10: unknown severity 'none'; known are critical, info, warning"),
    ("receivers: {a: {hold: -1, log: {}}}", "error routing.yaml:1:23: must be a duration such as 2m, or a number of "
                                            "minutes"),
    ("receivers: {a: {digest: {at: '08:00'}}}", "error routing.yaml:1:17: the digest of 'a' has no channel, so nobody "
                                                "would get it; give it one of email, log, pagerduty, slack, webhook"),
    ("receivers: {a: {digest: {log: {}}}}", "error routing.yaml:1:17: 'at' is missing; add it"),
])
def test_sections_of_the_wrong_kind(tmp_path: Path, text: str, said: str) -> None:
    """A section that is no section, a name that is a number, and the like are one sentence each."""
    assert said in findings(tmp_path, text)


def test_a_fault_in_the_defaults_is_shown_there_once(tmp_path: Path) -> None:
    """Two receivers inherit one wrong key; it is told once, where it is mended."""
    text = GOOD.replace("slack: {token: xoxb-default}", "slack: {token: xoxb-default, rate: fast}")
    assert findings(tmp_path, text) == ["error routing.yaml:2:38: must be a number or 'none'"]


def test_no_message_quotes_a_secret(tmp_path: Path) -> None:
    """Whatever is wrong with a section, its inline secrets are not in the message."""
    text = GOOD.replace("token: xoxb-own", "token: xoxb-own, rate: fast, api_url: 5, foo: x").replace(KEY, "canary")
    said = findings(tmp_path, text)
    assert said
    assert not any("xoxb" in line or "canary" in line for line in said)


def test_the_repositorys_own_routing_yaml_is_clean() -> None:
    """The environment this project was written for, without an error; only its secrets and addresses are not here."""
    own = Path(__file__).parents[2] / "routing.yaml"
    file = load(own, channels.settings_types(), read_secrets=False)
    assert {finding.id for finding in file.remarks} == {"secret-missing", "placeholder"}
    assert {severity: route.receivers for severity, route in file.routing.routes.items()} == {
        Severity.CRITICAL: ("on-call", "management", "slack"), Severity.WARNING: ("on-call", "platform-team"),
        Severity.INFO: ("platform-team", "daily summary")}


def test_private_networks_are_denied_where_the_file_says_so(tmp_path):
    """They are allowed otherwise; another word is a fault."""
    path = tmp_path / "routing.yaml"
    for words, allowed in (("", True), ("outgoing: {private_addresses: deny}\n", False)):
        path.write_text(GOOD + words)
        assert load(path, channels.settings_types()).private_addresses is allowed
    path.write_text(GOOD + "outgoing: {private_addresses: no}\n")
    with pytest.raises(BadInput, match="must be allow or deny"):
        load(path, channels.settings_types())
