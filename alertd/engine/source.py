"""The Prometheus that budgets are counted in, asked in threads of its own: one that hangs holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from alertd.engine.metrics import Metrics
from alertd.errors import AlertdError
from alertd.model import Labels, Millis
from alertd.prometheus import Prometheus, PrometheusUnreachable, Table
from alertd.slo import reading
from alertd.slo.counts import SLOT
from alertd.slo.reading import Group, Rows

THREADS = 2
SLOW = 60.0  # seconds that a query over raw series may take; one over records is quick, or the server is not well

T = TypeVar("T")


class Partial(AlertdError):
    """{url} answered only in part: {warnings}"""


class Source:
    """Each question raises PrometheusUnreachable, or Partial where the server says that something is missing."""

    def __init__(self, url: str, metrics: Metrics) -> None:
        self._quick = Prometheus(url)
        self.url = self._quick.shown  # in the log and the store
        self._slow = Prometheus(url, SLOW)
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def recorded(self, query: str, first: Millis, last: Millis) -> Rows:
        """The rows at the marks from `first` to `last`."""
        def ask() -> Rows:
            return reading.counts(_lines(self._whole(self._quick.table(query, first, last, SLOT))))

        return await self._ask("recorded", ask)

    async def opened(self, query: str, at: Millis, group: Callable[[Labels], Group]) -> Rows:
        """What had come by `at` since the rows before it, under that time; the sum of what is the same `group`."""
        def ask() -> Rows:
            answer = self._quick.instant(query, at)
            self._warn(answer.warnings)
            return reading.counts(((one.labels, ((at, one.value),)) for one in answer.samples), group=group)

        return await self._ask("open", ask)

    async def raw(self, query: str, first: Millis, last: Millis) -> Rows:
        """The rows at these marks, made of the raw series."""
        def ask() -> Rows:
            return reading.counts(_lines(self._whole(self._slow.table(query, first, last, SLOT))), sparse=True)

        return await self._ask("raw", ask)

    async def _ask(self, kind: str, ask: Callable[[], T]) -> T:
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except (PrometheusUnreachable, Partial) as error:
            self._metrics.ledger_queries.labels(kind, "partial" if isinstance(error, Partial) else "failed").inc()
            raise
        self._metrics.ledger_queries.labels(kind, "ok").inc()
        return answer

    def _whole(self, table: Table) -> Table:
        self._warn(table.warnings)
        return table

    def _warn(self, warnings: tuple[str, ...]) -> None:
        if warnings:
            raise Partial(url=self.url, warnings="; ".join(warnings)[:300])


def _lines(table: Table) -> reading.Samples:
    return ((line.labels, line.samples) for line in table.lines)
