import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alertd.rulegen import yaml_text

SCALARS = st.one_of(st.text(), st.integers(), st.sampled_from(
    ["yes", "0x30", "1_000", "1e3", "~", "null", "a: b", "a #b", "- a", "a:", "x\n  y", "\ny", "é…", "1:30", ".5"]))
DATA = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(SCALARS), st.lists(st.dictionaries(st.text(), inner)),
                                                    st.dictionaries(st.text(), inner)), max_leaves=12)


@given(st.dictionaries(st.text(), DATA))
def test_what_is_written_is_read_back(data: dict[str, object]) -> None:
    """Whatever text stands in it, YAML reads the same data."""
    assert yaml.safe_load(yaml_text.dump(data)) == data


@pytest.mark.parametrize(("value", "text"), [
    ("5m", "5m"), ("0x30", "'0x30'"), ("0x30 1+1x3", "0x30 1+1x3"), ("{{ a }}", "'{{ a }}'"), ("it's: b", "'it''s: b'"),
    ("https://a/b", "https://a/b"), ("a\n  b", "|-\n  a\n    b"), ([], "[]"), ({}, "{}")])
def test_plain_where_it_can_be(value: object, text: str) -> None:
    """Quotes only where a reader of YAML needs them, and lines as lines."""
    assert yaml_text.dump({"k": value}) == f"k: {text}\n"


def test_what_stands_in_several_places_is_written_once() -> None:
    """And read back in each of them, also where equal mappings are two."""
    labels, same = (yaml_text.Shared({"a": "1", "b": "x: y"}) for _ in range(2))
    text = yaml_text.dump({"all": [{"of": labels}, {"of": labels, "more": [{"of": same}, {"of": labels}]}]})
    assert yaml.safe_load(text) == {"all": [{"of": labels}, {"of": labels, "more": [{"of": same}, {"of": labels}]}]}
    assert text.count("x: y") == 2
