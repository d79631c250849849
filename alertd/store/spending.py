"""What an incident took of the error budgets of its services."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from alertd.model import HOUR, Alert, Labels, Millis
from alertd.slo import spending
from alertd.slo.budget import SETTLING, Slo
from alertd.slo.excluding import stretches
from alertd.slo.spending import Spent
from alertd.store import ledger, reading, stories
from alertd.store.ledger import Series
from alertd.story import Story, began_at

NO_LEDGER = "no ledger is kept here: `serve --rules rules/ --prometheus URL` keeps one"
NO_OBJECTIVE = "no objective is declared for its services"
MOST = 50  # objectives of one incident


@dataclasses.dataclass(frozen=True, slots=True)
class Spending:
    """What one incident took of each budget; `reason` says why where there is nothing to say."""

    budgets: tuple[Spent, ...] = ()
    reason: str = ""


async def of(connection: AsyncConnection, story: Story, now: Millis) -> Spending:
    """From the start of its first alert to its end, or to now."""
    slos = {(slo.service, slo.slo): slo for slo in await ledger.declared(connection)}
    if not slos:
        return Spending(reason=NO_LEDGER)
    since, until = began_at(story) or story.incident.opened_at, story.incident.resolved_at or now
    wanted = list(_labels(story.incident.labels, story.alerts))
    meant = [series for series in await ledger.series_of(connection)
             if (series.service, series.slo) in slos and any(_fits(series, labels) for labels in wanted)]
    found = [await _spent(connection, series, slos[series.service, series.slo], since, max(since, until), now)
             for series in meant[:MOST]]
    return Spending(tuple(found), "" if found else NO_OBJECTIVE)


async def incident(connection: AsyncConnection, id: str, now: Millis) -> dict[str, Any] | None:
    """The incident of this id as the API shows it, with what it took; null is what is not known."""
    found, story = await reading.incident(connection, id), await stories.tell(connection, id)
    if found is None or story is None:
        return None
    lost = await of(connection, story, now)
    items = [{"id": ledger.name_of_one(one.service, one.slo, one.labels), "service": one.service, "slo": one.slo,
              "labels": dict(one.labels), "bad": one.bad, "share": one.share, "known": one.known,
              "reason": one.reason or None} for one in lost.budgets]
    return found | {"budget_spent": None if lost.reason else items, "budget_spent_unknown": lost.reason or None}


async def _spent(connection: AsyncConnection, series: Series, slo: Slo, since: Millis, until: Millis, now: Millis
                 ) -> Spent:
    if now - until < SETTLING and since < series.known_until < until:
        until = series.known_until  # the newest minutes are counted a little later; they are no gap
    kept = await ledger.history(connection, series.id, since // HOUR * HOUR - HOUR, until + HOUR)
    taken = stretches(await ledger.exclusions(connection, since, until), series.matched)
    begin = slo.window.begin(until)
    window = await ledger.summed(connection, series.id, begin, until)
    return spending.cost(series.service, series.slo, series.labels,
                         spending.lost([one.hour for one in kept], taken, since, until), window,
                         until - begin - min(SETTLING, until - begin))


def _labels(group: Labels, alerts: Sequence[Alert]) -> Iterable[Labels]:
    """By service, what its alerts have in common: an objective is meant where none of it says otherwise."""
    services = {group["service"]} if "service" in group else {alert.labels.get("service", "") for alert in alerts}
    for service in sorted(services - {""}):
        sets = [alert.labels.items() for alert in alerts if alert.labels.get("service") == service]
        yield {**dict(set.intersection(*map(set, sets)) if sets else ()), **group, "service": service}


def _fits(series: Series, labels: Labels) -> bool:
    return all(series.matched.get(name, value) == value for name, value in labels.items())
