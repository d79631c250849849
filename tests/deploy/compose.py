"""deploy/compose.yaml, run without containers: the same words, with ports of their own and folders for volumes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from alertd.demo import processes
from alertd.demo.processes import Process

FILE = Path(__file__).parents[2] / "deploy/compose.yaml"
HURRY = {"_interval: 15s": "_interval: 1s", "group_wait: 10s": "group_wait: 0s", "_interval: 1m": "_interval: 1s",
         "_interval: 30s": "_interval: 1s"}


def services() -> dict[str, dict[str, Any]]:
    """As the file has them."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return found


def plain(text: str) -> str:
    """With the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


class Machine:
    """One machine for these services: where each path and each port of the file is here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {number: processes.free_port() for number in (9090, 9093, 9097, 9098, 9801, 9802, 9803, 9804)}

    def url(self, port: int) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    def start(self, name: str, *program: str) -> Process:
        """A service, its program being this one."""
        service = services()[name]
        words = [*program, *service["command"]]
        for volume in service.get("volumes", ()):
            here, there = plain(volume).split(":")[:2]
            place = self._file(here) if here.startswith(".") else self._volume(name)
            path = re.compile(rf"(=|=sqlite:///){re.escape(there)}(?=/|$)")
            words = [path.sub(rf"\1{place}", word) for word in words]
        return Process(name, [self._moved(word) for word in words], self.folder / f"{name}.log")

    def _volume(self, name: str) -> Path:
        (place := self.folder / "volumes" / name).mkdir(parents=True, exist_ok=True)
        return place

    def _file(self, relative: str) -> Path:
        """A copy beside the others as they lie in the repository, with our ports and quicker."""
        source = (FILE.parent / relative).resolve()
        place = self.folder / source.relative_to(FILE.parents[1])
        for path in [source] if source.is_file() else [one for one in source.rglob("*") if one.is_file()]:
            copy = place / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = self._moved(path.read_text())
            for slow, quick in HURRY.items():
                text = text.replace(slow, quick)
            copy.write_text(text)
        return place

    def _moved(self, text: str) -> str:
        ours = re.compile(r"(?<=[:=])(" + "|".join(map(str, self.ports)) + r")\b")
        return ours.sub(lambda found: str(self.ports[int(found[1])]), text).replace("0.0.0.0", "127.0.0.1")


def python(*words: str) -> list[str]:
    """A program of this very Python."""
    return [sys.executable, *words]
