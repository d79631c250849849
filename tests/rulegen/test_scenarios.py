import itertools
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.rulegen import scenarios


@pytest.mark.parametrize(("values", "text"), [
    ([0, 0, 0], "0x2"), ([5], "5"), ([0, 0, 3, 6, 9], "0x1 3+3x2"), ([None, None, 7, 7], "_x2 7x1"),
    ([9, 8, 7], "9-1x2"),
    ([1, None, 2], "1 _x1 2"), ([Decimal("0.5"), 1, Decimal("1.5")], "0.5+0.5x2"), ([], "")])
def test_notation(values: list[Decimal | int | None], text: str) -> None:
    """Values in the fewest of promtool's words."""
    assert scenarios.notation(values) == text


def expanded(text: str) -> list[Decimal | None]:
    """What promtool makes of a series' values."""
    result: list[Decimal | None] = []
    for word in text.split():
        value, _, times = word.partition("x")
        if value == "_":
            result += [None] * int(times)
            continue
        start, sign, step = value.partition("+") if "+" in value else value.partition("-")
        by = Decimal(f"{sign}{step}") if sign else Decimal(0)
        result += [Decimal(start) + by * count for count in range(int(times or 0) + 1)]
    return result


@given(st.lists(st.one_of(st.none(), st.integers(0, 5))))
def test_notation_loses_nothing(values: list[int | None]) -> None:
    """promtool reads back every value at its minute."""
    assert expanded(scenarios.notation(values)) == values


@given(st.lists(st.integers(-3, 3).map(lambda number: 1 + Decimal(number).scaleb(-6)), max_size=8))
def test_notation_loses_nothing_to_the_way_promtool_adds(values: list[Decimal]) -> None:
    """As floating point numbers, step by step, each is the one that is meant."""
    read: list[float] = []
    for word in scenarios.notation(values).split():
        (start, by, times), = re.findall(r"^([\d.]+)([+-][\d.]+)?(?:x(\d+))?$", word)
        read += itertools.accumulate([float(start)] + [float(by or 0)] * int(times or 0))
    assert read == [float(value) for value in values]
