"""deploy/alertd.service, read as systemd reads it."""

from __future__ import annotations

import re
import shlex
import sys
from collections import defaultdict
from pathlib import Path

FILE = Path(__file__).parents[2] / "deploy/alertd.service"
PROGRAM = "/opt/alertd/bin/alertd"


def settings() -> dict[str, list[str]]:
    """The values of every key; none of ours stands in two sections."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in FILE.read_text().replace("\\\n", " ").splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            found[match[1]].append(match[2])
    return found


def seconds(key: str) -> int:
    """One time, of the kinds that stand there."""
    [text] = settings()[key]
    return int(text.removesuffix("min")) * 60 if text.endswith("min") else int(text.removesuffix("s"))


def words(folder: Path, port: int) -> list[str]:
    """The command line of ExecStart with this very alertd, its files in `folder`, and neither Prometheus nor
    Alertmanager."""
    [line] = settings()["ExecStart"]
    line = line.replace("/etc/alertd/", f"{folder}/").replace("/var/lib/alertd/", f"{folder}/state/")
    line = re.sub(r" --(prometheus|alertmanager) \S+", "", line).replace("127.0.0.1:9097", f"127.0.0.1:{port}")
    program, *rest = shlex.split(line)
    assert program == PROGRAM
    return [sys.executable, "-m", "alertd", *rest]
