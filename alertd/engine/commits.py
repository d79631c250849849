"""What was committed to rules and routes, where they lie in a git repository."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from alertd.digest import Change
from alertd.model import Millis

PATIENCE = 10.0  # seconds for git
MOST = 50


async def since(paths: list[Path], begin: Millis, end: Millis) -> list[Change] | None:
    """The commits of that time that changed one of the paths, newest first; None where there is no repository."""
    folder = paths[0].resolve().parent
    words = ["git", "-C", str(folder), "log", f"--since=@{begin // 1000}", f"--until=@{end // 1000}",
             f"--max-count={MOST}", "--format=%x01%H%x00%an%x00%s", "--name-only", "--",
             *(str(path.resolve()) for path in paths)]
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL)
    except OSError:
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return None
    return None if process.returncode else _changes(said.decode(errors="replace"))


def _changes(text: str) -> list[Change]:
    found = []
    for part in text.split("\x01")[1:]:
        head, *names = part.splitlines()
        commit, author, subject = [*head.split("\0"), "", ""][:3]
        found.append(Change(commit, author, subject, tuple(name for name in names if name)))
    return found
