"""The rules for Prometheus 3 on native histograms, in a real Prometheus (2.42 stores them behind a flag, and promtool
there cannot write them down). Skipped, not failed, where Prometheus is not installed."""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web

from alertd.demo import processes
from alertd.rulegen.version import parse
from tests.flows.processes import until
from tests.rulegen.rules_made import generated

PROMETHEUS = processes.find_prometheus()
pytestmark = pytest.mark.skipif(not PROMETHEUS, reason="Prometheus is missing")

RULES = """
thresholds: {error_rate: 1%, response_time: 1s, response_time_p95: 600ms}
services: {shop: {metrics: opentelemetry-http, selector: 'job="shop"'}}
"""
HISTOGRAM = "http_server_request_duration_seconds"
TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
MINUTES = 32


def number(value: int) -> bytes:
    """A protobuf varint."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)


def field(at: int, value: int | float | str | bytes) -> bytes:
    if isinstance(value, int):
        return number(at << 3) + number(value)
    if isinstance(value, float):
        return number(at << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(data)) + data


def histogram(fast: int, slow: int) -> bytes:
    """Requests of 0.4 s and of 3 s, in the buckets that end at 0.5 s and at 4 s:
    https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto"""
    def signed(value: int) -> int:
        return 2 * value if value >= 0 else -2 * value - 1

    spans = b"".join(field(12, field(1, signed(offset)) + field(2, 1)) for offset in (-1, 2))
    return (field(1, fast + slow) + field(2, fast * 0.4 + slow * 3) + field(5, 0) + field(6, 1e-128) + field(7, 0)
            + spans + field(13, signed(fast)) + field(13, signed(slow - fast)))


def shown(minute: int, began: int) -> bytes:
    """What the target shows at one of the simulated minutes: each adds 90 fast requests and 10 that are slow and
    fail. The sample carries its time, so that half an hour passes in seconds."""
    metrics = b"".join(
        field(4, field(1, field(1, "http_response_status_code") + field(2, status))
              + field(6, began + minute * 60_000) + field(7, histogram(*counts)))
        for status, counts in (("200", (90 * minute, 0)), ("503", (0, 10 * minute))))
    family = field(1, HISTOGRAM) + field(3, 4) + metrics
    return number(len(family)) + family


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """A Prometheus that has seen half an hour of it: its address, and the last minute in milliseconds."""
    began = int(time.time()) // 60 * 60_000 - (MINUTES + 5) * 60_000
    minutes: Iterator[int] = iter(range(10**6))
    seen: list[int] = []

    async def metrics(_: web.Request) -> web.Response:
        seen.append(min(MINUTES, next(minutes)))
        return web.Response(body=shown(seen[-1], began), headers={"Content-Type": TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    target, port = processes.free_port(), processes.free_port()
    await web.TCPSite(runner, "127.0.0.1", target).start()
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "100ms", "scrape_timeout": "100ms"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]}))
    assert PROMETHEUS
    process = processes.Process("Prometheus", [
        PROMETHEUS, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", "--enable-feature=native-histograms",
    ], tmp_path / "prometheus.log")
    try:
        async def done() -> bool:
            return seen.count(MINUTES) > 2

        await until(done, "half an hour was scraped")
        yield f"http://127.0.0.1:{port}", began + MINUTES * 60_000
    finally:
        process.stop()
        await runner.cleanup()


async def value(url: str, at: int, query: str) -> float | None:
    async with aiohttp.ClientSession() as session, session.get(
            f"{url}/api/v1/query", params={"query": query, "time": str(at / 1000)}) as answer:
        result = (await answer.json())["data"]["result"]
    return float(result[0]["value"][1]) if result else None


async def test_native_histograms_are_counted(server: tuple[str, int], tmp_path: Path) -> None:
    """Of a thousand requests in ten minutes a hundred fail, and the same are slower than each of the times."""
    rules = yaml.safe_load(generated(tmp_path / "rules", RULES, parse("3.0"))["shop.rules.yaml"])
    records = [rule for group in rules["groups"] for rule in group["rules"] if "record" in rule]
    exprs = {(rule["record"].split(":")[1], rule["labels"].get("over")): rule["expr"] for rule in records}
    # Nothing evaluates the rules here, so that a record that another reads is written out in it.
    timed = f"({exprs['timed_requests', None]})"
    found = {name: await value(*server, expr.replace('service:timed_requests:increase10m{service="shop"}', timed))
             for name, expr in exprs.items() if name[0] != "failures"}
    assert found == {("requests", None): 1000, ("timed_requests", None): 1000, ("slow_requests", "500ms"): 100,
                     ("slow_requests", "750ms"): 100, ("slow_requests", "600ms"): 100, ("slow_requests", "1s"): 100}
    failed = exprs["failures", None].replace('service:requests:increase10m{service="shop"}', "vector(1)")
    assert await value(*server, failed) == 100
