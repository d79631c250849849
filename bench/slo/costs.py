"""What a rule reads. Prometheus' own count leaves out what is read inside subqueries: of `last_over_time(x[1h:5m])`
it counts the twelve results and not the samples they were made of. Here these are added."""

from __future__ import annotations

import re

from bench.slo.server import Cost, Prometheus

_SUBQUERY = re.compile(r"\[(?P<range>(?:\d+[a-z]+)+):(?P<step>(?:\d+[a-z]+)+)\]")
_PART = re.compile(r"(\d+)(ms|[dhms])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}


def cost(server: Prometheus, expression: str, moment: float) -> Cost:
    """Every sample read, and the time of one evaluation."""
    one = server.cost(expression, moment)
    return Cost(_read(server, expression, moment, one.samples), one.seconds)


def _read(server: Prometheus, expression: str, moment: float, counted: float) -> float:
    """What Prometheus counted, and for each outermost subquery its steps times what its inside reads."""
    for inside, steps in _subqueries(expression):
        counted += steps * _read(server, inside, moment, server.cost(inside, moment, 1).samples)
    return counted


def _subqueries(expression: str) -> list[tuple[str, int]]:
    """The outermost ones: what is inside, and how many steps."""
    found: list[tuple[int, int, str, int]] = []
    for match in _SUBQUERY.finditer(expression):
        start = _start(expression, match.start())
        steps = max(round(_seconds(match["range"]) / _seconds(match["step"])), 1)
        found.append((start, match.end(), expression[start:match.start()], steps))
    return [(inside, steps) for start, end, inside, steps in found
            if not any(other[0] < start and end < other[1] for other in found)]


def _start(expression: str, end: int) -> int:
    """Where the operand begins that ends here: parentheses, and the name of a function before them."""
    depth = 0
    for at in range(end - 1, -1, -1):
        depth += (expression[at] in ")}") - (expression[at] in "({")
        if depth == 0:
            while at and (expression[at - 1].isalnum() or expression[at - 1] in "_:"):
                at -= 1  # noqa: PLW2901 - to the begin of the name
            return at
    raise ValueError(expression)


def _seconds(duration: str) -> float:
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))
