"""Files as a git revision has them, in a folder of their own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click


@contextlib.contextmanager
def files(revision: str, paths: Sequence[Path]) -> Iterator[list[Path]]:
    """`paths` as they were at `revision`; one that was not there then does not exist. They are gone afterwards."""
    top = Path(_git(Path(), "rev-parse", "--show-toplevel").decode().strip())
    verify = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    commit = _git(top, *verify, f"{revision}^{{commit}}").decode().strip()
    inside = [os.path.relpath(path.resolve(), top.resolve()) for path in paths]
    if any(name.startswith("..") for name in inside):
        raise click.UsageError(f"a file lies outside the repository {top}")
    with tempfile.TemporaryDirectory(prefix="alertd-") as folder:
        for name in inside:
            if _git(top, "ls-tree", commit, "--", name):
                packed = _git(top, "archive", "--format=tar", commit, "--", name)
                with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                    archive.extractall(folder, filter="data")
        yield [Path(folder) / name for name in inside]


def _git(folder: Path, *words: str) -> bytes:
    try:
        run = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)  # noqa: S603, S607  a fixed command; git is wherever its user has it
    except FileNotFoundError:
        raise click.UsageError("git is not on PATH; --against needs it") from None
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip() or f"git knows no {words[-1].removesuffix('^{commit}')!r}"
        raise click.UsageError(said)
    return run.stdout
