"""What a run measured, kept: the newest in latest.json, every run as a line of history.jsonl, all runs as a picture."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.picture import svg


def record(figures: Sequence[Figure], without: Mapping[str, str], load: float,
           seconds: Mapping[str, float]) -> dict[str, Any]:
    """A run as JSON. `without` are the jobs that gave no figures, each with the reason; `load` is the machine's load
    average when it began: what else ran beside it; `seconds`, what each job took."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit(),
        "python": platform.python_version(), "machine": platform.machine(), "cores": len(os.sched_getaffinity(0)),
        "load": [load, os.getloadavg()[0]], "without": dict(without), "seconds": dict(seconds),
        "figures": [dataclasses.asdict(figure) | {"ratios": figure.ratios, "met": figure.met} for figure in figures],
    }


def commit() -> str:
    """The short name of what is measured, with + where files differ from it; nothing outside a repository."""
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=Path(__file__).parent,
                              capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def keep(folder: Path, run: Mapping[str, Any]) -> Path:
    """Write the three files; the picture's path."""
    (folder / "latest.json").write_text(json.dumps(run, indent=1) + "\n")
    history, picture = folder / "history.jsonl", folder / "history.svg"
    with history.open("a") as file:
        file.write(json.dumps(run) + "\n")
    picture.write_text(svg([json.loads(line) for line in history.read_text().splitlines()]))
    return picture
