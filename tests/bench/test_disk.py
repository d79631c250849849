"""The watch beside what waits for the disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench import disk, processes


def test_it_says_how_long_a_page_took(tmp_path: Path) -> None:
    """At its end, of all that it wrote."""
    with processes.disk_watch(tmp_path) as watch:
        while (tmp_path / "watched").stat().st_size < 3 * disk.PAGE:
            time.sleep(disk.EVERY)
    assert watch.said[-1]["looks"] >= 3
    assert watch.said[-1]["longest"] > 0


def test_what_the_sync_takes_is_what_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is in memory long before it is on the disk."""
    monkeypatch.setattr(os, "fdatasync", lambda _file: time.sleep(0.05))
    with (tmp_path / "page").open("wb") as file:
        assert disk.look(file.fileno()) >= 0.05
