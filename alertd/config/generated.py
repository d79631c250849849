"""The folder rules/generated/: all of it is written by alertd, as a set, and nothing else may stand in it."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alertd.errors import BadInput, Finding
from alertd.rulegen import RUNBOOKS, emit, prometheusrule
from alertd.rulegen.emit import MARK
from alertd.rulegen.version import OLDEST, PrometheusVersion

FOLDER = "generated"  # within rules/
FOLDERS = (RUNBOOKS,)  # within it
_AT_ONCE = 16  # files that wait for the disk
_LINE = 4096  # bytes of a first line


def heads(folder: Path) -> dict[str, str]:
    """The first line of every file that stands there, by file name. Raises BadInput where a file is not one of ours: it
    would look as if it were kept current, and a build would not touch it."""
    if not folder.exists():
        return {}
    found: dict[str, str] = {}
    findings = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in FOLDERS or any(part.startswith(".") for part in name.split("/")):
            continue
        head = _head(path)
        if head is None or MARK not in head:
            findings.append(Finding(str(path), 0, 0, "was not written by alertd",
                                    "move it elsewhere; this folder holds generated files only", "foreign"))
        else:
            found[name] = head
    if findings:
        raise BadInput(findings)
    return found


def _head(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.readline(_LINE).decode("utf-8")
    except (UnicodeDecodeError, IsADirectoryError):
        return None


def _text(path: Path) -> str | None:
    """None where there is none."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def known(folder: Path) -> PrometheusVersion:
    """The Prometheus that the files in `folder` were made for, OLDEST where there are none or others' too."""
    try:
        return version_of(heads(folder))
    except BadInput:
        return OLDEST


def changes(folder: Path, want: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The lines of a unified diff of what a build would change, none where everything is current."""
    left = heads(folder)
    for name, after in want:
        before = _text(folder / name) if left.pop(name, None) is not None else None
        yield from _diff(name, before, after)
    for name in left:
        yield from _diff(name, _text(folder / name), None)


def _diff(name: str, before: str | None, after: str | None) -> Iterator[str]:
    if before != after:
        yield from difflib.unified_diff(
            (before or "").splitlines(keepends=True), (after or "").splitlines(keepends=True),
            "/dev/null" if before is None else f"a/{name}", "/dev/null" if after is None else f"b/{name}")


def format_of(have: Mapping[str, str]) -> str:
    """The format of the set that stands: "prometheusrule" where it holds objects, else "prometheus"."""
    return "prometheusrule" if any(name.endswith(prometheusrule.SUFFIX) for name in have) else "prometheus"


def version_of(have: Mapping[str, str]) -> PrometheusVersion:
    """The Prometheus that the set that stands was made for; of a set that is mixed, the oldest."""
    return min(map(emit.version_of, have.values()), default=OLDEST)


def in_format(files: Iterable[tuple[str, str]], form: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The set with the objects of the Prometheus operator, where they are wanted. The plain files are there too: the
    tests are theirs. Raises BadInput."""
    for name, text in files:
        yield name, text
        if form == "prometheusrule":
            try:
                yield from prometheusrule.objects({name: text}).items()
            except prometheusrule.TooLarge as error:
                raise BadInput([Finding(str(folder), 0, 0, str(error), "declare fewer SLOs in one service",
                                        "too-large")]) from error


def write(folder: Path, want: Iterable[tuple[str, str]]) -> tuple[int, int]:
    """Make `folder` hold exactly `want`, which is read one file at a time; how many files that are, and how many were
    not as they should be, those that are gone included. Every file is complete on disk before the first one
    changes place, so a full disk changes nothing, nor does an error of what makes `want`. A crash between the renames
    leaves whole files, some old and some new, each of which stands for itself; `findings` and `changes` see the mix,
    and the next write mends it. Two builds at once take turns."""
    with alone(folder.parent):
        gone = heads(folder)
        for left in folder.parent.glob(f".{FOLDER}-*"):  # by a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{FOLDER}-", dir=folder.parent) as beside:
            changed, count = [], 0
            for name, text in want:
                count += 1
                if gone.pop(name, None) is None or (folder / name).read_bytes() != text.encode():
                    changed.append(name)
                    (Path(beside) / name).parent.mkdir(exist_ok=True)
                    (Path(beside) / name).write_bytes(text.encode())
            with ThreadPoolExecutor(_AT_ONCE) as threads:  # a disk makes many lasting as quickly as one
                for _ in threads.map(sync, (Path(beside) / name for name in changed)):
                    pass  # but the error of one that could not be
            for name in changed:
                (folder / name).parent.mkdir(exist_ok=True, parents=True)
                os.replace(Path(beside) / name, folder / name)
        for name in gone:
            (folder / name).unlink()
        if changed or gone:
            for place in {folder, *((folder / name).parent for name in changed)}:
                sync(place)
    return count, len(changed) + len(gone)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The lock ends with the process that holds it, however that ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """A file, or a folder: renames are on disk only with the folder they happened in."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def findings(rules: Path, want: Iterable[tuple[str, str]]) -> list[Finding]:
    """One finding for each generated file that is not what a build would write."""
    folder = rules / FOLDER
    try:
        left = heads(folder)
        form, stale = format_of(left), []
        for name, text in in_format(want, form, folder):
            if left.pop(name, None) is None or _text(folder / name) != text:
                stale.append(name)
    except BadInput as error:
        return list(error.findings)
    return [Finding(str(folder / name), 0, 0, "is not current", "run `alertd rules build`", "stale")
            for name in sorted({*stale, *left})]
