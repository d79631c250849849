"""`alertd slo`: how error budgets stand."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from alertd.cli import slo_excluding
from alertd.cli._saying import here
from alertd.cli.asking import from_daemon, from_store, output, table, where


@click.group("slo")
def command() -> None:
    """Error budgets: how they stand, and what they leave out."""


for _other in (slo_excluding.exclude, slo_excluding.exclusions, slo_excluding.undo):
    command.add_command(_other)


@command.command("status")
@click.option("--window", "over", metavar="WINDOW", help="Another window than each objective's own: 7d, 36h, week, "
              "month, quarter.")
@click.option("--timezone", default="UTC", show_default=True, help="Of the calendar.")
@click.option("--service", metavar="NAME", help="Of this service alone.")
@where
@output
def status(over: str | None, timezone: str, service: str | None, store: str, url: str | None, form: str) -> None:
    """How much of each budget is left, how fast it goes, and when it will be gone; the worst first.

    Exit codes: 0 shown, whatever it shows, 2 usage, 3 there is no such store or daemon.
    """
    items = _asked(url, over, timezone, service) if url else _read(store, over, timezone, service)
    if form == "json":
        click.echo(json.dumps({"items": items, "next": None}, indent=2, ensure_ascii=False))
        return
    if not items:
        click.echo("no objective is known; `serve --rules rules/ --prometheus URL` reads and counts them", err=True)
        return
    items.sort(key=lambda item: (_ORDER.index(item["state"]), item["budget_remaining"] or 0))
    click.echo(table([["OBJECTIVE", "STATE", "ASKED", "LEFT", "BURN", "KNOWN", "FORECAST"], *map(_line, items)]))
    for item in items:
        for text in filter(None, (item["reason"], *item["incomplete"])):
            click.echo(f"{item['id']}: {text}", err=True)


_ORDER = ["exhausted", "at_risk", "unknown", "ok"]


def _line(item: dict[str, Any]) -> list[str]:
    asked = f"{item['objective'] * 100:.6g}% of {item['window']}{_zone(item)}"
    return [item["id"], item["state"].replace("_", " "), asked,
            _percent(item["budget_remaining"]), "?" if item["burn_rate"] is None else f"{item['burn_rate']:.3g}x",
            _percent(item["coverage"]), _foretold(item["forecast"])]


def _zone(item: dict[str, Any]) -> str:
    """Of a window of the calendar; a daemon of before says nothing of it."""
    return f" ({item['timezone']})" if item.get("timezone") else ""


def _percent(ratio: float | None) -> str:
    return "?" if ratio is None else f"{ratio * 100:.1f}%"


def _foretold(forecast: dict[str, Any]) -> str:
    if forecast["unknown"]:
        return "?"
    if forecast["exhausted_at"]:
        return f"gone by {here(forecast['exhausted_at'])}"
    return f"back by {here(forecast['back_at'])}" if forecast["back_at"] else "lasts"



def _asked(url: str, over: str | None, timezone: str, service: str | None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = from_daemon(url, "/api/v1/slos", window=over, timezone=timezone if over else None, service=service,
                           limit="1000", cursor=cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def _read(store: str, over: str | None, timezone: str, service: str | None) -> list[dict[str, Any]]:
    from alertd.slo import window
    from alertd.store import ledger

    try:
        wanted = window.parse(over, timezone) if over else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    found = from_store(store, ledger.statuses, time.time_ns() // 1_000_000, wanted)
    return [ledger.view(one) for one in found if service in (None, one.slo.service)]
