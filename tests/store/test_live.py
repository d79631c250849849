"""What is kept in memory of the episodes and incidents a webhook may concern says what the store says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from alertd.model import HOUR, AlertId, IncidentId
from alertd.store import live, schema
from alertd.store.live import REMEMBER, Live
from tests.reports import T0, reported, webhook

# where several processes write nothing is kept in memory
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def test_an_episode_is_found_by_its_fingerprint():
    """Those of others are not."""
    kept = Live()
    for fingerprint, id in (("a", "1"), ("b", "2"), ("a", "3")):
        kept.note(fingerprint, AlertId(id), None)
    assert kept.find(["a", "c"], T0) == ["1", "3"]


def test_an_ended_episode_is_forgotten_after_an_hour():
    """Prometheus repeats an end for 15 minutes; the memory does not grow with the past."""
    kept = Live()
    kept.note("a", AlertId("1"), None)
    kept.note("a", AlertId("1"), T0)
    assert kept.find(["a"], T0 + REMEMBER - 1) == ["1"]
    assert kept.find(["a"], T0 + REMEMBER) == []
    assert kept._ids == {}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", "3"]), st.none() | st.integers(0, 99)),
                max_size=30))
def test_nothing_that_fires_is_forgotten(steps):
    """Whatever was told, in whatever order: an episode that never ended is found."""
    kept, ended = Live(), set()
    for fingerprint, id, closed in steps:
        kept.note(fingerprint, AlertId(f"{fingerprint}{id}"), None if closed is None else T0 + closed)
        ended |= {f"{fingerprint}{id}"} if closed is not None else set()
    firing = {f"{fingerprint}{id}" for fingerprint, id, _ in steps} - ended
    assert set(kept.find("abc", T0 + HOUR + 100)) == firing


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_of_each_key_the_incident_that_opened_last_is_kept_until_it_ends(steps):
    """Whatever was told, in whatever order; nothing is kept of what ended."""
    kept, last = Live(), {}
    for number, (key, opens) in enumerate(steps):
        if opens:
            kept.opened(key, IncidentId(f"{number}"))
            last[key] = f"{number}"
        else:
            kept.ended(key)
            last.pop(key, None)
    assert kept.incidents("abc") == [last[key] for key in "abc" if key in last]


@on_sqlite
@pytest.mark.parametrize("restarted", [False, True])
async def test_an_incident_is_open_by_its_key_until_its_end(take, writer, restarted):
    """So a second alert of its group joins it, after a restart as before."""
    def number(connection, items):
        if restarted:
            live.forget(connection)
        return [len(live.of(connection, T0)._open)] * len(items)

    for reports in ([reported("a")], [reported("b")]):
        await take(webhook(*reports))
        assert await writer.submit(number, None) == 1
    await take(webhook(reported("a", "resolved"), reported("b", "resolved")))
    assert await writer.submit(number, None) == 0


@on_sqlite
async def test_a_restart_knows_what_fired_before(take, writer):
    """It is read once from the store, and says what the process before it knew."""
    await take(webhook(reported("a"), reported("b")), webhook(reported("b", "resolved")))
    def both(connection, items):
        before = live.of(connection, T0).find("ab", T0)
        live.forget(connection)
        return [(before, live.of(connection, T0).find("ab", T0))] * len(items)

    before, after = await writer.submit(both, None)
    assert sorted(before) == sorted(after)
    assert len(after) == 2


@on_sqlite
async def test_what_was_not_committed_is_not_known(db, take, writer):
    """After a transaction that failed the store itself is asked again."""
    def fail(connection, items):
        live.of(connection, T0).note("ghost", AlertId("1"), None)
        raise ValueError("no")

    def find(connection, items):
        return [live.of(connection, T0).find(["ghost"], T0)] * len(items)

    with pytest.raises(ValueError, match="no"):
        await writer.submit(fail, None)
    assert await writer.submit(find, None) == []
    async with db.reader.connect() as connection:
        assert (await connection.execute(select(schema.alerts.c.id))).all() == []
