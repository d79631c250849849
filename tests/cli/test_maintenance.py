"""`alertd maintenance` on a store that no daemon has."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertd.cli.group import group
from alertd.engine.clock import Ids, SystemClock
from alertd.engine.intake import Intake
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.store import database
from alertd.store.writer import Writer
from tests.bodies import body
from tests.engine.conftest import file_for

ROUTING = """\
receivers: {ops: {log: {}}}
routes: {critical: ops, warning: ops, info: ops}
maintenance:
  - {name: upgrade, match: ['service="db"'], every: "SUN 02:00-04:00", timezone: Europe/Berlin}
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in which four alerts fired."""
    async def fill() -> None:
        db = database.connect(url)
        await database.migrate(db)
        writer = Writer(db.writer)
        writer.start()
        clock = SystemClock()
        intake = Intake(writer, Current(file_for(), clock.now()), clock, Ids(1), Metrics(), lambda _: None)
        await intake.accept(body("a", "b", "c", "d"))
        await writer.stop()
        await db.close()

    url = f"sqlite:///{tmp_path}/a.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    (tmp_path / "routing.yaml").write_text(ROUTING)
    asyncio.run(fill())
    return url


def run(*words: str) -> Result:
    return CliRunner().invoke(group, ["maintenance", *words])


@pytest.fixture
def alertmanager() -> Iterator[str]:
    """An Alertmanager that lists two silences."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps([
                {"id": "0123456789", "status": {"state": state}, "comment": "move", "createdBy": "joe",
                 "startsAt": "2027-01-15T10:00:00Z", "endsAt": "2027-01-15T12:00:00.000Z",
                 "matchers": [{"name": "job", "value": "a|b", "isRegex": True, "isEqual": False}]}
                for state in ("active", "expired")]).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_window_is_made_listed_and_ended(store: str) -> None:
    """With its creator and reason, and in the record."""
    made = run("add", "--match", 'instance="a"', "--for", "2h", "--reason", "new disk", "--by", "jane",
               "--store", store)
    assert made.exit_code == 0, made.output
    id = made.stdout.strip()
    [_, row] = json.loads(run("list", "--store", store, "-o", "json").stdout)["items"]
    assert (row["id"], row["state"], row["by"], row["name"]) == (id, "active", "jane", "new disk")
    assert run("end", id, "--by", "joe", "--store", store).stderr == "ended\n"
    assert run("end", id, "--store", store).stderr == "it was over already: nothing changed\n"
    assert id not in run("list", "--store", store).stdout
    audit = CliRunner().invoke(group, ["audit", "export", "--store", store]).stdout
    assert [json.loads(line)["action"] for line in audit.splitlines()] == ["maintenance add", "maintenance end"]


def test_a_window_that_covers_too_much_needs_yes(store: str) -> None:
    """The number is said, and nothing is made without it."""
    words = ("add", "--match", 'instance=~"a|b|c"', "--for", "1h", "--reason", "x", "--store", store)
    refused = run(*words)
    assert refused.exit_code == 1
    assert "3 of the 4 alerts that fired within the last 7 days (75 %); say --yes" in refused.stderr
    assert "every alert there is" in run("add", "--for", "1h", "--reason", "x", "--store", store).stderr
    assert run("list", "--store", store).stdout.count("mw") == 0
    assert run(*words, "--yes").exit_code == 0


@pytest.mark.parametrize(("words", "said"), [
    (("--for", "1h"), "--reason"),
    (("--reason", "x"), "when it ends"),
    (("--reason", "x", "--for", "1h", "--to", "2099-01-01T00:00"), "when it ends"),
    (("--reason", "x", "--to", "2020-01-01T00:00"), "is over"),
    (("--reason", "x", "--for", "soon"), "no duration"),
    (("--reason", "x", "--to", "soon"), "takes a time"),
    (("--reason", "x", "--for", "1h", "--match", "a=~("), "regular expression"),
    (("--reason", "x", "--for", "1h", "--match", 'a="b"', "--mode", "digest"), "no receiver has a digest"),
])
def test_a_window_that_is_none_is_a_fault_of_usage(store: str, words: tuple[str, ...], said: str) -> None:
    """With exit code 2."""
    done = run("add", "--store", store, *words)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_the_next_five_times_are_shown_by_the_clocks_of_the_window(store: str) -> None:
    """Of what stands in the file, by name, and of what is not written yet."""
    shown = run("preview", "upgrade", "--store", store).stdout
    assert len(shown.splitlines()) == 6
    assert all(line.startswith("  Sun ") and " 02:00 +0" in line for line in shown.splitlines()[1:])
    tried = run("preview", "--every", "FREQ=MONTHLY;BYDAY=1SU;BYHOUR=2", "--for", "1h", "--number", "2", "-o", "json")
    assert len(json.loads(tried.stdout)["items"][0]["next"]) == 2
    assert "must be hours" in run("preview", "--every", "whenever").stderr
    assert run("preview", "unknown", "--store", store).exit_code == 1


def test_alertmanagers_silences_are_listed_beside_windows(store: str, alertmanager: str) -> None:
    """Those that hold: what they cover, who made them and why."""
    shown = run("list", "--store", store, "--alertmanager", alertmanager).stdout.splitlines()
    assert len(shown) == 3
    assert shown[2].split()[:3] == ["silence", "01234567", "active"]
    assert 'job!~"a|b"' in shown[2]
    assert shown[2].split()[-2:] == ["move", "joe"]


def test_what_does_not_exist_cannot_be_ended(store: str) -> None:
    """With exit code 1, and where windows of the file are ended."""
    done = run("end", "mw0", "--store", store)
    assert (done.exit_code, "routing.yaml" in done.stderr) == (1, True)
