"""What alertd asks of its own process."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = """
import resource
from alertd.engine.process import expect_files
{before}
expect_files()
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("FDSize:")][0])
"""


def _table(before: str = "") -> int:
    """How many open files the kernel's table of a new process has room for after it."""
    return int(subprocess.run([sys.executable, "-c", LOOK.format(before=before)], stdout=subprocess.PIPE, check=True
                              ).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' /proc")
def test_there_is_room_for_a_thousand_files() -> None:
    """So that no connection up to there waits for the table to grow."""
    assert _table() >= 1024


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' /proc")
def test_a_process_that_may_open_few_files_starts_all_the_same() -> None:
    """A limit below that is kept to."""
    assert 64 <= _table("resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))") <= 256
