"""Files and folders put where they belong: all of them or none, and nothing that stands there is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from alertd.config.generated import alone, sync

_PREFIX = ".alertd-init-"


def taken(path: Path) -> bool:
    """Whether something stands there that is to be kept; an empty folder is nothing."""
    if path.is_dir() and not path.is_symlink():
        return any(path.iterdir())
    return os.path.lexists(path)


@contextlib.contextmanager
def beside(paths: Sequence[Path]) -> Iterator[dict[Path, Path]]:
    """For each path a place on the same disk to make it at first; gone, with what was not put in place, afterwards.
    Two at once take turns. Raises OSError where a folder cannot be written to."""
    with contextlib.ExitStack() as stack:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        for parent in sorted({path.parent.resolve() for path in paths}):
            stack.enter_context(alone(parent))
            for left in parent.glob(f"{_PREFIX}*"):  # by one that was killed
                shutil.rmtree(left, ignore_errors=True)
        made = {}
        for path in paths:
            folder = tempfile.mkdtemp(prefix=_PREFIX, dir=path.parent)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            made[path] = Path(folder) / path.name
        yield made


def put(made: dict[Path, Path]) -> None:
    """Move what was made to its paths. Where one cannot be, or is taken since, the others are taken back, and OSError
    says which. A crash in between leaves whole files, which the next init keeps."""
    for place in made.values():
        for file in (place, *place.rglob("*")) if place.is_dir() else (place,):
            sync(file)
    done: list[tuple[Path, Path]] = []
    try:
        for path, place in made.items():
            if place.is_dir():
                os.rename(place, path)  # refuses a folder that holds something
            else:
                os.link(place, path)  # refuses whatever stands there, unlike a rename
            done.append((path, place))
    except BaseException:  # Ctrl-C too
        for path, place in done:
            if path.is_dir():
                os.rename(path, place)
            else:
                path.unlink()  # a rename onto the link's other name would do nothing
        raise
    for path in made:
        sync(path.parent)
