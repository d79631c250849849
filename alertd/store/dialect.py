"""The one place where SQLite and PostgreSQL differ in what is asked of them; every other query is Core, alike on both.

What to write against: `upsert` for an insert that may meet its row, `among` for a list of any length, `label` for one
of a set of labels, `word` for a state that a partial index has to see, `Rows` for many rows at once, `write` for those
of several tables, `Asked` for several queries at once, `fetch` and `change` for one statement that has to be quick.
`with_for_update()` says nothing to SQLite, whose one writer has its tables to itself.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Connection,
    Dialect,
    Insert,
    Select,
    Text,
    Update,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.functions import FunctionElement

from alertd.store import wire

# `upsert`: both databases know PostgreSQL's ON CONFLICT
__all__ = ["Asked", "Part", "Query", "Rows", "among", "change", "fetch", "label", "listed", "lock", "look",
           "try_lock", "upsert", "word", "write"]

AT_ONCE = (32, 16, 8, 4, 2, 1)  # rows to a statement of SQLite: beyond the first more gain nothing
_VALUES = " VALUES ("
COPIED = 64  # rows, from which on a COPY takes PostgreSQL and the driver less than its two turns more cost
MOST_LOCKS = 1_000  # of one transaction; PostgreSQL has room for 6,400 unless it is told otherwise

Query = Select[Any] | CompoundSelect[Any]
Answer = Sequence[Sequence[Any]]
_NOTHING: Mapping[str, Any] = {}


def word(state: enum.StrEnum) -> ColumnElement[str]:
    """A state as text in the statement. A database uses an index with a condition only where the statement itself
    repeats it, and a parameter does not (https://sqlite.org/partialindex.html#queries_using_partial_indexes)."""
    return literal_column(f"'{state.value}'")


def listed(values: Iterable[str]) -> str:
    """A parameter of `among`."""
    return msgspec.json.encode(list(values)).decode()


def among(column: ColumnElement[Any], name: str = "listed") -> ColumnElement[bool]:
    """Whether the column is one of the values in the parameter `name`: a statement that stays the same however
    many they are, so that it is prepared once, and no limit of parameters applies."""
    return _Among(column, bindparam(name))


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> _Among:
        """As it is. Core would write `… IN (…) = 1` for SQLite, which then no index answers."""
        return self


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  compiled pieces, no text of strangers


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: Any, **kw: Any) -> str:
    # as an array, which is looked up in an index value by value; a subquery would be joined
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} = ANY (ARRAY(SELECT json_array_elements_text(CAST({values} AS json))))"


def label(labels: ColumnElement[str], *names: str) -> ColumnElement[str]:
    """One of the labels that are kept as JSON, NULL where it is not among them; of several names a list of them as
    JSON, with null in place of each that is not. That is half the work of asking for each."""
    return _Label(labels, *(literal_column(f"'{name}'") for name in names))


class _Label(FunctionElement[str]):
    type = Text()
    inherit_cache = True


@compiles(_Label, "sqlite")
def _label_on_sqlite(element: _Label, compiler: Any, **kw: Any) -> str:
    column, *names = (compiler.process(clause, **kw) for clause in element.clauses)
    paths = ", ".join(f"'$.{name[1:-1]}'" for name in names)
    return f"json_extract({column}, {paths})"


@compiles(_Label, "postgresql")
def _label_on_postgresql(element: _Label, compiler: Any, **kw: Any) -> str:
    column, *names = (compiler.process(clause, **kw) for clause in element.clauses)
    found = [f"CAST({column} AS json) ->> {name}" for name in names]
    return f"CAST(json_build_array({', '.join(found)}) AS text)" if len(found) > 1 else f"({found[0]})"


def lock(connection: Connection, names: Iterable[str]) -> None:
    """Until the end of the transaction no other one has a lock of these names. In one order, whoever asks, so that two
    never wait for each other; beyond MOST_LOCKS for all there are, since a server keeps a table for a few thousand."""
    if connection.dialect.name != "postgresql":
        return  # whoever writes to SQLite has it alone
    keys = sorted({_key(name) for name in names})
    if len(keys) > MOST_LOCKS:
        wire.begin(connection, _LOCK_ALL)
    elif keys:
        wire.begin(connection, _LOCK % ",".join(map(str, keys)))


