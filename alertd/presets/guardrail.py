"""Guardrails: operating limits that a preset knows how to watch, as data. An entry of a preset is all there is to one:
its query, its words, what to do when it is crossed, and the series of its tests."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from decimal import Decimal

from alertd.model import Labels, Millis, Severity

LIMIT, WHERE, METRIC = "$limit", "$where", "$metric"  # what is put into a query


class Asks(enum.StrEnum):
    """What a limit asks of the figure. `nothing` may be found at all; `one of` are the names that may be."""

    MOST = "most"
    LEAST = "least"
    BETWEEN = "between"
    ONE_OF = "one of"
    NOTHING = "nothing"


class Unit(enum.StrEnum):
    """What a figure counts: things, a ratio, processors, bytes, seconds."""

    COUNT = "count"
    SHARE = "share"
    CORES = "cores"
    BYTES = "bytes"
    TIME = "time"


class Shows(enum.StrEnum):
    """How a series of a test follows the figure v. `value` is v times its number, `rest` (1 - v) times; `copies` and
    `rest_copies` are so many series; `grows` is a number that becomes (1 + v) of it; `age` and `left` are times that
    lie v seconds back and ahead; `steps` changes v times, `apart` twice, v seconds apart."""

    FIXED = "fixed"
    VALUE = "value"
    REST = "rest"
    COPIES = "copies"
    REST_COPIES = "rest_copies"
    GROWS = "grows"
    AGE = "age"
    LEFT = "left"
    STEPS = "steps"
    APART = "apart"
    COUNTS = "counts"


class When(enum.StrEnum):
    """Whether a series is there while the limit is kept, while it is not, or always."""

    ALWAYS = "always"
    INSIDE = "inside"
    OUTSIDE = "outside"


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """One input of a guardrail's tests, or several where it has copies, whose labels say `{n}` for their number.
    `number` is what `shows` reckons with, `each` the value of a copy."""

    metric: str
    labels: Labels
    shows: Shows
    number: Decimal
    each: Decimal = Decimal(1)
    when: When = When.ALWAYS


@dataclasses.dataclass(frozen=True, slots=True)
class Guardrail:
    """How one limit is watched.

    `measure` is PromQL of the figure, which is compared with the limit; where it says `$limit` itself, or nothing may
    be found, whatever it yields is a fault. `window` is how far it looks back, `notices` how long it takes to see that
    something has stopped. `words` may stand behind a limit,
    `reads` are words in place of others. `usual` is the limit where none is said, `step` how near to a limit its tests
    go. `needs` are series without which nothing is known. `labels` are an example of those that the figure has.
    """

    alert: str
    asks: Asks
    unit: Unit
    measure: str
    window: Millis
    lasting: Millis
    severity: Severity
    summary: str
    description: str
    meaning: str
    measured: str
    first: tuple[str, ...]
    cases: Mapping[str, tuple[Series, ...]]
    needs: tuple[str, ...] = ()
    labels: Labels = dataclasses.field(default_factory=dict)
    words: tuple[str, ...] = ()
    reads: Mapping[str, str] = dataclasses.field(default_factory=dict)
    usual: str | None = None
    where: str = ""
    metric: str | None = None
    step: Decimal | None = None
    notices: Millis = 0

    @property
    def whole(self) -> bool:
        """Whether what the query yields is a fault by itself."""
        return self.asks in (Asks.ONE_OF, Asks.NOTHING) or LIMIT in self.measure
