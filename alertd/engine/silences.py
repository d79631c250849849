"""The silences of the Alertmanagers that are asked: a digest says which end soon, since what they keep quiet speaks
again."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterable
from typing import Any

import aiohttp
import msgspec

from alertd.alertmanager import silence_of
from alertd.digest import Ending
from alertd.engine.reconcile import shown
from alertd.model import DAY, Millis

TIMEOUT = 10.0  # seconds


class Silences:
    """`ending` asks all of them."""

    def __init__(self, addresses: Iterable[str], http: aiohttp.ClientSession) -> None:
        self._urls = {shown(address): address.rstrip("/") for address in addresses}
        self._http = http

    async def ending(self, now: Millis) -> tuple[list[Ending], list[str]]:
        """The silences that hold and end within a day, each once however many peers know it; and who did not say."""
        found: dict[str, Ending] = {}
        mute = []
        answers = await asyncio.gather(*map(self._listed, self._urls.values()))
        for address, silences in zip(self._urls, answers, strict=True):
            if silences is None:
                mute.append(address)
            found |= {id: one for id, one in (silences or {}).items() if now < one.ends_at <= now + DAY}
        return list(found.values()), mute

    async def _listed(self, url: str) -> dict[str, Ending] | None:
        """Those that hold, by their ids; None where it does not say."""
        try:
            async with asyncio.timeout(TIMEOUT), self._http.get(
                    f"{url}/api/v2/silences", raise_for_status=True, allow_redirects=False) as answer:
                listed = msgspec.json.decode(await answer.read(), type=list[dict[str, Any]])
            silences = [silence for one in listed if (silence := silence_of(one))["state"] == "active"]
            return {one["id"]: Ending(_name(one), _millis(one["to"]), one["by"]) for one in silences}
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError, ValueError, TypeError, AttributeError):
            return None  # none, or no Alertmanager's answer


def _name(silence: dict[str, Any]) -> str:
    return f"silence of {', '.join(silence['match'])}" + (f" ({silence['reason']})" if silence["reason"] else "")


def _millis(text: str) -> Millis:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)
