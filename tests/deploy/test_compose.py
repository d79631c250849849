"""The compose file: its text, and what it runs."""

import asyncio
import contextlib
import json
import re
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from alertd.demo import processes
from alertd.demo.processes import running
from tests.deploy import compose
from tests.flows.processes import until

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def test_it_is_a_compose_file():
    """By the schema of compose files."""
    done = subprocess.run([BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", compose.FILE],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_in_it_is_dangerous():
    """By compose-lint, where "high" fails. Below it stands that images have versions and no digests."""
    done = subprocess.run([BIN / "compose-lint", "--fail-on", "high", "--format", "json", compose.FILE],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r'"(CL-\d+)"', done.stdout)) <= {"CL-0019"}


@pytest.mark.parametrize("name", compose.services())
def test_every_port_is_this_machines_own(name):
    """Of every service."""
    service = compose.services()[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert "ports" in service or service["network_mode"] == "service:catchers"


@pytest.mark.parametrize("name", compose.services())
def test_every_service_is_kept_small(name):
    """A version to the last digit, no right, no writable file but in its volumes, a limit of memory."""
    service = compose.services()[name]
    assert re.search(r":v?\d+\.\d+\.\d+$", compose.plain(service["image"]))
    assert (service["cap_drop"], service["read_only"]) == (["ALL"], True)
    assert service["mem_limit"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_trial_tells_whom_production_tells():
    """The same receivers by the same ways, the same routes."""
    trial, production = (yaml.safe_load((ROOT / path).read_text())
                         for path in ("deploy/trial/routing.yaml", "routing.yaml"))
    ways = {name: set(receiver) for name, receiver in production["receivers"].items()}
    assert {name: set(receiver) for name, receiver in trial["receivers"].items()} == ways
    assert trial["routes"] == production["routes"]


async def test_what_it_runs_works_together(tmp_path):
    """Its own words, without containers: Prometheus has our rules and sees alertd, its Watchdog comes through
    Alertmanager, and a critical test alert is told to everybody, by the catchers' account."""
    programs = {
        "catchers": (9098, "_received", compose.python("-m", "alertd.demo.standins")),
        "alertd": (9097, "-/ready", compose.python("-m", "alertd")),
        "alertmanager": (9093, "-/ready", [processes.find_alertmanager()]),
        # what it said before it had found Alertmanager it says again after a minute, if not told otherwise
        "prometheus": (9090, "-/ready", [processes.find_prometheus(), "--rules.alert.resend-delay=1s"]),
    }
    machine = compose.Machine(tmp_path)

    def ask(port, path):
        with urllib.request.urlopen(f"{machine.url(port)}/{path}", timeout=5) as answer:
            return answer.read().decode()

    with contextlib.ExitStack() as stack:
        for name, (port, ready, program) in programs.items():
            process = stack.enter_context(running(machine.start(name, *program)))
            await process.answers(f"{machine.url(port)}/{ready}")
        sent = await asyncio.create_subprocess_exec(
            *compose.python("-m", "alertd", "send-test"), "--severity", "critical", "--url", machine.url(9097),
            "--alertmanager", machine.url(9093), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = (await asyncio.wait_for(sent.communicate(), 60))[0].decode()
        assert sent.returncode == 0, said
        caught = json.loads(await asyncio.to_thread(ask, 9098, "_received"))
        assert len([page for page in caught["pagerduty"]["pages"] if "AlertdTest" in json.dumps(page)]) == 1
        assert [mail["to"] for mail in caught["smtp"]["mails"]][:1] == [["management@example.com"]]
        assert {"alerts", "leadership"} <= {name for name, posted in caught["slack"]["messages"].items() if posted}
        rules = json.loads(await asyncio.to_thread(ask, 9090, "api/v1/rules"))["data"]["groups"]
        assert {"Watchdog", "HighCPUUtilization"} <= {rule["name"] for group in rules for rule in group["rules"]}

        store = stack.enter_context(contextlib.closing(sqlite3.connect(tmp_path / "volumes/alertd/alertd.db")))

        async def seen():
            query = "api/v1/query?query=up%7Bjob%3D%22alertd%22%7D"
            up = json.loads(await asyncio.to_thread(ask, 9090, query))["data"]["result"]
            return up and up[0]["value"][1] == "1" and store.execute("SELECT 1 FROM pulses").fetchall()

        await until(seen, "Prometheus sees alertd, and alertd hears its Watchdog")
