"""`alertd send-test`: a marked alert through the whole chain, start and end, and what became of every message."""

from __future__ import annotations

import datetime
import getpass
import json
import secrets
import sys
import time
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any

import click

from alertd.cli._ask import send
from alertd.cli.asking import from_daemon, output, table

NAME = "AlertdTest"
UNSETTLED = ("queued", "claimed")
PAUSE = 0.2  # seconds between looks
ENDS = 3600  # seconds after which Alertmanager ends the test by itself, should this command be stopped
ZERO = "0001-01-01T00:00:00Z"


@click.command("send-test")
@click.argument("labels", nargs=-1, metavar="LABEL=VALUE...")
@click.option("--severity", default="info", show_default=True, help="As an alert's label says it. critical pages.")
@click.option("--url", envvar="ALERTD_URL", default="http://127.0.0.1:9097", show_default=True,
              help="The daemon's address.")
@click.option("--alertmanager", metavar="URL", help="Send it there, to see that its webhook reaches the daemon too.")
@click.option("--wait", type=click.IntRange(1, 3600), default=90, show_default=True,
              help="Seconds to wait for the start, and again for the end.")
@output
def command(labels: tuple[str, ...], severity: str, url: str, alertmanager: str | None, wait: int, form: str) -> None:
    """Send a marked test alert through the whole chain, end it, and say what became of every message.

    It is told to the very people whom a real one of this severity and these labels would reach, and says in its
    summary that it is a test and by whom. Exit codes: 0 everything arrived, 1 something did not, 2 usage, 3 the daemon
    or Alertmanager does not answer.
    """
    from alertd.cli.routes import pairs

    test = _Test({"severity": severity, **pairs(labels)}, url, alertmanager, wait, form == "text")
    began, ended = test.run()
    if form == "json":
        click.echo(json.dumps({"incident": test.incident, "messages": ended or began}))
    else:
        click.echo(table([["RECEIVER", "CHANNEL", "TARGET", "TOLD OF", "STATE", "WHY"]] + [
            [row["receiver"], row["channel"], row["target"], "the end" if row["kind"] == "resolved" else "the start",
             row["state"], row["reason"]] for row in ended or began]) if began else "nobody is told of such an alert")
    wrong = [row for row in ended or began if row["state"] in (*UNSETTLED, "dead")]
    sys.exit(1 if wrong or ended is None else 0)


def alert(labels: Mapping[str, str], by: str, starts: str, ends: str = ZERO) -> dict[str, Any]:
    """The alert, as it is posted to Alertmanager. Its labels beside `alertname` and `test` are the caller's."""
    return {"labels": {"alertname": NAME, **labels}, "startsAt": starts, "endsAt": ends, "annotations": {
        "summary": f"TEST, nothing is wrong: sent by {by} with alertd send-test",
        "description": "It ends by itself in a minute or two. Nobody needs to do anything."}}


def webhook(one: dict[str, Any], ended: bool) -> dict[str, Any]:
    """What Alertmanager would make of it, as a group of its own."""
    state = "resolved" if ended else "firing"
    group = {name: one["labels"][name] for name in ("alertname", "test")}
    return {"version": "4", "groupKey": f"{{}}:{json.dumps(group)}", "truncatedAlerts": 0, "status": state,
            "receiver": "alertd", "groupLabels": group, "commonLabels": one["labels"], "commonAnnotations": {},
            "externalURL": "alertd send-test", "alerts": [
                one | {"status": state, "generatorURL": "", "fingerprint": one["labels"]["test"]}]}


class _Test:
    def __init__(self, labels: Mapping[str, str], url: str, alertmanager: str | None, wait: int, aloud: bool) -> None:
        self._id = secrets.token_hex(8)
        self._labels = {**labels, "test": self._id}
        self._url, self._alertmanager, self._wait, self._aloud = url, alertmanager, wait, aloud
        self._by = getpass.getuser()
        self._starts = _now()
        self.incident = ""

    def run(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        """The messages once the start was told, and once the end was; None where the end did not come in time."""
        self._post(ended=False)
        try:
            self._say(f"sent a test alert, {' '.join(f'{key}={value}' for key, value in self._labels.items())}")
            if not self._until(self._opened):
                self._say(f"the daemon heard of no such alert within {self._wait} s: does Alertmanager's webhook "
                          "reach it?")
                return [], None
            self._until(lambda: self._settled("firing"))
            began = self._messages()
            self._say(f"told as incident {self.incident}; ending it")
        finally:
            self._post(ended=True)
        done = self._until(lambda: self._story()["state"] == "resolved" and self._settled("resolved"))
        return began, self._messages() if done else None

    def _say(self, text: str) -> None:
        if self._aloud:
            click.echo(text, err=True)

    def _post(self, *, ended: bool) -> None:
        one = alert(self._labels, self._by, self._starts, _now() if ended else ZERO)
        if self._alertmanager:
            one["endsAt"] = _now(0 if ended else ENDS)
            _post(f"{self._alertmanager.rstrip('/')}/api/v2/alerts", [one], keyed=False)
        else:
            _post(f"{self._url.rstrip('/')}/webhook/alertmanager", webhook(one, ended))

    def _opened(self) -> bool:
        alerts = from_daemon(self._url, "/api/v1/alerts", limit="1000")["items"]
        self.incident = next((one["incident"] for one in alerts if one["labels"].get("test") == self._id), "")
        return bool(self.incident)

    def _story(self) -> dict[str, Any]:
        found: dict[str, Any] = from_daemon(self._url, f"/api/v1/incidents/{self.incident}")
        return found

    def _messages(self) -> list[dict[str, Any]]:
        kept = ("receiver", "channel", "target", "kind", "state", "reason")
        return [{key: row[key] for key in kept} for row in reversed(self._story()["notifications"])]

    def _settled(self, kind: str) -> bool:
        """Nothing waits, apart from starts that their receiver's `hold` keeps back beyond the time there is."""
        return all(row["state"] not in UNSETTLED or (kind == "firing" and self._held(row["next_at"]))
                   for row in self._story()["notifications"])

    def _held(self, until: str) -> bool:
        return datetime.datetime.fromisoformat(until).timestamp() > time.time() + self._wait

    def _until(self, condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self._wait
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
        return True


def _now(later: int = 0) -> str:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=later)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _post(address: str, body: Any, *, keyed: bool = True) -> None:
    try:
        with send("POST", address, json.dumps(body).encode(), keyed=keyed):
            return
    except urllib.error.HTTPError as error:
        click.echo(f"{address}: {error.code} {error.read(300).decode(errors='replace').strip()}", err=True)
        sys.exit(1)
    except (urllib.error.URLError, OSError) as error:
        click.echo(f"{address} does not answer: {getattr(error, 'reason', error)}", err=True)
        sys.exit(3)
