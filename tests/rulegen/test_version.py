from pathlib import Path

import pytest
import yaml

from alertd.config import rule_files
from alertd.rulegen import version
from tests.rulegen.rules_made import generated


@pytest.mark.parametrize(("text", "offset", "labels", "native"), [
    ("2.42", False, False, False), ("2.52.1", False, False, False), ("v2.53.0", True, False, False),
    ("2.100", True, False, False), ("3.0", True, True, True), ("3.5.0-rc.1", True, True, True)])
def test_what_each_version_knows(text: str, offset: bool, labels: bool, native: bool) -> None:
    """Each ability begins with the release that brought it; versions compare as numbers."""
    found = version.parse(text)
    assert (found.has_query_offset, found.has_group_labels, found.has_native_histograms) == (offset, labels, native)


@pytest.mark.parametrize(("text", "fault"), [
    ("latest", "'latest' is no version of Prometheus; write one such as 2.42 or 3.0"),
    ("3", "'3' is no version"), ("3.x", "'3.x' is no version"), ("", "'' is no version"),
    ("2.41", "Prometheus 2.41 is too old; the rules need 2.42 or later"), ("1.8.2", "too old")])
def test_what_is_no_version_we_write_for(text: str, fault: str) -> None:
    """What cannot be read, and what would refuse every rule."""
    with pytest.raises(ValueError, match=fault):
        version.parse(text)


def test_a_version_is_shown_as_it_is_written() -> None:
    """And the oldest is the default's name in messages."""
    assert str(version.parse(" v3.5.0 ")) == "3.5"
    assert str(version.OLDEST) == "2.42"


SLO = """
query_offset: 1m
services: {shop: {metrics: prometheus-http, selector: 'job="shop"', slos: {up: {objective: 99.9%}}}}
"""


def groups(folder: Path, text: str, made_for: str) -> list[dict]:
    return yaml.safe_load(generated(folder, text, version.parse(made_for))["shop.rules.yaml"])["groups"]


def test_labels_of_a_group_are_said_once_where_they_can_be(tmp_path: Path) -> None:
    """From 3.0 on; put back into each rule they are the labels that older servers are given."""
    for group in (newer := groups(tmp_path, SLO, "3.0")):
        assert group["labels"] == {"service": "shop", "slo": "up"}
        for rule in group["rules"]:
            assert not {"service", "slo"} & set(rule.get("labels", {}))
    older = groups(tmp_path, SLO, "2.53")
    assert not any("labels" in group for group in older)
    assert ([[{**group["labels"], **rule.get("labels", {})} for rule in group["rules"]] for group in newer]
            == [[rule["labels"] for rule in group["rules"]] for group in older])


def test_an_offset_is_left_out_where_it_is_not_known(tmp_path: Path) -> None:
    """From 2.53 on each group has it, and the tests are of the rules without it, whose rules are the same."""
    assert [group.get("query_offset") for group in groups(tmp_path, SLO, "2.53")] == ["1m"] * 4
    files = generated(tmp_path, SLO, version.parse("2.53"))
    at_once = files["shop.at-once.yaml"]
    assert files["shop.rules.yaml"].replace("  query_offset: 1m\n", "") == at_once
    assert "rule_files:\n- shop.at-once.yaml\n" in files["shop.slo.test.yaml"]
    plain = generated(tmp_path, SLO, version.parse("2.42"))
    assert not any("query_offset" in text for name, text in plain.items() if name != "made.yaml")
    assert not any("at-once" in name for name in plain)


def test_the_linter_sees_the_labels_of_groups(tmp_path: Path) -> None:
    """A rule has those of its group, and its own before them; each rule is there once."""
    rules = rule_files.generated(generated(tmp_path, SLO, version.parse("3.0")))
    assert all(rule.labels["slo"] == "up" for rule in rules if rule.kind == "record")
    assert len(rules) == len({(rule.name, tuple(sorted(rule.labels.items()))) for rule in rules})
