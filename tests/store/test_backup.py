"""Copies of a store: made while it is written, proved, and restored."""

import stat

import pyrage
import pytest

from alertd.audit import Act
from alertd.errors import BadBackup
from alertd.store import audit, backup, database


def record(connection, acts):
    audit.append(connection, acts)
    return [None] * len(acts)


ACT = Act(1, "jane", "api", "acknowledge", "incident 1", {})


@pytest.fixture
def store_url(tmp_path):
    return f"sqlite:///{tmp_path}/alertd.db"


@pytest.fixture
def path(db):
    return database.sqlite_path(db.url)


async def test_a_copy_is_one_moment_and_its_owners_only(db, writer, path, tmp_path):
    """What is written afterwards is not in it."""
    await writer.submit(record, ACT)
    proof = backup.make(path, tmp_path / "copy.db")
    await writer.submit(record, ACT)
    assert proof.rows["audit"] == 1
    assert backup.prove(tmp_path / "copy.db").head == proof.head
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir() if "copy" in file.name) == ["copy.db"]


async def test_it_comes_back(db, writer, path, tmp_path):
    """With all rows, at another place, as a store that opens."""
    await writer.submit(record, ACT)
    backup.make(path, tmp_path / "copy.db")
    backup.restore(tmp_path / "copy.db", tmp_path / "new.db")
    again = database.connect(f"sqlite:///{tmp_path}/new.db")
    await database.migrate(again)
    async with again.reader.connect() as connection:
        assert len((await audit.whole(connection))[0]) == 1
    await again.close()


@pytest.mark.parametrize(("harm", "what"), [
    (lambda content: content[:9000], "damaged|malformed"),
    (lambda content: content[:16384] + b"\xff" * 8192 + content[24576:], "damaged|malformed"),
    (lambda content: b"routes: {}\n", "not a database"),
    (lambda content: b"", "no such table"),
])
def test_a_damaged_one_is_refused(path, tmp_path, harm, what):
    """And nothing is written."""
    backup.make(path, tmp_path / "copy.db")
    (tmp_path / "bad.db").write_bytes(harm((tmp_path / "copy.db").read_bytes()))
    with pytest.raises(BadBackup, match=what):
        backup.restore(tmp_path / "bad.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


async def test_an_edited_audit_is_found_in_a_copy(db, writer, path, tmp_path):
    """A copy of a store that was tampered with is no backup."""
    await writer.submit(record, ACT)

    def meddle(connection, items):
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'joe'")
        return [None] * len(items)

    await writer.submit(meddle, None)
    with pytest.raises(BadBackup, match="row 1: it was edited"):
        backup.make(path, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_an_encrypted_one_takes_its_key(path, tmp_path):
    """Nothing of it can be read without."""
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# created\n{key}\n")
    (tmp_path / "other").write_text(f"{other}\n")
    backup.make(path, tmp_path / "copy.db.age", str(key.to_public()))
    assert b"SQLite" not in (tmp_path / "copy.db.age").read_bytes()
    for identity in (None, tmp_path / "other"):
        with pytest.raises(BadBackup):
            backup.restore(tmp_path / "copy.db.age", tmp_path / "new.db", identity)
    backup.restore(tmp_path / "copy.db.age", tmp_path / "new.db", tmp_path / "key")
    assert backup.prove(tmp_path / "new.db").rows["audit"] == 0
