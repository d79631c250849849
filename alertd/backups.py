"""Backups in a folder: what one is called, when the next is due, and which are kept. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

from alertd.model import DAY, HOUR, Millis

NEWEST = 12  # an hour of them at one every five minutes
HOURLY = 24  # then one an hour, of a day
DAILY = 30  # then one a day, of a month

_NAME = re.compile(r"alertd-(\d{8}T\d{6})Z\.db(\.age)?")
_FORM = "%Y%m%dT%H%M%S"


def name(at: Millis, *, encrypted: bool) -> str:
    """Such as alertd-20261126T051500Z.db; in the order of their names they are in the order of their times."""
    moment = datetime.datetime.fromtimestamp(at / 1000, datetime.UTC)
    return f"alertd-{moment.strftime(_FORM)}Z.db" + (".age" if encrypted else "")


def made_at(name: str) -> Millis | None:
    """When the backup of this name was made; None for any other file."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    moment = datetime.datetime.strptime(match[1], _FORM).replace(tzinfo=datetime.UTC)
    return int(moment.timestamp() * 1000)


def superfluous(names: Iterable[str]) -> list[str]:
    """Those that may go, given all of a folder: the newest stay, and the newest of each of the last hours and days
    that have one. What is no backup is not named."""
    found = sorted(((at, one) for one in names if (at := made_at(one)) is not None), reverse=True)
    kept = {one for _, one in found[:NEWEST]}
    for length, most in ((HOUR, HOURLY), (DAY, DAILY)):
        newest: dict[int, str] = {}
        for at, one in found:
            newest.setdefault(at // length, one)
        kept |= set(list(newest.values())[:most])
    return [one for _, one in found if one not in kept]
