"""What `alertd init` wants to know: the options' readers, and the same as questions to whoever sits at a terminal."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click


def zone(_: click.Context | None, __: click.Parameter | None, text: str) -> str:
    try:
        return ZoneInfo(text.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{text!r} is no time zone; write one such as Europe/Berlin") from error


def address(_: click.Context | None, __: click.Parameter | None, text: str | None) -> str | None:
    if text and not re.fullmatch(r"https?://[^\s\"'#]+", text):
        raise click.BadParameter(f"{text!r} is no address; it begins with http:// or https://")
    return text.rstrip("/") if text else text


def document(_: click.Context | None, __: click.Parameter | None, text: str) -> Path | None:
    if text.strip() and not Path(text.strip()).is_file():
        raise click.BadParameter(f"{text.strip()!r} is no file")
    return Path(text.strip()) if text.strip() else None


def domain(_: click.Context | None, __: click.Parameter | None, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text.strip()):
        raise click.BadParameter(f"{text!r} is no domain; write one such as example.com")
    return text.strip()


def services(_: click.Context, __: click.Parameter, given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Services as NAME=PRESET."""
    for text in given:
        if not all(text.partition("=")):
            raise click.BadParameter(f"{text!r} is no service; write NAME=PRESET, such as checkout=prometheus-http")
    return tuple((name, preset) for name, _, preset in (text.partition("=") for text in given))


_QUESTIONS = {
    "document": ("A policy document to read (Enter: none)", document),
    "prometheus": ("A Prometheus to look for services at (Enter: none)", address),
    "domain": ("Your mail domain", domain),
    "timezone": ("Time zone of the daily summary", zone),
    "url": ("alertd's address, as Alertmanager reaches it", address),
}


def asked(ctx: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """What the options say, and what a person answers to the rest of the questions, on a terminal."""
    left = [name for name in _QUESTIONS if ctx.get_parameter_source(name) is click.core.ParameterSource.DEFAULT]
    if not (left and sys.stdin.isatty() and sys.stderr.isatty()):
        return given
    click.echo("Enter takes what stands in brackets; Ctrl-C leaves, and nothing is written.", err=True)
    for name in left:
        question, reader = _QUESTIONS[name]
        given[name] = click.prompt(question, default=given[name] or "", show_default=bool(given[name]), err=True,
                                   value_proc=functools.partial(reader, None, None))
    return given
