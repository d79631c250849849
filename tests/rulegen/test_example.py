import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import matchers
from alertd.rulegen import example, promql


@pytest.mark.parametrize("text", [
    'job="a"', 'job=~"a|b"', 'job=~"shop-(eu|us)-[0-9]{3}"', r'job=~"a\.b.+"', 'job!="a"', 'job=~"a|b",job!="a"',
    r'job=~"\d+x?"', 'job=~".*"', 'job=~".+"', 'job!~"a.*"', 'job=~"[^a]"', 'env!=""',
    'job=~"(?i)Shop"', 'job=~"(a(b|c))+"', 'job=""', 'job=~"^shop$"'])
def test_the_labels_match(text: str) -> None:
    """The labels found for a selector are ones it takes."""
    found = matchers.parse_all(text)
    labels = example.labels(found)
    assert all(matcher.matches(labels) for matcher in found)


@pytest.mark.parametrize("text", ['job="a",job="b"', 'job=~"a",job!~"a"', 'job=~"a^b"'])
def test_a_contradiction_is_refused(text: str) -> None:
    """Where nothing matches, that is said, and no wrong test is written."""
    with pytest.raises(ValueError, match="no value of 'job'"):
        example.labels(matchers.parse_all(text))


@given(st.lists(st.sampled_from(["a", "(b|c)", "[0-9]", r"\.", "d?", "e+", ".", "f{2}", "(?:g)", r"\w", "h*", "|"]),
                min_size=1, max_size=8))
def test_any_combination_of_ordinary_parts(parts: list[str]) -> None:
    """Any concatenation of the parts people write has an example."""
    found = matchers.parse_all(f"job=~{promql.quoted(''.join(parts))}")
    assert found[0].matches(example.labels(found))
