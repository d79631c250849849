"""What a Markdown document says, with its places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.errors import BadInput
from alertd.starting import document


def said(text: str) -> list[tuple[str, str, object, int, int]]:
    return [(one.section, one.key, one.value, *one.at) for one in document.said(text, "p.md")]


def test_a_block_has_the_documents_lines() -> None:
    """A setting of a YAML block stands where the document has it, below its own section."""
    assert said("# Env\n\n```yaml\nAlert Thresholds:\n  cpu_utilization: 70%\n```\n") == [
        ("alert_thresholds", "cpu_utilization", "70%", 5, 20)]


def test_a_block_within_a_list_has_them_too() -> None:
    """Its indentation counts for the column."""
    assert said("- a list:\n\n  ```yaml\n  cpu: 70%\n  ```\n")[-1] == ("", "cpu", "70%", 4, 8)


def test_settings_of_a_bullet() -> None:
    """A bullet with colons is as many settings, emphasis aside."""
    assert said("## Business Continuity\n- **RTO**: 15 minutes, RPO: 5 minutes\n") == [
        ("business_continuity", "rto", "15 minutes", 2, 12), ("business_continuity", "rpo", "5 minutes", 2, 29)]


def test_sentences() -> None:
    """A bullet or a paragraph without one is a sentence; a heading is none."""
    assert said("# Title\nWe care.\n\n- All changes require approval\n") == [
        ("title", "", "We care.", 2, 1), ("title", "", "All changes require approval", 4, 3)]


def test_a_list_of_values_is_one_value() -> None:
    """And a list of sections is as many settings."""
    assert [one[1:3] for one in said('```yaml\ntypes: ["a", "b"]\nsteps:\n  - {after: 5m}\n```\n')] == [
        ("types", ["a", "b"]), ("after", "5m")]


def test_what_a_list_mixes() -> None:
    """Each of it has a place, the key of the whole list for its name."""
    assert said("```yaml\nwho: [a, {b: c}]\n```\n") == [("", "who", "a", 2, 7), ("who", "b", "c", 2, 14)]


def test_other_blocks_are_said_as_they_stand() -> None:
    """So that they can be listed."""
    assert said("```sh\nmake   it\n```\n") == [("", "", "make it", 1, 1)]


@pytest.mark.parametrize(("text", "place"), [("# a\n```yaml\na: [\n```\n", "p.md:"),
                                             ("```yaml\na: 1\na: 2\n```\n", "p.md:3:1: 'a' is given twice")])
def test_a_faulty_block_is_an_error_at_its_place(text: str, place: str) -> None:
    """No half of it is read."""
    with pytest.raises(BadInput, match=place):
        said(text)


def test_what_is_no_text(tmp_path: Path) -> None:
    """Is refused with a reason."""
    (tmp_path / "p.md").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        document.read(tmp_path / "p.md")


@given(st.text(alphabet=st.sampled_from("ab:,<>`*-#| \n\t"), max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Every place lies within the text; only a faulty YAML block is refused."""
    try:
        found = list(document.said(text, "p.md"))
    except BadInput:
        return
    lines = text.splitlines()
    assert all(1 <= one.line <= max(len(lines), 1) and one.at[1] >= 1 for one in found)
