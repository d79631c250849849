"""The commands of docs/first-ten-minutes.md, run in their order, print what the page says they print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alertd.demo import processes

PAGE = (Path(__file__).parents[1] / "docs" / "first-ten-minutes.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines() if line.startswith("$ ")]
PRINTED = [line.strip() for block in BLOCKS for line in block.splitlines()
           if not line.startswith("$ ") and line.strip() not in ("", "…")]

# Another port, since somebody may use the usual one; the demo without a real Prometheus, which flows/ tests; and what
# the server prints in a file of its own. A reader has had time to read on before the server is asked something.
INSTEAD = {"alertd demo": "PATH=$ALERTD_ONLY alertd demo",
           "alertd serve": "export ALERTD_URL=http://$ADDRESS; alertd serve --web.listen-address $ADDRESS",
           "try.db &": "try.db >serve.log 2>&1 & until alertd healthcheck; do sleep 0.2; done"}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that the commands of the page print, one after the other, each of which must succeed."""
    folder = tmp_path_factory.mktemp("first-minutes")
    script = "\n".join(["set -em", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", *COMMANDS])
    for written, meant in INSTEAD.items():
        assert written in script
        script = script.replace(written, meant)
    address = f"127.0.0.1:{processes.free_port()}"
    here = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={
            **os.environ, "PATH": f"{here}:{os.environ['PATH']}", "ALERTD_ONLY": here, "ADDRESS": address,
            "TMPDIR": str(folder)})
    assert done.returncode == 0, done.stdout
    return done.stdout


def uncounted(line: str) -> str:
    return re.sub(r"\d+", "N", line)


@pytest.mark.skipif(not (shutil.which("promtool") and shutil.which("amtool")), reason="no Prometheus")
@pytest.mark.parametrize("line", PRINTED)
def test_a_line_that_the_page_shows(said: str, line: str) -> None:
    """Is printed, its counts and line numbers aside, which grow with what alertd writes."""
    assert uncounted(line) in [uncounted(printed.strip()) for printed in said.splitlines()]


def test_the_page_shows_what_is_left_to_do() -> None:
    """Its commands are not a few, and none of them asks the network."""
    assert len(COMMANDS) > 10
    assert not [command for command in COMMANDS if re.search(r"curl|pip|apt|http://(?!127\.)", command)]
