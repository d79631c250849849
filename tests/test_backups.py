"""Which backups stay."""

from hypothesis import given
from hypothesis import strategies as st

from alertd.backups import DAILY, HOURLY, NEWEST, made_at, name, superfluous
from alertd.model import DAY, MINUTE

T0 = 1_800_000_000_000


def test_a_name_says_when_and_sorts_by_it():
    """To the second, in UTC."""
    assert name(T0, encrypted=False) == "alertd-20270115T080000Z.db"
    assert made_at(name(T0, encrypted=True)) == T0
    assert made_at("routing.yaml") is None


@given(st.integers(1, 2_000))
def test_the_newest_stay_and_their_number_is_bounded(number):
    """However long they were made every five minutes."""
    names = [name(T0 + at * 5 * MINUTE, encrypted=False) for at in range(number)]
    left = set(names) - set(superfluous([*names, "a letter.txt"]))
    assert set(names[-NEWEST:]) <= left
    assert len(left) <= NEWEST + HOURLY + DAILY


def test_there_is_one_of_each_of_the_last_days():
    """A month of them."""
    names = [name(T0 + at * 5 * MINUTE, encrypted=False) for at in range(12 * 24 * 40)]
    left = set(names) - set(superfluous(names))
    days = {made_at(one) // DAY for one in left}
    assert len(days) == DAILY