def try_lock(connection: Connection, name: str) -> bool:
    """The same without waiting: whether no other transaction has it, for work that one of many replicas does."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(_TRY_LOCK, {"key": _key(name)}).scalar())


def _key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest(), signed=True)


_ALL = 0x616C657274640000  # "alertd", shared by whoever takes a few locks and alone for whoever takes all
_LOCK_ALL = f"SELECT pg_advisory_xact_lock({_ALL})"
# an aggregate has its rows in the array's order
_LOCK = (f"SELECT pg_advisory_xact_lock_shared({_ALL}), "  # noqa: S608  only numbers
         "(SELECT count(pg_advisory_xact_lock(key)) FROM unnest('{%s}'::bigint[]) AS wanted (key))")
_TRY_LOCK = select(func.pg_try_advisory_xact_lock(bindparam("key", type_=BigInteger)))


class Rows:
    """A statement for many rows, each a tuple in the order of `names`: handed to the driver itself as they are.
    Core's own way takes longer than the database takes to write them. On SQLite by statements of AT_ONCE rows, since
    the driver gives up the interpreter's lock and asks for it again at every one; on PostgreSQL a column each, as
    arrays, so that it is one statement however many they are. Of `new` ones, which nothing there can be in the way of,
    COPIED or more are copied: the driver looks at each value of an array three times, at one that it copies once."""

    def __init__(self, statement: Insert, names: Sequence[str], *, new: bool = False) -> None:
        self.new = new
        self._statement = statement
        self._names = list(names)
        self._texts: Mapping[int, str] = {}

    def __call__(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        write(connection, (self, rows))

    def copy(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """PostgreSQL's way for many."""
        wire.copy(connection, self._statement.table.name, self._names, rows)

    def by_number(self, dialect: Dialect) -> Mapping[int, str]:
        """SQLite's texts, by the number of rows."""
        if not self._texts:
            one, start, end = self._compiled(dialect)
            row = one[start + len(_VALUES) - 1:end]
            self._texts = {number: one.replace(row, ", ".join([row] * number)) for number in AT_ONCE}
        return self._texts

    def of_arrays(self, dialect: Dialect, first: int) -> tuple[str, int]:
        """PostgreSQL's text, whose parameters are numbered from `first`, and what number comes after them."""
        one, start, end = self._compiled(dialect)
        columns = self._statement.table.c
        types = [columns[name].type.compile(dialect=dialect).partition("(")[0] for name in self._names]
        arrays = ", ".join(f"CAST(${number} AS {type}[])" for number, type in enumerate(types, first))
        return f"{one[:start]} SELECT * FROM unnest({arrays}){one[end:]}", first + len(types)  # noqa: S608  likewise

    def _compiled(self, dialect: Dialect) -> tuple[str, int, int]:
        """The text for one row, and from where to where its values stand."""
        compiled = self._statement.compile(dialect=dialect, column_keys=self._names)
        assert getattr(compiled, "positiontup", None) == self._names  # the order that the tuples have
        one = str(compiled)
        start = one.index(_VALUES)
        return one, start, one.index(")", start) + 1


class Asked:
    """Answers to several queries with parameters of one name space. PostgreSQL is asked once, for all of them as soon
    as the first is wanted: being asked costs it and the driver more than what is found by a few keys. SQLite is asked
    for what is wanted."""

    def __init__(self, connection: Connection, queries: Sequence[Query], values: Mapping[str, Any] = _NOTHING) -> None:
        self._connection = connection
        self._queries = tuple(queries)
        self._values = values
        self._found: Mapping[Query, Answer] = {}

    def __call__(self, query: Query) -> Answer:
        """The rows, by position."""
        if self._connection.dialect.name != "postgresql":
            return fetch(self._connection, query, self._values)
        if not self._found:
            text, wanted = _of_all(self._queries, self._connection.dialect)
            found = wire.ask(self._connection, text, _chosen(wanted, self._values))
            self._found = dict(zip(self._queries, found, strict=True))
        return self._found[query]


