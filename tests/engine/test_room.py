from pathlib import Path

from alertd.engine.metrics import Metrics
from alertd.engine.room import Room


async def test_the_room_of_a_store_is_shown(tmp_path: Path) -> None:
    """The bytes of its file and of the log beside it, and the share of its disk that is free."""
    (tmp_path / "alertd.db").write_bytes(b"x" * 100)
    (tmp_path / "alertd.db-wal").write_bytes(b"x" * 10)
    metrics = Metrics()
    await Room(tmp_path / "alertd.db", metrics).tick()
    assert metrics.registry.get_sample_value("alertd_store_bytes", {"store": "sqlite"}) == 110
    free = metrics.registry.get_sample_value("alertd_store_free_ratio", {"store": "sqlite"})
    assert free is not None
    assert 0 < free < 1


async def test_what_is_not_known_is_absent() -> None:
    """A server's disk is not alertd's to look at: no figure, never zero."""
    metrics = Metrics()
    await Room(Path(), metrics).tick()
    assert metrics.registry.get_sample_value("alertd_store_free_ratio", {"store": "sqlite"}) is None
