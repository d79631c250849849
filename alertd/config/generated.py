"""The folder rules/generated/: all of it is written by alertd, as a set, and nothing else may stand in it."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from alertd.errors import BadInput, Finding
from alertd.rulegen import RUNBOOKS
from alertd.rulegen.emit import MARK

FOLDER = "generated"  # within rules/
FOLDERS = (RUNBOOKS,)  # within it


def read(folder: Path) -> dict[str, str]:
    """What stands there, by file name. Raises BadInput where a file is not one of ours: it would look as if it were
    kept current, and a build would not touch it."""
    if not folder.exists():
        return {}
    texts: dict[str, str] = {}
    findings = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in FOLDERS or any(part.startswith(".") for part in name.split("/")):
            continue
        text = _text(path)
        if text is None or MARK not in text.partition("\n")[0]:
            findings.append(Finding(str(path), 0, 0, "was not written by alertd",
                                    "move it elsewhere; this folder holds generated files only", "foreign"))
        else:
            texts[name] = text
    if findings:
        raise BadInput(findings)
    return texts


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8") if path.is_file() else None
    except UnicodeDecodeError:
        return None


def diff(have: Mapping[str, str], want: Mapping[str, str]) -> str:
    """What a build would change, as a unified diff; empty where everything is current."""
    lines: list[str] = []
    for name in sorted({*have, *want}):
        before, after = have.get(name), want.get(name)
        lines += difflib.unified_diff(
            (before or "").splitlines(keepends=True), (after or "").splitlines(keepends=True),
            "/dev/null" if before is None else f"a/{name}", "/dev/null" if after is None else f"b/{name}")
    return "".join(lines)


def write(folder: Path, want: Mapping[str, str]) -> None:
    """Make `folder` hold exactly `want`. Every file is complete on disk before the first one changes place, so that a
    full disk or a crash never leaves half a rule file to be loaded."""
    have = read(folder)
    for name in want:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{FOLDER}-", dir=folder.parent) as beside:
        for name, text in want.items():
            (Path(beside) / name).parent.mkdir(exist_ok=True)
            with (Path(beside) / name).open("wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        for name in want:
            os.replace(Path(beside) / name, folder / name)
    for name in have.keys() - want.keys():
        (folder / name).unlink()


def findings(rules: Path, want: Mapping[str, str]) -> list[Finding]:
    """One finding for each generated file that is not what a build would write."""
    folder = rules / FOLDER
    try:
        have = read(folder)
    except BadInput as error:
        return list(error.findings)
    return [Finding(str(folder / name), 0, 0, "is not current", "run `alertd rules build`", "stale")
            for name in sorted({*have, *want}) if have.get(name) != want.get(name)]
