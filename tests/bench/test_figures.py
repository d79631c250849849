"""The table of figures."""

from __future__ import annotations

from bench.figures import Figure, because, table


def _table(value: float, note: str = "") -> str:
    return table([Figure("C first page", "ms", (value,), (), 100, False, note)])


def test_below_the_table_stands_why_a_goal_is_not_met() -> None:
    """With its job; of one that is met nothing stands there."""
    missed = _table(200, "the disk is slow; a faster disk would do").splitlines()
    assert missed[-2:] == ["NOT MET  C first page", "         the disk is slow; a faster disk would do"]
    assert missed[1].endswith("NO")
    assert "the disk" not in _table(50, "the disk is slow")


def test_a_goal_that_is_missed_without_a_note_says_what_to_do() -> None:
    """A miss that nobody has explained does not look like one that somebody has."""
    assert "why is not written down" in _table(200)


def test_only_what_took_as_long_beside_it_is_blamed() -> None:
    """Half as long in the middle; where the disk was quick, a slow write is not the disk's."""
    assert because("the disk", [300], [316]) == because("the disk", [300, 10, 300], [150, 150, 1]) == "the disk"
    assert because("the disk", [300], [5]) == ""
