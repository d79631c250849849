"""Labels that a selector takes, for the series of generated tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from alertd.matchers import Matcher
from alertd.model import Labels

TARGET: Labels = {"job": "example", "instance": "example:80"}  # what every scraped series has

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_REPEAT = re.compile(r"[*+?]\??|\{(\d+)(?:,\d*)?\}\??")
_OPENING = re.compile(r"\((?:\?(?:P?<\w+>|[is-]*:))?")
_ESCAPED = {"d": "0", "w": "a", "s": " ", "b": "", "A": "", "z": ""}


def labels(matchers: Iterable[Matcher]) -> dict[str, str]:
    """One label set that all `matchers` match. Raises ValueError where none is found: they exclude each other, or a
    regular expression is beyond what is tried here."""
    by_label: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        by_label.setdefault(matcher.label, []).append(matcher)
    found = {label: _value(label, conditions) for label, conditions in by_label.items()}
    return {label: value for label, value in {**TARGET, **found}.items() if value}


def _value(label: str, conditions: list[Matcher]) -> str:
    for candidate in _candidates(label, conditions):
        if all(condition.matches({label: candidate}) for condition in conditions):
            return candidate
    written = ", ".join(str(condition) for condition in conditions)
    raise ValueError(f"no value of {label!r} was found that {written} takes")


def _candidates(label: str, conditions: list[Matcher]) -> Iterator[str]:
    for condition in conditions:
        if condition.op == "=":
            yield condition.value
        elif condition.op == "=~":
            yield from _Sampler(condition.value).alternatives()
    yield from (TARGET.get(label, "example"), "other", "0", "")


class _Sampler:
    """Reads a regular expression and offers texts that should match it; the caller checks them."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.sub(r"^\(\?[is]+\)", "", pattern)
        self.at = 0

    def alternatives(self) -> list[str]:
        """One text for each branch, up to the end or the closing parenthesis."""
        branches = [""]
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self.pattern[self.at] == "|":
                self.at += 1
                branches.append("")
                continue
            branches[-1] += self._repeated(self._atom())
        return branches

    def _atom(self) -> str:
        rest = self.pattern[self.at:]
        if opening := _OPENING.match(rest):
            self.at += opening.end()
            first = self.alternatives()[0]
            self.at += 1
            return first
        if group := _CLASS.match(rest):
            self.at += group.end()
            pattern = re.compile(group[0])
            return next((character for character in "a0A-_. " + group[0] if pattern.fullmatch(character)), "")
        if rest[0] == "\\":
            self.at += 2
            return _ESCAPED.get(rest[1:2], rest[1:2])
        self.at += 1
        return {".": "0", "^": "", "$": ""}.get(rest[0], rest[0])

    def _repeated(self, atom: str) -> str:
        match = _REPEAT.match(self.pattern, self.at)
        if match is None:
            return atom
        self.at = match.end()
        return atom * int(match[1]) if match[1] else atom
