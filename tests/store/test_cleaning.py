"""Old rows go, and nothing that is needed with them."""

import pytest
from sqlalchemy import func, insert, select

from alertd.engine.clock import first_id
from alertd.model import DAY, HOUR
from alertd.store import cleaning, schema

NOW = 1_800_000_000_000
OLD, BEFORE = NOW - 100 * DAY, NOW - 90 * DAY


def story(connection, at, state="resolved", settled=True, number=0):
    """An incident with a webhook, an alert, a message, its attempt and a decision; it took an hour."""
    id = first_id(at + number) + "00"
    over = state == "resolved"
    connection.execute(insert(schema.webhooks), [{
        "id": id, "received_at": at, "source": "s", "group_key": "", "alerts": 1, "truncated": 0, "result": "accepted",
        "reason": "", "raw": b""}])
    connection.execute(insert(schema.alerts), [{
        "id": f"{id}.0", "source": "s", "fingerprint": id, "incident": f"{id}-0", "severity": "critical",
        "labels": "{}", "annotations": "{}", "starts_at": at, "newest_start": at, "generator_url": "",
        "closed_at": at + HOUR if over else None}])
    connection.execute(insert(schema.incidents), [{
        "id": f"{id}-0", "key": id, "source": "s", "labels": "{}", "severity": "critical", "epoch": 0, "revision": 0,
        "state": state, "opened_at": at, "firing": 0, "alerts": 1, "resolved_at": at + HOUR if over else None}])
    connection.execute(insert(schema.notifications), [{
        "id": id, "incident": f"{id}-0", "kind": "firing", "severity": "critical", "rank": 3, "epoch": 0,
        "receiver": "r", "channel": "log", "target": "", "style": "", "state": "sent" if settled else "queued",
        "reason": "", "created_at": at, "next_at": at, "attempts": 1, "ambiguous": 0,
        "settled_at": at if settled else None}])
    connection.execute(insert(schema.attempts), [{
        "notification": id, "started_at": at, "finished_at": at, "event": "sent", "detail": ""}])
    connection.execute(insert(schema.decisions), [{
        "webhook": id, "incident": f"{id}-0", "at": at, "verdict": "", "why": "[]"}])


TABLES = (schema.webhooks, schema.alerts, schema.incidents, schema.notifications, schema.attempts, schema.decisions)


def left(connection):
    """How many rows each table has."""
    return [connection.execute(select(func.count()).select_from(table)).scalar() for table in TABLES]


def clean(connection):
    """All batches there are; how many that was."""
    batches = 0
    for work, item in ((cleaning.incidents, (first_id(BEFORE), BEFORE)), (cleaning.webhooks, first_id(BEFORE)),
                       (cleaning.rest, BEFORE)):
        while work(connection, [item])[0]:
            batches += 1
    return batches


async def run(writer, work):
    """What `work` makes of the writer's connection."""
    return await writer.submit(lambda connection, items: [work(connection)], None)


async def test_what_is_long_over_goes_with_all_that_belongs_to_it(writer):
    """And what ended since stays."""
    def work(connection):
        story(connection, OLD)
        story(connection, NOW - 89 * DAY)
        clean(connection)
        return left(connection)

    assert await run(writer, work) == [1] * len(TABLES)


async def test_what_is_open_stays_whatever_its_age(writer):
    """With the webhook that opened it, which says since when it is known; so does what waits to be sent."""
    def work(connection):
        story(connection, OLD, "acknowledged")
        story(connection, OLD, settled=False, number=1)
        clean(connection)
        return left(connection)

    assert await run(writer, work) == [1, 2, 2, 2, 2, 2]


async def test_each_batch_is_small(writer):
    """A storm of long ago is not taken away in one transaction."""
    def work(connection):
        for number in range(90):
            story(connection, OLD, number=number)
        return clean(connection), left(connection)

    batches, rows = await run(writer, work)
    assert batches >= 90 // cleaning.INCIDENTS
    assert rows == [0] * len(TABLES)


async def test_one_of_several_replicas_does_it_once_a_day(writer):
    """The first one that asks; again an hour later where it did not say that it was done."""
    def asked(*times):
        return run(writer, lambda connection: cleaning.claim(connection, [(at, DAY) for at in times]))

    assert await asked(NOW, NOW) == [True, False]
    assert await asked(NOW + HOUR) == [True]
    await run(writer, lambda connection: cleaning.done(connection, [NOW + DAY]))
    assert await asked(NOW + 23 * HOUR, NOW + DAY) == [False, True]


def storm(connection, over_at, named=False):
    """A storm with its gauge, and its message at Slack; `named` by a message that is folded into it."""
    outlet = {"receiver": "r", "channel": "slack", "target": "#a"}
    connection.execute(insert(schema.storms), [outlet | {
        "id": "storm-1", "style": "", "began_at": OLD, "calm_at": OLD, "over_at": over_at, "revision": 1, "told": 1,
        "told_at": OLD}])
    connection.execute(insert(schema.gauges), [outlet | {
        "level": 1.0, "at": OLD, "half_at": OLD, "storm": "storm-1"}])
    connection.execute(insert(schema.roots), [{
        "incident": "storm-1", "channel": "slack", "target": "#a", "root": "{}"}])
    for id, incident in (("own", None), ("folded", "open")) if named else (("own", None),):
        connection.execute(insert(schema.notifications), [outlet | {
            "id": id, "incident": incident, "kind": "storm", "severity": "warning", "rank": 2, "epoch": 1, "style": "",
            "state": "sent", "reason": "", "created_at": OLD, "next_at": OLD, "attempts": 1, "ambiguous": 0,
            "digest": "storm-1", "settled_at": OLD}])
    clean(connection)
    return [connection.execute(select(func.count()).select_from(table)).scalar()
            for table in (schema.storms, schema.gauges, schema.roots)]


async def test_a_storm_that_is_long_over_goes(writer):
    """With what was counted for it, and what Slack calls its message: the next one there is told by a new one."""
    assert await run(writer, lambda connection: storm(connection, OLD)) == [0, 0, 0]


@pytest.mark.parametrize(("over_at", "named"), [(None, False), (NOW, False), (OLD, True)])
async def test_a_storm_that_something_needs_stays_whole(writer, over_at, named):
    """It carries what still burns, or was over lately, or a message that is kept says that it is in it. The gauge holds
    its name, after which the next storm is named."""
    assert await run(writer, lambda connection: storm(connection, over_at, named)) == [1, 1, 1]
