"""A copy of a SQLite store that is in use, the proof that it is one, and the way back.

SQLite's own online backup: a consistent copy of one moment, however much is written meanwhile
(https://sqlite.org/backup.html). It stands under its name only once it is whole, proved and on disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from alertd.audit import Act, Head, Link, fault
from alertd.errors import BadBackup
from alertd.model import Millis
from alertd.store.database import REVISION

STEP = 1_000  # pages of a copy at once, then others get their turn
MAGIC = b"age-encryption.org/"
COUNTED = ("webhooks", "alerts", "incidents", "notifications", "audit")

Progress = Callable[[int, int], None]  # pages done, pages in all


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """What a backup was found to hold: rows by table, the audit's head, and when its newest webhook came."""

    rows: Mapping[str, int]
    head: Head
    newest: Millis | None
    size: int


def make(store: Path, file: Path, recipient: str | None = None, progress: Progress = lambda done, total: None) -> Proof:
    """Copy the store to the file, for its owner only, and prove the copy. With a `recipient` (age1…) only whoever has
    that key can read it. BadBackup says why there is none; then nothing of this name was changed."""
    with _beside(file) as fresh:
        _copy(store, fresh, progress)
        proof = prove(fresh)
        if recipient:
            sealed = fresh.with_name(fresh.name + ".age")
            try:
                _encrypt(fresh, sealed, recipient)
                os.replace(sealed, fresh)
            finally:
                sealed.unlink(missing_ok=True)
        _to_disk(fresh)
        os.replace(fresh, file)
        _to_disk(file.parent)
    return dataclasses.replace(proof, size=file.stat().st_size)


def prove(file: Path) -> Proof:
    """What the file holds; BadBackup where it is damaged, no store, or of a newer alertd."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            damage = db.execute("PRAGMA integrity_check(3)").fetchall()
            if [row[0] for row in damage] != ["ok"]:
                raise BadBackup(file=file, reason="it is damaged: " + "; ".join(row[0] for row in damage))
            revision = db.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            if revision > REVISION:
                raise BadBackup(file=file, reason=f"its tables are of a newer alertd ({revision}; known: {REVISION})")
            head = _audit(file, db)
            rows = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  our own names
                    for table in COUNTED}
            newest = db.execute("SELECT max(received_at) FROM webhooks").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        raise BadBackup(file=file, reason=f"it is no store of alertd: {error}") from error
    return Proof(rows, head, newest, file.stat().st_size)


def restore(file: Path, store: Path, identity: Path | None = None) -> Proof:
    """Put the backup in the place of the store, which must be in nobody's use. What was waiting to be sent when it was
    made may have been sent since, so it is marked as doubtful: channels that can look it up do so first."""
    with _beside(store) as fresh:
        if encrypted(file):
            _decrypt(file, fresh, identity)
        else:
            shutil.copyfile(file, fresh)
        proof = prove(fresh)
        with contextlib.closing(sqlite3.connect(fresh)) as db, db:
            db.execute("UPDATE notifications SET ambiguous = 1 WHERE state IN ('queued', 'claimed')")
        for leftover in ("-wal", "-shm"):
            fresh.with_name(fresh.name + leftover).unlink(missing_ok=True)
        _to_disk(fresh)
        for leftover in ("-wal", "-shm"):  # of the store before: its pages are not this one's
            store.with_name(store.name + leftover).unlink(missing_ok=True)
        os.replace(fresh, store)
        _to_disk(store.parent)
    return proof


def encrypted(file: Path) -> bool:
    """Whether the file is one of age (https://age-encryption.org/v1)."""
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def _copy(store: Path, file: Path, progress: Progress) -> None:
    try:
        with (contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, isolation_level=None)) as source,
              contextlib.closing(sqlite3.connect(file)) as target):
            # An open read keeps one moment in view; without it every commit meanwhile would begin the copy anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM alembic_version").fetchone()
            source.backup(target, pages=STEP, sleep=0.001,
                          progress=lambda _status, left, total: progress(total - left, total))
            target.execute("PRAGMA journal_mode = DELETE")  # one file, whole in itself
    except sqlite3.Error as error:
        raise BadBackup(file=file, reason=f"{store} could not be copied: {error}") from error


def _audit(file: Path, db: sqlite3.Connection) -> Head:
    links = [Link(row["seq"], Act(row["at"], row["actor"], row["via"], row["action"], row["object"],
                                  json.loads(row["detail"])), row["prev_hash"], row["hash"])
             for row in db.execute("SELECT * FROM audit ORDER BY seq")]
    known = db.execute("SELECT name FROM sqlite_master WHERE name = 'audit_head'").fetchone()
    kept = db.execute("SELECT seq, hash FROM audit_head").fetchone() if known else None
    head = Head(*kept) if kept else Head(len(links), links[-1].hash if links else "")
    if problem := fault(links, [head] if links or kept else []):
        raise BadBackup(file=file, reason=f"its audit is broken: {problem}")
    return head


@contextlib.contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """An empty file for its owner only, in the same folder, that is gone afterwards unless it was renamed."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        yield fresh
    except OSError as error:
        raise BadBackup(file=file, reason=f"{error.filename or fresh}: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _encrypt(source: Path, target: Path, recipient: str) -> None:
    import pyrage

    try:
        pyrage.encrypt_file(str(source), str(target), [pyrage.x25519.Recipient.from_str(recipient)])
    except (pyrage.RecipientError, pyrage.EncryptError) as error:
        raise BadBackup(file=target, reason=f"it cannot be encrypted for {recipient[:80]!r}: {error}") from error
    target.chmod(0o600)


def _decrypt(source: Path, target: Path, identity: Path | None) -> None:
    import pyrage

    if identity is None:
        raise BadBackup(file=source, reason="it is encrypted; --identity names the file with AGE-SECRET-KEY-1…")
    try:
        lines = [line.strip() for line in identity.read_text().splitlines()]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-")]
        pyrage.decrypt_file(str(source), str(target), keys)
    except (pyrage.IdentityError, pyrage.DecryptError, ValueError) as error:
        raise BadBackup(file=source, reason=f"the key in {identity} does not open it: {error}") from error
