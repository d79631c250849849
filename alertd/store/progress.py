"""How far the ledger has come: which hours were read, and which of them are whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import HOUR, Millis
from alertd.store import schema

_hours, _series = schema.slo_hours.c, schema.slo_series.c


async def unread(connection: AsyncConnection, since: Millis, until: Millis) -> list[Millis]:
    """The full hours of this time whose rows were not read in full, in order."""
    table = schema.slo_reads
    query = select(table.c.hour).where(table.c.hour >= since, table.c.hour < until)
    read = {row.hour for row in await connection.execute(query)}
    return [hour for hour in range(since, until, HOUR) if hour not in read]


async def last_read(connection: AsyncConnection) -> Millis | None:
    """The newest hour whose rows were read in full."""
    value = (await connection.execute(select(func.max(schema.slo_reads.c.hour)))).scalar()
    return None if value is None else int(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    """From when to when the hours of an objective have their rows, or were looked for in its raw series."""

    service: str
    slo: str
    since: Millis
    until: Millis


async def fills(connection: AsyncConnection) -> dict[tuple[str, str], Filled]:
    """Of every objective that was looked at."""
    rows = await connection.execute(select(schema.slo_fills))
    return {(row.service, row.slo): Filled(row.service, row.slo, row.since, row.until) for row in rows}


async def whole(connection: AsyncConnection, hours: Sequence[Millis], key: tuple[str, str] | None = None
                ) -> dict[tuple[str, str], set[Millis]]:
    """Which of these hours are known as a whole, of some series at least, by objective; of one, or of all."""
    query = (select(_series.service, _series.slo, _hours.hour).join(schema.slo_hours, _hours.series == _series.id)
             .where(_hours.hour.in_(list(hours)), _hours.known >= 1).distinct())
    if key is not None:
        query = query.where(_series.service == key[0], _series.slo == key[1])
    found: dict[tuple[str, str], set[Millis]] = {}
    for row in await connection.execute(query):
        found.setdefault((row.service, row.slo), set()).add(row.hour)
    return found


async def known(connection: AsyncConnection, hour: Millis) -> dict[int, float]:
    """Which share of this hour is known, by series."""
    query = select(_hours.series, _hours.known).where(_hours.hour == hour)
    return {row.series: row.known for row in await connection.execute(query)}
