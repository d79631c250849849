"""The pages of error budgets: all of them, and one from the start of its window."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd import burndown
from alertd.model import DAY, HOUR, Labels, Millis
from alertd.slo.budget import Standing, Status
from alertd.store import ledger
from alertd.store.ledger import Kept
from alertd.times import duration
from alertd.verdict import Budget
from alertd.web import frame
from alertd.web.inside import Inside

LIST = 50  # rows of a page
DAYS = 7  # of a line in a table
_WEIGHT = {Standing.EXHAUSTED: 0, Standing.AT_RISK: 1, Standing.UNKNOWN: 2, Standing.OK: 3}


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A budget as a row: the share of it that each of the last days spent, and in words."""

    status: Status
    days: tuple[float | None, ...] = ()

    @property
    def says(self) -> str:
        said = ("unknown" if day is None else f"{day:.1%}" for day in self.days)
        return f"Spent a day, the last {len(self.days)} days: {', '.join(said)}"

    @property
    def forecast(self) -> str:
        """What comes at the last day's rate, in words."""
        found, at = self.status.forecast, self.status.at
        if found.exhausted_at is not None:
            return f"used up in {duration(max(found.exhausted_at - at, 0))}"
        if self.status.state is Standing.EXHAUSTED and found.back_at is None and not found.unknown:
            return "stays used up"
        if found.back_at is not None:
            return f"something left again in {duration(max(found.back_at - at, 0))}"
        return "unknown" if found.unknown else "lasts"


@dataclasses.dataclass(frozen=True, slots=True)
class Worst:
    """The first of all budgets, the least left first."""

    total: int
    counts: dict[Budget, int]
    lines: tuple[Line, ...]


class Budgets:
    """Handlers of `/slos…`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def every(self, request: web.Request) -> web.Response:
        """All of them, the least left first; the query filters."""
        state, words = request.query.get("state", ""), request.query.get("q", "")[:200]
        found = [one for one in by_need(await statuses(self._inside))
                 if (not state or one.state == state) and words.lower() in one.id.lower()]
        start = next((place for place, one in enumerate(found, 1) if one.id == request.query.get("cursor")), 0)
        page = found[start:start + LIST]
        lines = await _lines(self._inside, page)
        return await frame.show(request, self._inside, "slos.html", lines=lines, state=state, words=words,
                                total=len(found), states=[one.value for one in Standing],
                                next=page[-1].id if page and start + LIST < len(found) else None)

    async def one(self, request: web.Request) -> web.Response:
        """One of them."""
        id = request.match_info["id"]
        status = next((one for one in await statuses(self._inside) if one.id == id), None)
        if status is None:
            return await frame.lost(request, self._inside, "No such objective",
                                    "It may have left rules/, or be of a group.")
        async with self._inside.reader.connect() as connection:
            kept = await _history(connection, await _series(connection), status, status.since)
            details = await ledger.details(connection, status)
        drawn = await asyncio.to_thread(burndown.draw, status, [_hour(one) for one in kept])
        return await frame.show(request, self._inside, "slo.html", line=Line(status), drawn=drawn, details=details,
                                ends=status.slo.window.end(status.at), zone=burndown.zone_of(status).key)


async def statuses(inside: Inside) -> list[Status]:
    """How every objective stands, as of the last minute."""
    return await inside.budgets.statuses()


async def worst(inside: Inside, limit: int) -> Worst | None:
    """The first of them; None where none is declared."""
    every = await statuses(inside)
    if not every:
        return None
    seen, known = inside.worst_budgets.get(limit, (None, None))
    if seen is every and isinstance(known, Worst):  # drawn once for as long as how they stand is the same answer
        return known
    found = by_need(every)
    counts = {state: sum(one.state.value == state.value for one in found) for state in Budget}
    worst = Worst(len(found), counts, tuple(await _lines(inside, found[:limit])))
    inside.worst_budgets[limit] = every, worst
    return worst


def by_need(found: Iterable[Status]) -> list[Status]:
    """The used up first, then those at risk, the unknown, and the rest; the least left first."""
    return sorted(found, key=lambda one: (_WEIGHT[one.state], 1.0 if one.budget_remaining is None
                                          else one.budget_remaining, one.id))


async def _lines(inside: Inside, page: Sequence[Status]) -> list[Line]:
    since = inside.clock.now() // HOUR * HOUR - DAYS * DAY
    found = []
    async with inside.reader.connect() as connection:
        series = await _series(connection)
        for one in page:
            hours = await _history(connection, series, one, since) if one.events else []
            found.append(Line(one, burndown.days(one, [_hour(kept) for kept in hours], since, DAYS) if hours else ()))
    return found


async def _series(connection: AsyncConnection) -> dict[str, int]:
    """The series of every objective, by the name that pages know it by."""
    return {_name(one.service, one.slo, one.labels): one.id for one in await ledger.series_of(connection)}


async def _history(connection: AsyncConnection, series: Mapping[str, int], status: Status, since: Millis
                   ) -> list[Kept]:
    id = series.get(_name(status.slo.service, status.slo.slo, status.labels))
    return [] if id is None else await ledger.history(connection, id, since, status.at + HOUR)


def _name(service: str, slo: str, labels: Labels) -> str:
    return repr((service, slo, sorted(labels.items())))


def _hour(kept: Kept) -> burndown.Spent:
    return burndown.Spent(kept.hour.start, kept.spending.allowed, kept.spending.bad,
                          max(kept.hour.known, kept.excluded_share), kept.hour.count.events - kept.excluded.events)
