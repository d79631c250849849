"""The table of `alertd routes test`: its faults, and its mismatches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from alertd.config.routing_cases import mismatches, read
from alertd.errors import BadInput
from alertd.model import Severity
from alertd.routing import Receiver, Route, Routing
from alertd.schedule import Once, Window, Windows

RECEIVERS = {name: Receiver(name, ()) for name in ("on-call", "team")}
ROUTING = Routing(RECEIVERS, {Severity.CRITICAL: Route(("on-call", "team"), 3), Severity.INFO: Route(("team",), 4)})


def written(folder: Path, text: str) -> Path:
    (folder / "cases.yaml").write_text(text)
    return folder / "cases.yaml"


def test_matching_cases_say_nothing(tmp_path: Path) -> None:
    """The order of receivers does not matter, and nobody is written []."""
    cases = read(written(tmp_path, "- {labels: {severity: critical}, receivers: [team, on-call]}\n"
                                   "- {labels: {severity: none}, receivers: []}\n"), RECEIVERS)
    assert mismatches(cases, ROUTING, 0) == []


def test_each_mismatch_is_named(tmp_path: Path) -> None:
    """The line of the case, the labels, who was expected, who is told, and the line that says so."""
    path = written(tmp_path, "- {labels: {severity: info, x: y}, receivers: on-call + team}\n\n"
                             "- {labels: {severity: none}, receivers: [team]}\n")
    assert mismatches(read(path, RECEIVERS), ROUTING, 0) == [
        f"{path}:1: {{severity=info, x=y}}: expected on-call + team, but told is team (routing.yaml:4 info → team)",
        f"{path}:3: {{severity=none}}: expected team, but told is nobody "
        "(severity none is kept and shown, told to nobody)"]


def test_every_fault_of_the_table(tmp_path: Path) -> None:
    """Cases of another shape, values that are no text, and receivers nobody knows, all in one run."""
    path = written(tmp_path, "- {labels: {a: 5}, receivers: [on-cal]}\n- {label: {}, receivers: []}\n- x\n"
                             "- {labels: {}, receivers: 7}\n")
    with pytest.raises(BadInput) as caught:
        read(path, RECEIVERS)
    assert str(caught.value).replace(f"{path}:", "").splitlines() == [
        "1:16: must be text; put it in quotes",
        "1:31: unknown receiver 'on-cal'; did you mean 'on-call'?",
        "2:3: must be a case; write {labels: {…}, receivers: […]}",
        "3:3: must be a case; write {labels: {…}, receivers: […]}",
        "4:27: must name receivers; write \"a + b\" or [a, b]"]


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    """A table without cases would prove nothing."""
    with pytest.raises(BadInput, match="must be a list of cases"):
        read(written(tmp_path, "[]"), RECEIVERS)


def test_a_case_may_name_the_window_that_holds_it(tmp_path: Path) -> None:
    """Or say that none does; without a word it does not matter."""
    routing = dataclasses.replace(ROUTING, windows=Windows([Window("upgrade", (), Once(1000, 2000), line=9)]))
    line = "- {labels: {severity: info}, receivers: [team], held: %s}\n"
    path = written(tmp_path, line % "upgrade" + line % '""' + line.replace(", held: %s", ""))
    cases = read(path, RECEIVERS)
    [within] = mismatches(cases, routing, 1500)
    assert "cases.yaml:2: {severity=info}: expected to be held by no window, but upgrade holds it" in within
    assert "routing.yaml:9" in within
    [after] = mismatches(cases, routing, 2000)
    assert "cases.yaml:1: {severity=info}: expected to be held by upgrade, but no window holds it" in after
    with pytest.raises(BadInput, match="name of a window"):
        read(written(tmp_path, line % "7"), RECEIVERS)
