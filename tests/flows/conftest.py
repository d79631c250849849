from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.processes import House

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: what it starts would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        yield house
