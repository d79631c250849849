"""What alertd asks of its own process."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import resource
from alertd.engine.process import expect_files
{before}
expect_files()
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("FDSize:")][0])
"""
FEW = "resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))"


def _table(before: str = "") -> int:
    """How many open files the kernel's table of a new process has room for after it."""
    return int(subprocess.run([sys.executable, "-c", LOOK.format(before=before)], stdout=subprocess.PIPE, check=True
                              ).stdout)


def test_there_is_room_for_a_thousand_files() -> None:
    """So that no connection up to there waits for the table to grow."""
    assert _table() >= 1024


def test_a_process_that_may_open_few_files_has_room_for_those() -> None:
    """A limit below that is kept to."""
    assert _table(FEW) >= 600


def test_a_process_whose_last_place_is_taken_starts_all_the_same() -> None:
    """By a file that it was given, such as a socket."""
    assert _table(f"{FEW}; import os; os.dup2(0, 599)") >= 600
