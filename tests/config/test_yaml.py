"""YAML read with places: what it takes, what it refuses, and that nothing ends the process."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.config import yaml
from alertd.config.yaml import did_you_mean, parse, validate
from alertd.errors import BadInput

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True))


def refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parse(text, "f.yaml")
    return str(caught.value)


def test_words_of_yaml_1_1_stay_text() -> None:
    """What YAML 1.1 turns into booleans, times and octal numbers stays what was written."""
    data = parse("on: yes\nno: NO\nat: 1:30\nid: 010\nday: 2026-11-23\nhex: 0x10\ngap: 1_000", "f").data
    assert data == {"on": "yes", "no": "NO", "at": "1:30", "id": "010", "day": "2026-11-23", "hex": "0x10",
                    "gap": "1_000"}


def test_plain_numbers_and_booleans_are_values() -> None:
    """Null, true, false and decimal numbers are values; in quotes they are text."""
    data = parse("[null, ~, true, False, 12, -3, 0.5, 1e3, '12', \"true\"]", "f").data
    assert data == [None, None, True, False, 12, -3, 0.5, 1000.0, "12", "true"]


def test_duplicate_keys_are_all_found() -> None:
    """A key given twice is a finding at the second place that names the first; the first value holds."""
    document = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [str(finding) for finding in document.duplicates] == [
        "f.yaml:2:11: 'c' is given twice; the first stands in line 2; keep one",
        "f.yaml:3:1: 'a' is given twice; the first stands in line 1; keep one"]


def test_places_of_keys_and_values() -> None:
    """Every key and value knows its line and column, counted from 1, in block and flow style."""
    document = parse("a:\n  - {b: x, c: y}\n  - z\n", "f")
    assert document.keys["a", 0, "c"] == (2, 12)
    assert document.values["a", 0, "c"] == (2, 15)
    assert document.values["a", 1] == (3, 5)
    assert document.line(("a",)) == 1
    assert document.line(("nowhere",)) == 0


def test_a_finding_of_something_absent_stands_at_its_parent() -> None:
    """What is missing is told at the nearest place that exists."""
    finding = parse("a:\n  b: 1\n", "f").finding(("a", "c", "d"), "missing")
    assert (finding.line, finding.column) == (2, 3)


@pytest.mark.parametrize(("text", "message"), [
    ("a:\n\tb: 1", "f.yaml:2:1: a tab; indent by spaces: YAML takes no tabs"),
    ("a: [1,\nb: 2", "f.yaml:3:1: while parsing a flow sequence did not find expected ',' or ']' (begun in line 1); "
                     "mend the YAML"),
    ("a: b: c", "f.yaml:1:5: mapping values are not allowed in this context; mend the YAML"),
    ("a: 1\n---\nb: 2", "f.yaml:2:1: expected a single document in the stream but found another document "
                        "(begun in line 1); mend the YAML"),
    ("a: *b", "f.yaml:1:4: found undefined alias; mend the YAML"),
    ("? [a, b]\n: 1", "f.yaml:1:3: a key must be plain text; put it in quotes"),
    ("b: {<<: {x: 1}}", "f.yaml:1:5: merge keys (<<) are not read; write the keys out"),
    ("a: !!int x", "f.yaml:1:4: 'x' is not what its tag 'tag:yaml.org,2002:int' says; drop it"),
    ("a: &x [*x]", "f.yaml:1:4: expands to too many values; use fewer aliases"),
])
def test_what_is_no_yaml_is_told_with_its_place(text: str, message: str) -> None:
    """Each way of being no YAML has one sentence with the place to mend."""
    assert refused(text) == message


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 200_000, "{a: " * 200_000])
def test_deep_nesting_is_refused_before_it_is_composed(text: str) -> None:
    """Hundreds of thousands of levels, which would end the process inside libyaml, are an ordinary finding."""
    assert "nested over 64 deep" in refused(text)


def test_a_billion_laughs_end_at_a_bound() -> None:
    """Aliases of aliases are counted as they expand, and refused."""
    assert "expands to too many values" in refused(LAUGHS)


def test_python_tags_make_nothing() -> None:
    """A tag that would build a Python object is read as what stands behind it."""
    assert parse("a: !!python/object/apply:os.system [ls]", "f").data == {"a": ["ls"]}


def test_a_number_too_long_for_python_is_text() -> None:
    """A number of thousands of digits does not raise."""
    assert parse("9" * 5_000, "f").data == "9" * 5_000


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8, too large: each is one sentence about the whole file."""
    (tmp_path / "latin").write_bytes(b"a: \xff")
    (tmp_path / "large").write_bytes(b"#" * 5_000_001)
    (tmp_path / "nul").write_bytes(b"a: \0")
    said = {}
    for name in ("missing", ".", "latin", "large", "nul"):
        with pytest.raises(BadInput) as caught:
            yaml.read(tmp_path / name, name)
        said[name] = str(caught.value)
    assert said["missing"] == "missing: no such file"
    assert said["."] == ".: is a folder; give a file"
    assert said["latin"] == "latin: is not UTF-8 text (byte 3)"
    assert said["large"] == "large: is larger than 5 MB; split it"
    assert said["nul"].startswith("nul: is not YAML: unacceptable character #x0000")


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    """An empty file, or one of comments, has no data and no fault of its own."""
    (tmp_path / "empty").write_text("# nothing\n")
    assert yaml.read(tmp_path / "empty").data is None


class Inner(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    objective: float
    name: str = ""


class Outer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    slos: dict[str, Inner]
    tags: list[str] = []


def test_validation_tells_every_fault_at_its_place() -> None:
    """Unknown keys stand at the key with a suggestion, missing ones at their section, wrong values at the value."""
    document = parse("slos:\n  a: {objektive: 1}\n  b: {objective: x, name: 5}\ntags: a\n", "f.yaml")
    model, findings = validate(document, Outer)
    assert model is None
    assert sorted(str(finding) for finding in findings) == [
        "f.yaml:2:3: 'objective' is missing; add it",
        "f.yaml:2:7: unknown key 'objektive'; did you mean 'objective'?",
        "f.yaml:3:18: must be a number",
        "f.yaml:3:27: must be text; put it in quotes",
        "f.yaml:4:7: must be a list; write it as [a, b]"]


def test_did_you_mean() -> None:
    """A near word is offered; where none is near, all are named."""
    assert did_you_mean("cirtical", ["critical", "info"]) == "did you mean 'critical'?"
    assert did_you_mean("xyz", ["critical", "info"]) == "known are critical, info"
    assert did_you_mean("xyz", []) == "remove it"


@given(st.text(max_size=60))
def test_any_text_is_a_document_or_a_finding(text: str) -> None:
    """Whatever a file holds, it is read or refused with BadInput; nothing else is raised."""
    try:
        parse(text, "f")
    except BadInput as error:
        assert error.findings  # noqa: PT017  either outcome is right, this one must say something
