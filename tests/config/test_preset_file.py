import re
from pathlib import Path

import pytest

from alertd.config import preset_file

GOOD = """
about: our pools
subject: "pool {pool}"
labels: {pool: orders}
utilization:
  memory_utilization:
    of: pool
    expression: pool_used / pool_size
    window: 0s
    cases: {one: [{metric: pool_used, used: 10}, {metric: pool_size, fixed: 10}]}
"""


def faults(folder: Path, text: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return [str(finding) for finding in preset_file.load(folder, "rules/presets")[2]]


def test_a_good_one_is_read(tmp_path: Path) -> None:
    """Its parts as values, under the name of its file; its text goes into the header's digest."""
    assert faults(tmp_path, GOOD) == []
    found, texts, _ = preset_file.load(tmp_path)
    own = found["own"]
    assert (own.subject, dict(own.labels), own.requests) == ("pool {pool}", {"pool": "orders"}, None)
    assert own.utilization["memory_utilization"].of == "pool"
    assert texts == {"own.yaml": GOOD}


@pytest.mark.parametrize(("text", "fault"), [
    ("", "1:1: is empty; describe a preset or remove the file"),
    ("about: nothing", "1:1: measures nothing; describe requests, latency, probe, utilization or guardrails"),
    ("request: {}", "1:1: unknown key 'request'; did you mean 'requests'?"),
    ("requests:\n  counter: hits-total\n  failures: [{match: 'a=\"b\"', bad: {a: b}, good: {a: c}}]",
     "2:12: 'hits-total' is no metric's name; use letters, digits, '_' and ':'"),
    ("requests:\n  counter: hits\n  failures: []", "3:13: is empty; give at least one"),
    ("requests:\n  counter: hits\n  failures: [{match: 'a=\"b\"', bad: {a: b}, good: {a: b}}]",
     "3:14: a=\"b\" must match the labels of `bad` and not those of `good`"),
    ("requests:\n  counter: hits\n  failures: [{match: 'a~b', bad: {a: b}, good: {a: c}}]",
     "3:14: expected = != =~ or !~ after 'a', at character 2 of 'a~b'"),
    ("requests:\n  counter: hits\n  failures: [{match: 'a=\"b\"', bad: {a: b, x-y: c}, good: {a: c}}]",
     "3:36: 'x-y' is no label's name that an exporter may show; use letters, digits and '_'"),
    ("latency: {histogram: h, unit: us, buckets: [1]}", "1:31: must be 's' or 'ms'"),
    ("latency: {histogram: h, unit: s, buckets: [1, 0.5]}", "1:43: buckets must rise from above 0, without +Inf"),
    ("latency: {histogram: h, unit: s}", "1:1: 'buckets' is missing; add it"),
    ("probe: {guage: probe_success}", "1:9: unknown key 'guage'; did you mean 'gauge'?"),
    ("probe: {gauge: up}\nselector: 'a=~\"b\"'",
     "2:11: a preset's selector has conditions with = only; write one such as reporter=\"destination\""),
    ("probe: {gauge: up}\nselector: 'a'", "2:11: expected = != =~ or !~ after 'a'"),
    (GOOD.replace("memory_utilization", "disk_utilization"), "6:3: 'disk_utilization' is nothing a threshold can be "
     "set on; known are cpu_utilization, memory_utilization"),
    (GOOD.replace("pool {pool}", "pool {pol}"), "3:10: 'pol' is no label of what is watched; known are pool; `labels` "
     "says others"),
    (GOOD.replace("used: 10}", "fixed: 10}"), "10:18: nothing in this case follows the utilization, so its test could "
     "not fail; give one series per_second, free, used_per_second or used"),
    (GOOD.replace("used: 10}", "used: 10, free: 3}"),
     "10:19: give one of per_second, free, used_per_second, used and fixed"),
    (GOOD.replace("window: 0s", "window: 5"), "9:13: 5 has no unit; write 5s or 5ms"),
    (GOOD + "about: again\n", "11:1: 'about' is given twice; the first stands in line 2; keep one"),
    ("requests: {\n", "2:1: while parsing"),
])
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    """Each with file, line and column, and what to do; the presets of alertd are read all the same."""
    assert any(found.startswith(f"rules/presets/own.yaml:{fault}") for found in faults(tmp_path, text))
    assert "own" not in preset_file.load(tmp_path)[0]
    assert "traefik" in preset_file.load(tmp_path)[0]


def test_the_preset_in_the_docs_is_accepted(tmp_path: Path) -> None:
    """What one copies works, and shows every key there is."""
    docs = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    text = re.search(r"```yaml\n(selector: .*?)```", docs, re.DOTALL)
    assert text
    assert faults(tmp_path, text[1]) == []
    keys = {key for model in (preset_file.PresetSection, preset_file._Requests, preset_file._Failure,
                              preset_file._Latency, preset_file._Probe, preset_file._Utilization, preset_file._Example)
            for key in model.model_fields} - {"about"}
    assert {key for key in keys if not re.search(rf"\b{key}\b", docs)} == set()


def test_one_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    """A broken preset is told once, and the others are read."""
    (tmp_path / "bad.yaml").write_bytes(b"x: \xff")
    (tmp_path / "own.yaml").write_text(GOOD)
    found, texts, findings = preset_file.load(tmp_path, "rules/presets")
    assert [str(finding) for finding in findings] == ["rules/presets/bad.yaml: is not UTF-8 text (byte 3)"]
    assert "own" in found
    assert set(texts) == {"own.yaml"}
