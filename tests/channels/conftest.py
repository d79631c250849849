from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from alertd import channels
from alertd.channels import Net


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    async with aiohttp.ClientSession() as session:
        yield Net(session)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts give up after a fifth of a second, so that a test of hanging takes no longer."""
    for name in ("pagerduty", "slack", "email", "webhook"):
        monkeypatch.setattr(channels.load(name), "TIMEOUT", 0.2)
