"""The README's own files and commands, run as one would who copies them; the vendors alone are stand-ins."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.processes import House

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [line.removeprefix("$ ").partition("  #")[0].strip() for block in
            re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
ROUTING, _, RULES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def lay_out(house: House) -> None:
    """The README's routing.yaml and rules/, secrets, and what it leaves to a build."""
    vendors = {"slack: {token_file": f"pagerduty: {{url: {house.pagerduty.url}}}\n  slack: "
               f"{{api_url: {house.slack.api_url}, token_file", "smtp.example.com:587": house.smtp.url,
               ", username: alertd, password_file: secrets/smtp": ", require_tls: false"}
    text = ROUTING
    for written, meant in vendors.items():
        assert written in text
        text = text.replace(written, meant)
    (house.folder / "routing.yaml").write_text(text)
    (house.folder / "rules").mkdir()
    (house.folder / "rules" / "production.yaml").write_text(RULES)
    (house.folder / "secrets").mkdir()
    for name, secret in (("slack", "xoxb-test"), ("smtp", "secret"), ("pagerduty", "k" * 32)):
        (house.folder / "secrets" / name).write_text(secret)


async def test_its_commands_do_what_it_says(house: House) -> None:
    """In their order: the files have no fault, a route is explained, the daemon serves, a test alert arrives."""
    lay_out(house)
    words = [command for command in COMMANDS if command.startswith("alertd")]
    assert [word.split()[1] for word in words] == ["check", "routes", "serve", "send-test"]
    serve = (f"export ALERTD_URL={house.url}\n"
             f"alertd serve --web.listen-address 127.0.0.1:{house.port} >serve.log 2>&1 &\n"
             "until alertd healthcheck; do sleep 0.2; done")
    script = "\n".join(["set -em", "trap 'kill $(jobs -p) 2>/dev/null' EXIT", "alertd rules build", *words]).replace(
        "alertd serve", serve)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = await asyncio.to_thread(subprocess.run, ["bash", "-c", script], cwd=house.folder, env=environment,
                                   check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "routing.yaml: 4 remarks" in done.stderr  # three of the addresses are examples', one of a tier
    assert re.search(r"routing.yaml:\d+", done.stdout)
    assert re.search(r"platform-team +slack +#platform +the start +sent", done.stdout)


@pytest.mark.parametrize("target", [command for command in COMMANDS if command.startswith("make")])
def test_its_targets_are_there(target: str) -> None:
    """What `make` would do can be said; that it works, the demo's own test and this very run show."""
    done = subprocess.run([*target.split(), "-n"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
