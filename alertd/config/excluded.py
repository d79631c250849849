"""A stretch of time that budgets leave out, as a person or a program asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from alertd import escaping
from alertd.config import units
from alertd.config.wished import NAME, REASON, Moment
from alertd.matchers import parse_all
from alertd.model import Millis
from alertd.slo.excluding import Exclusion


class _Fields(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    match: list[pydantic.StrictStr]
    reason: pydantic.StrictStr
    from_: Moment = pydantic.Field(alias="from")
    to: Moment | None = None
    for_: Annotated[Millis, pydantic.PlainValidator(units.duration)] | None = pydantic.Field(default=None, alias="for")
    by: pydantic.StrictStr = ""


def read(fields: Mapping[str, Any], now: Millis) -> Exclusion:
    """What the fields ask for, without an id; `creator` is who they say. ValueError says what is wrong with which."""
    try:
        wish = _Fields.model_validate(fields)
    except pydantic.ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
                  for fault in error.errors(include_url=False))
        raise ValueError("; ".join(faults)) from error
    reason = escaping.line(wish.reason, REASON)
    if not reason:
        raise ValueError("reason: say why; whoever reads the budget will ask")
    if (wish.to is None) == (wish.for_ is None):
        raise ValueError("say when it ended: `to`, or `for` with a duration such as 2h")
    ends = wish.to if wish.to is not None else wish.from_ + (wish.for_ or 0)
    if ends <= wish.from_:
        raise ValueError("it would end before it begins")
    matchers = tuple(matcher for text in wish.match for matcher in parse_all(text))
    if not matchers:
        raise ValueError('match: say whose budget, such as service="checkout"')
    return Exclusion("", matchers, wish.from_, ends, reason, escaping.line(wish.by, NAME), now)
