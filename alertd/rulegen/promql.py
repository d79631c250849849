"""Values as PromQL and as people write them: exact numbers, durations, quoted text, selectors."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from decimal import Decimal

from alertd.matchers import Matcher
from alertd.model import DAY, HOUR, MINUTE, SECOND, Millis

_UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1, "ms"))


def number(value: Decimal) -> str:
    """The shortest exact text, never an exponent: 0.999, 1, 100."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def percent(ratio: Decimal) -> str:
    """A ratio as people write it: 0.005 is 0.5%."""
    return f"{number(ratio.scaleb(2))}%"


@functools.lru_cache
def duration(millis: Millis) -> str:
    """The shortest text Prometheus reads as this many milliseconds: 90000 is 1m30s, 0 is 0s. No weeks, no years."""
    parts = []
    rest = millis
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def seconds(millis: Millis) -> str:
    """A duration as a number that can be compared with time()."""
    return number(Decimal(millis) / SECOND)


@functools.lru_cache(maxsize=1024)  # the same few names stand in every selector of a service
def quoted(text: str) -> str:
    """A string literal of PromQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def condition(matcher: Matcher) -> str:
    """One condition of a selector."""
    return f"{matcher.label}{matcher.op}{quoted(matcher.value)}"


def selector(metric: str, matchers: Iterable[Matcher], *more: str) -> str:
    """`metric{a="b",…}`; `more` are conditions already written as text."""
    inside = ",".join([*(condition(matcher) for matcher in matchers), *more])
    return f"{metric}{{{inside}}}" if inside else metric


def le(bound: Decimal) -> str:
    """The condition on a bucket's edge, in every way that it is written."""
    first, *others = spellings(bound)
    if not others:
        return f'le="{first}"'
    whole = rf"{first}(\.0)?" if f"{first}.0" in others else re.escape(first)
    return "le=~" + quoted("|".join([whole, *(re.escape(text) for text in others if "e" in text)]))


def spellings(bound: Decimal) -> tuple[str, ...]:
    """How exporters write a bucket's edge. Clients print a whole one as "1" or "1.0", Prometheus 3 always as "1.0":
    https://prometheus.io/docs/prometheus/latest/migration/#le-and-quantile-label-values
    A million and more, and less than a ten-thousandth, Go's clients and Python's write with an exponent."""
    plain = number(bound)
    texts = [plain] if "." in plain else [plain, f"{plain}.0"]
    exponent = bound.adjusted()
    if exponent < -4 or exponent >= 6:
        digits = number(bound.scaleb(-exponent))
        texts.append(f"{digits}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}")
    return tuple(texts)
