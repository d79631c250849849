"""A whole store into another one, of either kind: every row, or nothing.

The source is read within one transaction and the target written within one, so that a fault on the way leaves the
target as empty as it was. What was copied is counted, and the audit proved, before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text, update

from alertd.audit import Head, fault
from alertd.errors import CannotMove
from alertd.store import audit, database, schema, sessions
from alertd.store.database import Database

AT_ONCE = 1_000  # rows
HERE = frozenset({"floors", "replicas"})  # what is said of a store, not what is kept in it

Progress = Callable[[int, int], None]  # rows done, rows in all


def move(source: Database, target: Database, progress: Progress = lambda done, total: None) -> Mapping[str, int]:
    """Copy everything; how many rows of each table. Both have their tables already. Raises CannotMove, and then the
    target is as it was. Blocks: for a thread of its own."""
    reading, writing = sessions.of(source.writer), sessions.of(target.writer)
    try:
        return reading.run(lambda before: writing.run(lambda after: _copy(before, after, progress)))
    finally:
        writing.close()
        reading.close()


def _copy(source: Connection, target: Connection, progress: Progress) -> Mapping[str, int]:
    tables = [table for table in schema.metadata.sorted_tables if table.name not in HERE]
    for table in tables:
        if table is not schema.audit_head and _count(target, table):
            raise CannotMove(reason=f"the target is in use: its table {table.name} has rows; name an empty one")
    wanted = {table.name: _count(source, table) for table in tables}
    total, done = sum(wanted.values()), 0
    for table in tables:
        if table is schema.audit_head:  # its one row is there from the start
            head = source.execute(select(table.c.seq, table.c.hash)).one()
            target.execute(update(table).values(seq=head.seq, hash=head.hash))
            done += 1
            continue
        for rows in _rows(source, table):
            target.execute(insert(table), rows)
            done += len(rows)
            progress(done, total)
        _continue_numbers(target, table)
    _prove(target, tables, wanted)
    return wanted


def _rows(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    answer = source.execution_options(yield_per=AT_ONCE).execute(select(table).order_by(*table.primary_key))
    for rows in answer.mappings().partitions(AT_ONCE):
        yield [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """PostgreSQL keeps no NUL in a text; SQLite did."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _continue_numbers(target: Connection, table: Table) -> None:
    """The next row's number follows the greatest; SQLite sees to that itself."""
    column = table.autoincrement_column
    if target.dialect.name == "postgresql" and column is not None:
        newest = target.execute(select(func.max(column))).scalar()
        if newest is not None:
            target.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :newest)"),
                           {"table": table.name, "column": column.name, "newest": newest})


def _prove(target: Connection, tables: list[Table], wanted: Mapping[str, int]) -> None:
    for table in tables:
        if (found := _count(target, table)) != wanted[table.name]:
            raise CannotMove(reason=f"{found} of {wanted[table.name]} rows of {table.name} arrived")
    links = [audit.link_from(row) for row in target.execute(select(schema.audit).order_by(schema.audit.c.seq))]
    head = target.execute(select(schema.audit_head.c.seq, schema.audit_head.c.hash)).one()
    if problem := fault(links, [Head(head.seq, head.hash)]):
        raise CannotMove(reason=f"the audit is not whole: {problem}")


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def same(source: str, target: str) -> bool:
    """Whether both addresses are of one store."""
    if database.is_shared(source) or database.is_shared(target):
        return source == target
    return database.sqlite_path(source).resolve() == database.sqlite_path(target).resolve()
