"""`alertd incidents`: what is and was wrong, and who was told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from alertd.cli.acting import act, who
from alertd.cli.asking import from_daemon, from_store, output, table, where


@click.group("incidents")
def command() -> None:
    """Look at incidents, and take care of them."""


@command.command("list")
@where
@output
@click.option("--state", type=click.Choice(["open", "acknowledged", "resolved"]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_incidents(store: str, url: str | None, form: str, state: str | None, limit: int) -> None:
    """The newest incidents."""
    if url:
        items = from_daemon(url, "/api/v1/incidents", state=state, limit=str(limit))["items"]
    else:
        from alertd.store import reading

        items = from_store(store, reading.incidents, state, limit, None).items
    if form == "json":
        click.echo(json.dumps({"items": items}))
    elif not items:
        click.echo("no incidents", err=True)
    else:
        click.echo(table([["INCIDENT", "STATE", "SEVERITY", "FIRING", "SINCE", "WHAT"]] + [
            [row["id"], row["state"], row["severity"], f"{row['firing']}/{row['alert_count']}", row["opened_at"],
             " ".join(f"{key}={value}" for key, value in sorted(row["labels"].items()))] for row in items]))


@command.command("show")
@click.argument("id")
@where
@output
def show(id: str, store: str, url: str | None, form: str) -> None:
    """One incident: its alerts, who was told, every attempt, and why."""
    if url:
        found: Any = from_daemon(url, f"/api/v1/incidents/{id}")
    else:
        from alertd.store import reading

        found = from_store(store, reading.incident, id)
    if found is None:
        click.echo(f"no incident {id!r}; `alertd incidents list` names them", err=True)
        sys.exit(1)
    click.echo(json.dumps(found) if form == "json" else _story(found))


@command.command("ack")
@click.argument("id")
@where
@who
def acknowledge(id: str, store: str, url: str | None, config: Path, by: str | None) -> None:
    """Take care of an incident: pages that wait are stopped, and whoever was told of it hears who does."""
    outcome = act(store, url, config, by, f"/api/v1/incidents/{id}/acknowledge",
                  lambda acts, person: acts.acknowledge(id, person))
    click.echo("acknowledged" if outcome == "done" else "somebody was faster, or it is over: nothing changed", err=True)


def _story(found: dict[str, Any]) -> str:
    what = " ".join(f"{key}={value}" for key, value in sorted(found["labels"].items()))
    parts = [f"{found['severity']} incident {found['id']}, {found['state']}: {what}",
             f"opened {found['opened_at']}" + (f", resolved {found['resolved_at']}" if found["resolved_at"] else ""),
             "", "Alerts",
             table([[f"  {row['state']}", row["severity"], row["annotations"].get("summary", "")
                     or row["labels"].get("alertname", ""), row["starts_at"]] for row in found["alerts"]]),
             "", "Who was told",
             table([[f"  {row['receiver']}", row["channel"], row["target"], row["kind"], row["state"], row["reason"]]
                    for row in reversed(found["notifications"])]),
             "", "Why"]
    for decision in found["decisions"]:
        parts.append(f"  {decision['at']}  {decision['verdict']}")
        parts += [f"    {reason}" for reason in decision["why"]]
    return "\n".join(parts)
