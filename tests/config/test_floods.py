"""The sections of routing.yaml that say how much is too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd import channels
from alertd.config import routing_file
from alertd.flapping import Limits
from alertd.model import HOUR, MINUTE
from tests.config.test_routing_file import GOOD


def read(folder: Path, text: str) -> tuple[routing_file.RoutingFile | None, list[str]]:
    (folder / "routing.yaml").write_text(GOOD + text)
    file, findings = routing_file.examine(folder / "routing.yaml", channels.settings_types(), read_secrets=False)
    return file, [str(finding) for finding in findings if finding.level == "error"]


@pytest.mark.parametrize(("text", "expected"), [
    ("", Limits()), ("flapping: {changes: 4, within: 1h}", Limits(4, HOUR)), ("flapping: off", None),
    ("flapping: {quiet: 5m}", Limits(quiet=5 * MINUTE)), ("flapping: 'off'", None),
])
def test_flapping_is_on_with_the_usual_figures(tmp_path: Path, text: str, expected: Limits | None) -> None:
    """Until the file says others, or off."""
    file, _ = read(tmp_path, text)
    assert file is not None
    assert file.routing.flapping == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("flapping: {changes: 2}", "greater than or equal to 3"), ("flapping: {within: 2d}", "at most a day"),
    ("flapping: {quiet: 0}", "longer than nothing"), ("flapping: {withn: 1h}", "did you mean 'within'?"),
    ("flapping: often", "write {changes: 6, within: 30m, quiet: 15m} or off"),
])
def test_faults_are_told_where_they_are(tmp_path: Path, text: str, expected: str) -> None:
    """In the words of the section."""
    file, errors = read(tmp_path, text)
    assert file is None
    assert expected in errors[0]
    assert "routing.yaml:" in errors[0]