def fetch(connection: Connection, query: Query | ReturningUpdate[Any], values: Mapping[str, Any] = _NOTHING) -> Answer:
    """The rows, by position."""
    if connection.dialect.name == "postgresql":
        return connection.execute(query, values).all()
    text, wanted = _of_one(query, connection.dialect)
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.execute(text, _chosen(wanted, values))
        return cursor.fetchall()


def look(connection: Connection, query: Query, values: Mapping[str, Any] = _NOTHING) -> Answer:
    """The same, before the transaction where there is one already: wire.look says why."""
    if connection.dialect.name != "postgresql":
        return fetch(connection, query, values)
    text, wanted = _of_one(query, connection.dialect)
    return wire.look(connection, text, _chosen(wanted, values))


def change(connection: Connection, statement: Update, *rows: Mapping[str, Any]) -> int:
    """Carry it out for each of these; how many rows of the table it changed."""
    if connection.dialect.name == "postgresql":
        return connection.execute(statement, rows).rowcount
    text, wanted = _of_one(statement, connection.dialect)
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.executemany(text, [_chosen(wanted, row) for row in rows])
        return int(cursor.rowcount)


@functools.lru_cache
def _of_one(statement: Query | Update, dialect: Dialect) -> tuple[str, Sequence[tuple[str, Any]]]:
    """For the driver itself, which answers in a fifth of the time that it takes by Core: the text, and which parameters
    it has in their order, each with what the statement itself says of it."""
    compiled = statement.compile(dialect=dialect)
    own = compiled.construct_params(_check=False)
    return str(compiled), [(name, own[name]) for name in compiled.positiontup or ()]


def _chosen(wanted: Sequence[tuple[str, Any]], values: Mapping[str, Any]) -> list[Any]:
    return [values.get(name, own) for name, own in wanted]


@functools.lru_cache
def _of_all(queries: tuple[Query, ...], dialect: Dialect) -> tuple[str, Sequence[tuple[str, Any]]]:
    """The same of one query, whose one row has an array of rows for each."""
    tables = [query.subquery() for query in queries]
    return _of_one(select(*(func.array(select(func.row(*table.c)).scalar_subquery()) for table in tables)), dialect)


Part = tuple[Rows, Iterable[tuple[Any, ...]]]


def write(connection: Connection, *parts: Part) -> None:
    """Write rows of several kinds. PostgreSQL is asked once for all that it does not copy, since being asked costs it
    and the driver as much as some rows do; so no part may need what another one wrote."""
    dialect = connection.dialect
    filled = [(rows, values) for rows, some in parts if (values := list(some))]
    if dialect.name != "postgresql":
        for rows, values in filled:
            _write(connection, rows.by_number(dialect), values)
        return
    told = []
    for rows, values in filled:
        if rows.new and len(values) >= COPIED:
            rows.copy(connection, values)
        else:
            told.append((rows, values))
    if told:
        text = _together(dialect, tuple(rows for rows, _ in told))
        arrays = [list(column) for _, values in reversed(told) for column in zip(*values, strict=True)]
        wire.tell(connection, text, arrays)


@functools.lru_cache
def _together(dialect: Dialect, parts: tuple[Rows, ...]) -> str:
    """One statement of several. PostgreSQL works off such parts from the last to the first, so they are turned round:
    what comes last in `parts` is locked for the shortest time."""
    texts, number = [], 1
    for rows in reversed(parts):
        text, number = rows.of_arrays(dialect, number)
        texts.append(text)
    if len(texts) == 1:
        return texts[0]
    return f"WITH {', '.join(f'p{index} AS ({text})' for index, text in enumerate(texts))} SELECT"


def _write(connection: Connection, texts: Mapping[int, str], values: Sequence[tuple[Any, ...]]) -> None:
    start = 0
    with contextlib.closing(connection.connection.cursor()) as cursor:
        for number, text in texts.items():
            while len(values) - start >= number:
                cursor.execute(text, tuple(chain.from_iterable(values[start:start + number])))
                start += number
