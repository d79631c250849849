"""A maintenance window for once as a person or a program asks for it: by the API, or by a command."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from alertd import escaping
from alertd.config import units
from alertd.matchers import parse_all
from alertd.model import Millis
from alertd.schedule import Mode, Once, Window

NAME = 120  # characters that are kept
REASON = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Wished:
    """The window, who wants it ("": nobody said), and whether they know that it covers much."""

    window: Window
    by: str
    confirm: bool


def moment(value: object) -> Millis:
    try:
        moment = datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError("must be a date and time; write it as 2026-12-01T20:00:00+01:00") from error
    if moment.tzinfo is None:
        raise ValueError("has no time zone; write it as 2026-12-01T20:00:00+01:00 or …Z")
    return round(units.in_calendar(moment).timestamp() * 1000)


Moment = Annotated[Millis, pydantic.PlainValidator(moment)]


class _Fields(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    match: list[pydantic.StrictStr] = []
    reason: pydantic.StrictStr
    name: pydantic.StrictStr = ""
    mode: Mode = Mode.HOLD
    from_: Moment | None = pydantic.Field(default=None, alias="from")
    to: Moment | None = None
    for_: Annotated[Millis, pydantic.PlainValidator(units.duration)] | None = pydantic.Field(default=None, alias="for")
    by: pydantic.StrictStr = ""
    notices: pydantic.StrictBool = True
    exclude_from_budget: pydantic.StrictBool = False
    confirm: pydantic.StrictBool = False


def read(fields: Mapping[str, Any], now: Millis) -> Wished:
    """What the fields ask for; without `from` it begins now. ValueError says what is wrong with which."""
    try:
        wish = _Fields.model_validate(fields)
    except pydantic.ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
                  for fault in error.errors(include_url=False))
        raise ValueError("; ".join(faults)) from error
    reason, name = escaping.line(wish.reason, REASON), escaping.line(wish.name, NAME)
    if not reason:
        raise ValueError("reason: say why; whoever is not told will ask")
    if (wish.to is None) == (wish.for_ is None):
        raise ValueError("say when it ends: `to`, or `for` with a duration such as 2h")
    starts = now if wish.from_ is None else wish.from_
    ends = wish.to if wish.to is not None else starts + (wish.for_ or 0)
    if ends <= max(starts, now):
        raise ValueError("it would end before it begins, or is over")
    matchers = tuple(matcher for text in wish.match for matcher in parse_all(text))
    window = Window(name or reason, matchers, Once(starts, ends), wish.mode, reason if name else "",
                    notices=wish.notices, exclude_from_budget=wish.exclude_from_budget)
    return Wished(window, escaping.line(wish.by, NAME), wish.confirm)
