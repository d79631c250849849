"""The limits of guardrails as people write them in an operations document: `8-15 nodes`, `200m-500m per service`,
`minimum 3 replicas`, `15% per day`, `< 0.1%`, `100-500GB`, `hourly`, `10 minutes`, `required`."""

from __future__ import annotations

import re
from decimal import Decimal

from alertd.config import units
from alertd.model import SECOND
from alertd.presets.guardrail import Asks, Guardrail, Unit
from alertd.rulegen.declared import Limit

_AT_MOST = ("<=", "<", "≤", "at most", "maximum", "max", "up to", "under", "below", "no more than")
_AT_LEAST = (">=", ">", "≥", "at least", "minimum", "min", "over", "above", "no less than")
_PREFIX = re.compile(rf"({'|'.join(map(re.escape, (*_AT_MOST, *_AT_LEAST)))})(?![a-z])\s*", re.IGNORECASE)
_RANGE = re.compile(r"(\d+(?:\.\d+)?) ?([%A-Za-z]*) ?(?:-|–|to) ?(\d+(?:\.\d+)?) ?([%A-Za-z]*)")
_OFTEN = {"hourly": "1h", "daily": "1d", "weekly": "7d", "monthly": "31d", "yearly": "366d"}
_BYTES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_EXAMPLES = {Unit.COUNT: "8", Unit.SHARE: "50%", Unit.CORES: "500m", Unit.BYTES: "2Gi", Unit.TIME: "10 minutes"}
ON = "on"  # what nothing may be found of needs no figure


def read(given: object, guardrail: Guardrail) -> Limit:
    """What `given` (text, a number, a list of names) allows. ValueError says what this guardrail can read."""
    if guardrail.asks is Asks.ONE_OF:
        return Limit(names=_names(given, guardrail))
    if isinstance(given, list) or given is None:
        raise ValueError(f"is no limit; write one such as {_example(guardrail)}")
    text = " ".join(str(given).split())
    if guardrail.asks is Asks.NOTHING:
        if text.lower() not in (ON, *map(str.lower, guardrail.words)):
            raise ValueError(f"{text!r} says nothing here; write {' or '.join((*guardrail.words, ON))}")
        return Limit()
    return _figures(_plain(text, guardrail), text, guardrail)


def _names(given: object, guardrail: Guardrail) -> tuple[str, ...]:
    names = [str(name).strip() for name in given] if isinstance(given, list) else [_plain(str(given), guardrail)]
    if not names or not all(re.fullmatch(r"[\w./:-]+", name) for name in names):
        raise ValueError(f"{given!r} holds no names; write one, or several as [a, b]")
    return tuple(dict.fromkeys(names))


def _plain(text: str, guardrail: Guardrail) -> str:
    """Without the words that may stand behind a limit, and with those read that are in place of others."""
    for word in sorted(guardrail.words, key=len, reverse=True):
        if text.lower().endswith(word.lower()) and len(text) > len(word):
            text = text[:-len(word)].rstrip()
    for written, meant in guardrail.reads.items():
        text = re.sub(rf"(?<![A-Za-z]){re.escape(written)}(?![A-Za-z])", meant, text, flags=re.IGNORECASE)
    return text


def _figures(text: str, written: str, guardrail: Guardrail) -> Limit:
    asks, (said, rest) = guardrail.asks, _said(text)
    if said is not None and said is not asks:
        other = "a range" if asks is Asks.BETWEEN else f"what there may be at {asks}"
        raise ValueError(f"{written!r} asks for at {said}; this is {other}, write it such as {_example(guardrail)}")
    if asks is Asks.BETWEEN:
        return _range(rest, written, guardrail)
    try:
        value = figure(rest, guardrail.unit)
    except ValueError as error:
        raise ValueError(_unread(written, guardrail, error)) from None
    return Limit(most=value) if asks is Asks.MOST else Limit(least=value)


def _said(text: str) -> tuple[Asks | None, str]:
    found = _PREFIX.match(text)
    if found is None:
        return None, text
    return Asks.MOST if found[1].lower() in _AT_MOST else Asks.LEAST, text[found.end():]


def _range(text: str, written: str, guardrail: Guardrail) -> Limit:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(_unread(written, guardrail))
    low, low_unit, high, high_unit = found.groups()
    try:
        least = figure(low + (low_unit or high_unit), guardrail.unit)
        most = figure(high + high_unit, guardrail.unit)
    except ValueError as error:
        raise ValueError(_unread(written, guardrail, error)) from None
    if least >= most:
        raise ValueError(f"{written!r} begins above its end; write the smaller figure first")
    return Limit(least, most)


def _unread(written: str, guardrail: Guardrail, why: ValueError | None = None) -> str:
    words = f" and, if you like, {' or '.join(map(repr, guardrail.words))} behind it" if guardrail.words else ""
    because = f": {why}".split("; ", maxsplit=1)[0] if why and str(why) else ""
    return f"{written!r} is no limit here{because}; write one such as {_example(guardrail)}{words}"


def _example(guardrail: Guardrail) -> str:
    one = _EXAMPLES[guardrail.unit]
    ranges = {Unit.COUNT: "8-15", Unit.SHARE: "75-85%", Unit.CORES: "200m-500m", Unit.BYTES: "100-500GB",
              Unit.TIME: "5-10 minutes"}
    return {Asks.BETWEEN: ranges[guardrail.unit], Asks.ONE_OF: "[a, b]", Asks.NOTHING: ON}.get(guardrail.asks, one)


def figure(text: str, unit: Unit) -> Decimal:
    """In the unit itself: a ratio, cores, bytes, seconds. ValueError where it is none."""
    if unit is Unit.TIME:
        word = text.lower()
        return Decimal(units.duration(_OFTEN.get(word, text))) / SECOND
    if unit is Unit.SHARE:
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", text, re.ASCII)
        if found is None:
            return units.percentage(text)  # which says what is wrong
        return Decimal(f"{found[1]}e-2")  # more than all is a limit too: costs may double
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", text, re.ASCII)
    if found is None:
        raise ValueError("it is no figure")
    number, suffix = Decimal(found[1]), found[2]
    if unit is Unit.BYTES:
        return _bytes(number, suffix)
    if unit is Unit.CORES and suffix == "m":
        return number / 1000
    if suffix or (unit is Unit.COUNT and number != int(number)):
        raise ValueError(f"{text} is no whole number" if not suffix else f"{suffix} is no unit of it")
    return number


def _bytes(number: Decimal, suffix: str) -> Decimal:
    """As Kubernetes writes sizes (512Mi, 2G), with or without the B."""
    plain = suffix.lower().removesuffix("b")
    binary = plain.endswith("i")
    size = plain.removesuffix("i") if binary else plain
    if size not in _BYTES or (binary and not size):
        raise ValueError(f"{suffix} is no size")
    return number * Decimal(1024 if binary else 1000) ** _BYTES[size]
