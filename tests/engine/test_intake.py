"""A webhook's way in."""

import asyncio
import json

import pytest
from sqlalchemy import func, select

from alertd.alertmanager import NotWebhook
from alertd.engine import intake as intake_module
from alertd.errors import StoreUnavailable
from alertd.store import reading, schema
from tests.bodies import body


async def test_what_was_accepted_is_on_disk(house):
    """When accept returns, another connection finds everything."""
    await house.intake.accept(body("a"))
    async with house.db.reader.connect() as connection:
        assert len((await reading.alerts(connection, "firing", 10, None)).items) == 1
        assert len((await reading.notifications(connection, None, 10, None)).items) == 3


async def test_webhooks_at_once_are_decided_on_top_of_one_another(house):
    """Twenty copies at the same moment open one incident and tell everyone once."""
    results = await asyncio.gather(*(house.intake.accept(body("a")) for _ in range(20)))
    assert sorted(changes.result for changes in results) == ["accepted"] + ["repeat"] * 19
    async with house.db.reader.connect() as connection:
        assert len((await reading.incidents(connection, None, 10, None)).items) == 1


async def test_news_among_repeats_is_decided(house):
    """While most say nothing new, whatever does is found among them; all of them are kept."""
    for _ in range(3):
        await house.intake.accept(body("a"))
    ended = body("a", status="resolved")
    results = await asyncio.gather(*map(house.intake.accept, (body("a"), body("a"), body("b"), ended, body("a"))))
    assert [changes.result for changes in results] == ["repeat", "repeat", "accepted", "accepted", "repeat"]
    async with house.db.reader.connect() as connection:
        assert [alert["labels"]["instance"] for alert in (await reading.alerts(connection, "firing", 10, None)).items
                ] == ["b"]
        assert (await connection.execute(select(func.count(schema.webhooks.c.id)))).scalar() == 8


async def test_a_peer_that_tells_an_old_alert_and_a_new_one_is_taken(house):
    """It knows of the incident that is open here only by what has ended; the new alert opens another rather than that
    none of it can be kept."""
    def both(source, ended, burning):
        message = json.loads(body(burning, externalURL=source))
        message["alerts"] += json.loads(body(ended, status="resolved"))["alerts"]
        return json.dumps(message).encode()

    await house.intake.accept(body("old", "other"))
    await house.intake.accept(both("http://alertmanager", "old", "other"))
    await house.intake.accept(both("http://peer", "old", "new"))
    async with house.db.reader.connect() as connection:
        assert len((await reading.incidents(connection, "open", 10, None)).items) == 2


async def test_what_is_no_webhook_is_kept_and_refused(house):
    """Kept as rejected, with the reason."""
    with pytest.raises(NotWebhook, match="not JSON"):
        await house.intake.accept(b"{")
    async with house.db.reader.connect() as connection:
        assert (await reading.rejected(connection, 10))[0]["head"] == "{"


async def test_a_draining_daemon_takes_nothing(house):
    """Whoever is shutting down says so before it reads."""
    house.intake.draining = True
    with pytest.raises(StoreUnavailable, match="shutting down"):
        await house.intake.accept(body("a"))


async def test_a_backlog_over_its_limit_is_refused(house, monkeypatch):
    """Better to let the sender wait than to promise what takes minutes."""
    monkeypatch.setattr(intake_module, "MOST_BACKLOG", 0)
    with pytest.raises(StoreUnavailable, match="wait for the disk"):
        await house.intake.accept(body("a"))


async def test_an_unknown_severity_is_a_warning(house):
    """No alert is dropped for its labels."""
    changes = await house.intake.accept(body("a", severity="sev1"))
    assert {row.outlet.receiver for row in changes.notifications} == {"on-call", "platform-team"}
    assert changes.unknown_severities == 1


async def test_ten_thousand_alerts_are_one_webhook(house):
    """The largest group is taken as a whole."""
    changes = await house.intake.accept(body(*(f"node-{number}" for number in range(10_000))))
    assert (len(changes.alerts), changes.incidents[0].firing) == (10_000, 10_000)


async def test_nothing_that_decodes_is_refused_by_the_store(house):
    """NUL, names of a megabyte, numbers of 63 bits: either database takes them, or the sender would repeat them."""
    long = "x" * 1_000_000
    sent = body("a", severity="critical", group={"alertname": "Broken\0", "long": long}, externalURL=f"http://{long}",
                groupKey=long, truncatedAlerts=2**62)
    message = json.loads(sent)
    message["alerts"][0] |= {"fingerprint": long, "generatorURL": f"http://\0{long}"}
    message["alerts"][0]["labels"] |= {"nul": "a\0b", "long": long}
    assert (await house.intake.accept(json.dumps(message).encode())).result == "accepted"
    assert (await house.intake.accept(json.dumps(message).encode())).result == "repeat"
