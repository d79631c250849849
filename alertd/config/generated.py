"""The folder rules/generated/: all of it is written by alertd, as a set, and nothing else may stand in it."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from alertd.errors import BadInput, Finding
from alertd.rulegen import RUNBOOKS, emit, prometheusrule
from alertd.rulegen.emit import MARK
from alertd.rulegen.version import OLDEST, PrometheusVersion

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


def known(folder: Path) -> PrometheusVersion:
    """The Prometheus that the files in `folder` were made for, OLDEST where there are none or others' too."""
    try:
        return version_of(read(folder))
    except BadInput:
        return OLDEST


def diff(have: Mapping[str, str], want: Mapping[str, str]) -> str:
    """What a build would change, as a unified diff; empty where everything is current."""
    lines: list[str] = []
    for name in sorted({*have, *want}):
        before, after = have.get(name), want.get(name)
        lines += difflib.unified_diff(
            (before or "").splitlines(keepends=True), (after or "").splitlines(keepends=True),
            "/dev/null" if before is None else f"a/{name}", "/dev/null" if after is None else f"b/{name}")
    return "".join(lines)


def format_of(have: Mapping[str, str]) -> str:
    """The format of the set that stands: "prometheusrule" where it holds objects, else "prometheus"."""
    return "prometheusrule" if any(name.endswith(prometheusrule.SUFFIX) for name in have) else "prometheus"


def version_of(have: Mapping[str, str]) -> PrometheusVersion:
    """The Prometheus that the set that stands was made for; of a set that is mixed, the oldest."""
    return min(map(emit.version_of, have.values()), default=OLDEST)


def in_format(files: Mapping[str, str], form: str, folder: Path) -> dict[str, str]:
    """The set with the objects of the Prometheus operator, where they are wanted. The plain files are there too: the
    tests are theirs. Raises BadInput."""
    if form == "prometheus":
        return dict(files)
    try:
        return {**files, **prometheusrule.objects(files)}
    except prometheusrule.TooLarge as error:
        raise BadInput([Finding(str(folder), 0, 0, str(error), "declare fewer SLOs in one service", "too-large")]
                       ) from error


def write(folder: Path, want: Mapping[str, str]) -> None:
    """Make `folder` hold exactly `want`. Every file is complete on disk before the first one changes place, so a full
    disk changes nothing. A crash between the renames leaves whole files, some old and some new, each of which stands
    for itself; `findings` and `diff` see the mix, and the next write mends it. Two builds at once take turns."""
    folder.mkdir(exist_ok=True)
    with _alone(folder.parent):
        have = read(folder)
        changed = [name for name, text in want.items() if have.get(name) != text]
        for left in folder.parent.glob(f".{FOLDER}-*"):  # by a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{FOLDER}-", dir=folder.parent) as beside:
            for name in changed:
                (Path(beside) / name).parent.mkdir(exist_ok=True)
                with (Path(beside) / name).open("wb") as file:
                    file.write(want[name].encode("utf-8"))
                    file.flush()
                    os.fsync(file.fileno())
            for name in changed:
                (folder / name).parent.mkdir(exist_ok=True)
                os.replace(Path(beside) / name, folder / name)
        for name in have.keys() - want.keys():
            (folder / name).unlink()
        for place in {folder, *((folder / name).parent for name in want)}:
            _sync(place)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The lock ends with the process that holds it, however that ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    """Renames are on disk only with the folder they happened in."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def findings(rules: Path, want: Mapping[str, str]) -> list[Finding]:
    """One finding for each generated file that is not what a build would write."""
    folder = rules / FOLDER
    try:
        have = read(folder)
        want = in_format(want, format_of(have), folder)
    except BadInput as error:
        return list(error.findings)
    return [Finding(str(folder / name), 0, 0, "is not current", "run `alertd rules build`", "stale")
            for name in sorted({*have, *want}) if have.get(name) != want.get(name)]
