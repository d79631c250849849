"""The set operators of a PromQL expression, each as something else or left out. `or` binds least, then `and` and
`unless`: what they stand between is found by counting parentheses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

_TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|[(){}\[\],]|\b(?:or|and|unless)\b(?: on \([^)]*\))?')
_OPEN, _CLOSE = "({[", ")}]"


@dataclasses.dataclass(frozen=True, slots=True)
class _Operator:
    """Where it stands, and where what it stands between begins and ends."""

    word: str
    start: int
    end: int
    left: int
    right: int


def changed(expr: str) -> Iterator[tuple[str, str]]:
    """Each `and` as `or`; each alternative of an `or` left out; each condition (`and`, `unless`) left out."""
    for one in _operators(expr):
        where = _short(expr[one.end:one.right])
        if one.word == "or":
            yield f"without or {where}", expr[:one.start].rstrip() + " " + expr[one.right:]
            yield f"without {_short(expr[one.left:one.start])} or", expr[:one.left] + expr[one.end:]
            continue
        yield f"without {one.word} {where}", expr[:one.start].rstrip() + " " + expr[one.right:]
        if one.word == "and":
            yield f"and is or before {where}", expr[:one.start] + "or" + expr[one.start + 3:]


def ranges(expr: str, functions: Sequence[str]) -> Iterator[re.Match[str]]:
    """The brackets of subqueries that these functions read."""
    calls = [""]
    for token in re.finditer(r'"(?:\\.|[^"\\])*"|(\w*)\(|\)|\[[^\]]*:[^\]]*\]', expr):
        if token[0].endswith("("):
            calls.append(token[1])
        elif token[0] == ")":
            calls.pop()
        elif token[0][0] == "[" and calls[-1] in functions:
            yield token


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) < 100 else f"{line[:60]} … {line[-40:]}"


def _operators(expr: str) -> Iterator[_Operator]:
    """Those of one pair of parentheses at a time."""
    open_at: list[int] = [0]
    within: list[list[re.Match[str]]] = [[]]
    for token in _TOKENS.finditer(expr):
        if token[0] in _OPEN:
            open_at.append(token.end())
            within.append([])
        elif token[0] in _CLOSE:
            yield from _between(within.pop(), open_at.pop(), token.start())
        elif token[0] == ",":
            yield from _between(within[-1], open_at[-1], token.start())
            within[-1], open_at[-1] = [], token.end()
        elif token[0][0] not in '"`':
            within[-1].append(token)
    yield from _between(within.pop(), open_at.pop(), len(expr))


def _between(tokens: list[re.Match[str]], start: int, end: int) -> Iterator[_Operator]:
    for token in tokens:
        word = token[0].split()[0]
        ends = [other for other in tokens if word != "or" or other[0].startswith("or")]
        left = max((other.end() for other in ends if other.start() < token.start()), default=start)
        right = min((other.start() for other in ends if other.start() > token.start()), default=end)
        yield _Operator(word, token.start(), token.end(), left, right)
