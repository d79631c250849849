"""What is committed comes to its place in the file, beside the writer."""

import shutil
import sqlite3

import pytest

from alertd.store import checkpoints
from alertd.store.checkpoints import Checkpoints


@pytest.fixture
def store(tmp_path):
    """A connection that copies nothing by itself."""
    connection = sqlite3.connect(tmp_path / "alertd.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (n)")
    yield connection
    connection.close()


def in_file(tmp_path):
    """What is in the file itself, without its log."""
    shutil.copy(tmp_path / "alertd.db", tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        return [n for n, in copy.execute("SELECT n FROM t")]


def test_what_is_committed_comes_into_the_file(store, tmp_path):
    """Without the writer's doing, and while it may write on."""
    copied = Checkpoints(str(tmp_path / "alertd.db"))
    store.execute("INSERT INTO t VALUES (1)")
    copied.committed()
    copied.close()
    store.execute("INSERT INTO t VALUES (2)")
    assert in_file(tmp_path) == [1]


def test_it_is_not_copied_at_every_commit(store, tmp_path, monkeypatch):
    """What is written often is copied once for all."""
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    runs = []
    monkeypatch.setattr(Checkpoints, "_copy", lambda self: runs.append(now[0]))
    copied = Checkpoints(str(tmp_path / "alertd.db"))
    for step in range(8):
        now[0] = 100.0 + step * checkpoints.EVERY / 4
        copied.committed()
        copied._running.result()
    copied.close()
    assert runs == [100.0, 100.0 + checkpoints.EVERY]


def test_what_cannot_be_copied_is_left_to_the_writer(tmp_path):
    """A disk that is full or gone is the writer's to speak of."""
    copied = Checkpoints(str(tmp_path / "gone" / "alertd.db"))
    copied.committed()
    copied._running.result()
    copied.close()
