"""A Prometheus over given samples."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import math
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.processes import PATIENCE, free_port

COMPACTED = 180.0  # seconds within which blocks are compacted: a look at them comes every minute
BLOCK = 54 * 3600  # seconds; a block of TSDB begins at a multiple of it
Labels = tuple[tuple[str, str], ...]
Points = Mapping[str, Sequence[tuple[float, float]]]  # a series in PromQL's words, and its (seconds, value)


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    samples: float
    seconds: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.samples + other.samples, self.seconds + other.seconds)

    def times(self, factor: float) -> Cost:
        return Cost(self.samples * factor, self.seconds * factor)


def load(data: Path, series: Points) -> None:
    """Write these samples as blocks of `data`, one file for each block: promtool reads a file once for each."""
    data.mkdir(exist_ok=True)
    blocks: dict[int, list[str]] = {}
    for name, points in series.items():
        for block, lines in _split(name, points).items():
            blocks.setdefault(block, []).extend(lines)
    for block, lines in blocks.items():
        text = data.parent / f"samples-{block}.txt"
        text.write_text("\n".join([*lines, "# EOF\n"]))
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet",
                        "--max-block-duration=54h", str(text), str(data)], check=True, capture_output=True)
        text.unlink()


def _split(name: str, points: Iterable[tuple[float, float]]) -> dict[int, list[str]]:
    blocks: dict[int, list[str]] = {}
    for second, value in points:
        blocks.setdefault(int(second) // BLOCK, []).append(f"{name} {value!r} {second!r}")
    return blocks


@contextlib.contextmanager
def prometheus(folder: Path, data: Path) -> Iterator[Prometheus]:
    """A server that answers queries over `data` and scrapes nothing."""
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text("global: {}\n")
    shutil.rmtree(data / "wal", ignore_errors=True)
    with (folder / "prometheus.log").open("a") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}",
             "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
             "--storage.tsdb.min-block-duration=54h", "--storage.tsdb.max-block-duration=54h"],
            stdout=log, stderr=log)
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        server.ready()
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


@dataclasses.dataclass(frozen=True, slots=True)
class Prometheus:
    url: str

    def ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(OSError, urllib.error.URLError), \
                    urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError("Prometheus did not get ready")

    def settle(self, data: Path) -> None:
        """Wait until no blocks lie over one another. Samples that were loaded in parts do until Prometheus compacted
        them, once a minute, and to read a moment from eight blocks costs what no server that recorded them pays."""
        end = time.monotonic() + COMPACTED
        while _overlapping(data):
            if time.monotonic() > end:
                raise RuntimeError("Prometheus did not compact its blocks")
            time.sleep(0.5)

    def value(self, expression: str, moment: float) -> float | None:
        """The one value at a moment; None without one."""
        result = self._ask("query", query=expression, time=moment)["result"]
        return float(result[0]["value"][1]) if result else None

    def values(self, expression: str, first: float, last: float, step: float) -> list[tuple[float, float]]:
        """The one series, as evaluated every `step` seconds."""
        return [point for points in self.series(expression, first, last, step).values() for point in points]

    def series(self, expression: str, first: float, last: float, step: float
               ) -> dict[Labels, list[tuple[float, float]]]:
        """Every series by its labels, as evaluated every `step` seconds."""
        found: dict[Labels, list[tuple[float, float]]] = {}
        while first <= last:
            until = min(last, first + step * 10_000)
            for series in self._ask("query_range", query=expression, start=first, end=until, step=step)["result"]:
                labels = tuple(sorted(series["metric"].items()))
                found.setdefault(labels, []).extend((float(second), float(value)) for second, value in series["values"])
            first = until + step
        return found

    def cost(self, expression: str, moment: float, tries: int = 7) -> Cost:
        """What one evaluation reads and takes, the best of `tries`."""
        found = []
        for _ in range(tries):
            stats = self._ask("query", query=expression, time=moment, stats="all")["stats"]
            found.append(Cost(stats["samples"]["totalQueryableSamples"], stats["timings"]["execTotalTime"]))
        return min(found, key=lambda cost: cost.seconds)

    def _ask(self, what: str, **parameters: Any) -> Any:
        body = urllib.parse.urlencode(parameters).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}", body, timeout=120) as answer:
            return json.load(answer)["data"]


def _overlapping(data: Path) -> bool:
    spans = sorted((block["minTime"], block["maxTime"]) for block in _blocks(data))
    return any(start < before for (_, before), (start, _) in itertools.pairwise(spans))


def _blocks(data: Path) -> Iterator[Any]:
    for meta in data.glob("*/meta.json"):
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # it is being removed, or written
            yield json.loads(meta.read_text())


def finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
