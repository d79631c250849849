"""The commands that docs/running.md shows for PostgreSQL, run as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.postgres import BINARIES, as_nobody_special

PAGE = Path(__file__).parents[2] / "docs/running.md"


async def follow(program: str, folder: Path, **variables: str | Path) -> None:
    """Run the line that begins so, in the folder, with these variables of the shell."""
    line, = re.findall(rf"^\$ ({program} .*)$", PAGE.read_text(), re.MULTILINE)
    path = os.pathsep.join([str(BINARIES[-1]), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, **{name: str(value) for name, value in variables.items()}}
    as_whom = as_nobody_special() if "$DATA" in line else []  # what has to do with a server's own files
    with (folder / "said").open("w+") as said:  # a server that stays would hold a pipe open
        words = [*as_whom, "bash", "-c", line]
        done = await asyncio.to_thread(subprocess.run, words, cwd=folder, env=env, check=False,
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        said.seek(0)
        assert done.returncode == 0, f"{line}: {said.read()}"
