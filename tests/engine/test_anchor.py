"""The audit's head in the log, and the daily proof."""

import structlog

from alertd.audit import Act
from alertd.engine.anchor import Anchor
from alertd.engine.metrics import Metrics
from alertd.model import DAY
from alertd.store import audit


def record(connection, acts):
    audit.append(connection, acts)
    return [None] * len(acts)


async def test_a_new_head_is_logged_once(house):
    """With its row, so that `audit verify --head` can use it."""
    anchor = Anchor(house.db.reader, house.clock, Metrics())
    await house.writer.submit(record, Act(1, "jane", "api", "acknowledge", "incident 1", {}))
    with structlog.testing.capture_logs() as logs:
        await anchor.tick()
        await anchor.tick()
    assert [(line["event"], line["row"]) for line in logs] == [("audit_head", 1)]


async def test_a_broken_record_is_found_within_a_day(house):
    """By whoever takes the guard away first; the metric says so."""
    metrics = Metrics()
    anchor = Anchor(house.db.reader, house.clock, metrics)
    await house.writer.submit(record, Act(1, "jane", "api", "acknowledge", "incident 1", {}))
    await anchor.tick()
    assert metrics.registry.get_sample_value("alertd_audit_whole") == 1

    def meddle(connection, items):
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("DROP TRIGGER " + ("audit_no_update" if sqlite else "audit_only_grows ON audit"))
        connection.exec_driver_sql("UPDATE audit SET actor = 'joe'")
        return [None] * len(items)

    await house.writer.submit(meddle, None)
    house.clock.time += DAY
    await anchor.tick()
    assert metrics.registry.get_sample_value("alertd_audit_whole") == 0
