"""The chain of the audit."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from alertd.audit import FIRST, Act, Head, Link, fault, hash_of


def chain(length):
    links, before = [], FIRST
    for seq in range(1, length + 1):
        act = Act(seq * 1000, "jane", "api", "acknowledge", f"incident {seq}", {"callback": str(seq)})
        links.append(Link(seq, act, before, hash_of(act, before)))
        before = links[-1].hash
    return links


def test_a_whole_record_has_no_fault():
    """Also an empty one."""
    assert fault(chain(0)) is None
    assert fault(chain(4), [head(chain(4))]) is None


@given(st.integers(0, 4), st.sampled_from(["at", "actor", "via", "action", "object", "detail"]))
def test_an_edited_row_is_named(index, field):
    """Whatever of it was changed."""
    links = chain(5)
    act = links[index].act
    other = {"at": 1, "detail": {}}.get(field, "someone else")
    links[index] = dataclasses.replace(links[index], act=dataclasses.replace(act, **{field: other}))
    assert f"row {index + 1}" in fault(links)


@given(st.integers(0, 3))
def test_a_row_that_was_taken_out_is_noticed(index):
    """Even where the numbers after it were moved up."""
    links = chain(5)
    del links[index]
    assert fault(links) is not None
    assert fault([dataclasses.replace(link, seq=seq) for seq, link in enumerate(links, 1)]) is not None


@given(st.permutations(range(4)).filter(lambda order: order != [0, 1, 2, 3]))
def test_another_order_is_noticed(order):
    """Rows cannot change places."""
    links = chain(4)
    assert fault([links[index] for index in order]) is not None


def head(links):
    return Head(links[-1].seq, links[-1].hash)


def test_rows_cut_off_at_the_end_are_noticed_by_whoever_kept_the_head():
    """A shorter chain is whole in itself: only the head kept elsewhere tells."""
    links = chain(4)
    assert fault(links[:3]) is None
    assert "row 4: it is missing" in fault(links[:3], [head(links)])
    assert "row 1: it is missing" in fault([], [head(links)])


def test_a_record_written_anew_is_noticed_by_whoever_kept_a_head():
    """Every hash fits, but the row is known to have been another."""
    kept, act = head(chain(3)), Act(1, "mallory", "api", "acknowledge", "incident 1", {})
    other = Link(1, act, FIRST, hash_of(act, FIRST))
    links = [other]
    for link in chain(3)[1:]:
        links.append(Link(link.seq, link.act, links[-1].hash, hash_of(link.act, links[-1].hash)))
    assert fault(links) is None
    assert "row 3: it is known to have been another" in fault(links, [kept])
