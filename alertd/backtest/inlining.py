"""Expressions over records that a server does not have yet, as expressions over what it has.

The record's own expression takes the place of its name, in the text: the parser's tree cannot be written back (it
loses the escapes of strings). It is only as good as an expression evaluated at another time can be: a range over a
record becomes a subquery at the record's interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from alertd import expressions
from alertd.lint import Rule
from alertd.matchers import Matcher
from alertd.model import MINUTE, Millis
from alertd.rulegen.promql import duration, quoted

EVALUATION: Millis = MINUTE  # where a group says nothing
MOST_STEPS = 1000  # of subqueries, one within the other: beyond that a server takes minutes, or gives up
MOST_LENGTH = 50_000  # characters

_STRING = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
_NAME = re.compile(rf"(?:{_STRING})|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)")
_REST = re.compile(rf"(?:\s*(?P<matchers>\{{(?:{_STRING}|[^{{}}\"'`])*\}}))?(?:\s*\[(?P<range>\w+)\])?"
                   r"(?:\s*offset\s+(?P<offset>\w+))?")


class NotReplayable(ValueError):
    """Why an alert cannot be replayed on this server."""


def inlined(rule: Rule, records: Sequence[Rule], equivalents: Mapping[str, str] | None = None) -> str:
    """The expression of `rule` without the names of `records`; NotReplayable says why there is none.

    `equivalents` are parts of expressions, however they are indented, and what to evaluate in their place: for records
    of which a plain expression over raw series says the same.
    """
    text = rule.text
    for part, plain in sorted((equivalents or {}).items(), key=lambda each: -len(each[0])):
        words = r"\s+".join(map(re.escape, part.split()))
        text = re.sub(words, f"({plain})".replace("\\", r"\\"), text)
    by_name: dict[str, list[Rule]] = {}
    for record in records:
        by_name.setdefault(record.name, []).append(record)
    text = _without(text, by_name, (), 1)
    try:
        expressions.parse(text)
    except ValueError as error:
        raise NotReplayable(f"its records cannot be put into its expression ({error})") from error
    return text


def _without(text: str, records: Mapping[str, Sequence[Rule]], above: tuple[str, ...], steps: int) -> str:
    parts, at = [], 0
    for start, end, name, rest in _uses(text, records):
        if name in above:
            raise NotReplayable(f"the record {name} reads its own past")
        parts += [text[at:start], _replaced(name, rest, records, above, steps)]
        at = end
    made = "".join([*parts, text[at:]])
    if len(made) > MOST_LENGTH:
        raise NotReplayable("with its records put in, its expression is too long")
    return made


def _uses(text: str, records: Mapping[str, Sequence[Rule]]) -> Iterator[tuple[int, int, str, re.Match[str]]]:
    """Where a record stands: start, end, name, and the matchers, range and offset behind it."""
    at = 0
    while found := _NAME.search(text, at):
        at = found.end()
        if (name := found["name"]) in records:
            rest = _REST.match(text, at)
            assert rest  # every part of it may be missing
            at = rest.end()
            yield found.start(), at, name, rest


def _replaced(name: str, rest: re.Match[str], records: Mapping[str, Sequence[Rule]], above: tuple[str, ...], steps: int
              ) -> str:
    selector = next(expressions.selectors(expressions.parse(name + (rest["matchers"] or ""))))
    chosen = [record for record in records[name] if _may_match(record, selector.matchers)]
    for label, _, _ in selector.matchers:
        if any(label not in record.labels for record in chosen):
            raise NotReplayable(f"{name} is asked for by {label}, which its rule does not set itself")
    if not chosen:
        raise NotReplayable(f"no record {name} has the labels that are asked for")
    every = chosen[0].interval or EVALUATION
    span = expressions.span(rest["range"]) if rest["range"] else 0
    steps *= max(span // every, 1)
    if steps > MOST_STEPS:
        raise NotReplayable(f"{name} over {duration(span)} would be evaluated {steps} times for each point")
    inner = " or ".join(_labelled(record, _without(record.text.strip(), records, (*above, name), steps))
                        for record in chosen)
    offset = f" offset {rest['offset']}" if rest["offset"] else ""
    if rest["range"]:
        return f"({inner})[{rest['range']}:{duration(every)}]{offset}"
    return f"last_over_time(({inner})[{duration(every)}:{duration(every)}]{offset})" if offset else f"({inner})"


def _may_match(record: Rule, matchers: Sequence[tuple[str, str, str]]) -> bool:
    return all(Matcher(label, op, value).matches(record.labels) for label, op, value in matchers
               if label in record.labels)


def _labelled(record: Rule, text: str) -> str:
    """The labels that the rule sets; a regular expression that matches anything replaces what was there."""
    for label, value in sorted(record.labels.items()):
        text = f"label_replace({text}, {quoted(label)}, {quoted(value.replace('$', '$$'))}, \"\", \"\")"
    return text
