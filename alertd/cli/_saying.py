"""How commands read and write times, and leave with a message."""

from __future__ import annotations

import datetime
import sys
from typing import NoReturn

import click


def aware(option: str, text: str) -> str:
    """The time a person typed, by this machine's clocks unless it names a zone."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} takes a time such as 2026-12-01T20:00, not {text!r}") from None
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


def here(text: str) -> str:
    """A moment by this machine's clocks."""
    return f"{datetime.datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M %Z}"


def refuse(text: str, code: int) -> NoReturn:
    """Leave with this message and status."""
    click.echo(text, err=True)
    sys.exit(code)
