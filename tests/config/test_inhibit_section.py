"""`inhibit:` of routing.yaml."""

from pathlib import Path

import pytest

from alertd.matchers import Matcher
from alertd.routing import Inhibition
from tests.config.test_routing_file import GOOD, findings, loaded

PAIR = "- {source: ['alertname=\"NodeDown\"'], target: ['severity=\"warning\"'], equal: [instance]}"


def test_a_pair_is_read_with_its_line(tmp_path: Path) -> None:
    """Source, target, and what must agree."""
    assert loaded(tmp_path, f"{GOOD}inhibit:\n{PAIR}\n").routing.inhibitions == (Inhibition(
        (Matcher("alertname", "=", "NodeDown"),), (Matcher("severity", "=", "warning"),), ("instance",), 23),)


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("equal: [instance]", "equal: instance", "error routing.yaml:23:77: must be a list of labels; write [instance]"),
    ("equal", "eqal", "error routing.yaml:23:70: unknown key 'eqal'; did you mean 'equal'?"),
    ("source: ['alertname=\"NodeDown\"'], ", "", "error routing.yaml:23:3: 'source' is missing; write {source: "
     "['alertname=\"NodeDown\"'], target: ['severity=\"warning\"'], equal: [instance]}"),
    (", equal: [instance]", "", "remark routing.yaml:23:3: one source keeps every such target quiet, wherever it is; "
     "name the labels that must agree, as in equal: [instance]"),
    ("'alertname=\"NodeDown\"'", "NodeDown", "error routing.yaml:23:13: "),
])
def test_faults_are_told_where_they_are(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """Each with its place and what to do."""
    assert old in PAIR
    said = findings(tmp_path, f"{GOOD}inhibit:\n{PAIR.replace(old, new)}\n")
    assert any(line.startswith(expected) for line in said), said
