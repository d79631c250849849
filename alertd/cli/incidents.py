"""`alertd incidents`: what is and was wrong, and who was told."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alertd.cli.acting import act, who
from alertd.cli.asking import from_daemon, from_store, output, table, text_from_daemon, where

if TYPE_CHECKING:
    from alertd.config.routing_file import RoutingFile
    from alertd.schedule import Window
    from alertd.statistics import Statistics


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
        from alertd.store import spending

        found = from_store(store, spending.incident, id, time.time_ns() // 1_000_000)
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


@command.command("review")
@click.argument("id")
@where
@click.option("--config", default="routing.yaml", show_default=True, type=click.Path(path_type=Path),
              help="The routing file, for its maintenance, where no daemon is asked.")
def review(id: str, store: str, url: str | None, config: Path) -> None:
    """The draft of a post-incident review, in Markdown: all that a machine knows, and TODO where only people know."""
    if url:
        draft: str | None = text_from_daemon(url, f"/api/v1/incidents/{id}/review")
    else:
        from alertd.store import reviewing

        draft = from_store(store, reviewing.draft, id, _planned(config), time.time_ns() // 1_000_000)
    if draft is None:
        click.echo(f"no incident {id!r}; `alertd incidents list` names them", err=True)
        sys.exit(1)
    click.echo(draft, nl=False)


@command.command("stats")
@where
@click.option("--weeks", default="8", show_default=True, help="How many, the one under way among them.")
@click.option("--timezone", help="Whose clocks count; those of the first rota, else UTC.")
@click.option("--hours", default="MON-FRI 09:00-18:00", show_default=True, help="Working hours.")
@click.option("--config", default="routing.yaml", show_default=True, type=click.Path(path_type=Path),
              help="The routing file, for people and rotas, where no daemon is asked.")
@click.option("-o", "--output", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
def stats(store: str, url: str | None, weeks: str, timezone: str | None, hours: str, config: Path, form: str) -> None:
    """How the last weeks were: times to acknowledge and to resolve, calls, noise."""
    from alertd.statistics import forms

    if url:
        asked = {"weeks": weeks, "timezone": timezone, "hours": hours}
        if form == "csv":
            click.echo(text_from_daemon(url, "/api/v1/statistics", format="csv", **asked), nl=False)
            return
        view = from_daemon(url, "/api/v1/statistics", **asked)
    else:
        found = _measured(store, weeks, timezone, hours, config)
        if form == "csv":
            click.echo(forms.as_csv(found), nl=False)
            return
        view = forms.view(found)
    click.echo(json.dumps(view) if form == "json" else _weeks(view))


def _measured(store: str, weeks: str, timezone: str | None, hours: str, config: Path) -> Statistics:
    from alertd import channels, statistics
    from alertd.store import measuring

    file = _routing(config, "so calls to people's own addresses are not counted")
    people, pagers = (file.routing.personal, file.routing.pagers) if file else ({}, channels.paging())
    zone = timezone or (file.routing.office if file else "UTC")
    try:
        asked = statistics.ask(weeks, zone, hours, time.time_ns() // 1_000_000)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return from_store(store, measuring.measured, asked, pagers, people)


def _weeks(view: dict[str, Any]) -> str:
    from alertd.times import duration

    def number(value: int | None) -> str:
        return "unknown" if value is None else str(value)

    def length(value: int | None) -> str:
        return "unknown" if value is None else duration(value)

    parts = [table([["WEEK FROM", "INCIDENTS", "TO ACKNOWLEDGE", "TO RESOLVE", "CALLS", "OUT OF HOURS"]] + [
        [week["begins"], number(week["incidents"]), length(week["mtta"]), length(week["mttr"]), number(week["calls"]),
         number(week["calls_out_of_hours"])] for week in view["weeks"]])]
    if view["calls"]:
        parts += ["", table([["CALLED", "CALLS", "OUT OF HOURS"]] + [
            [load["id"], str(sum(calls or 0 for calls in load["calls"])), str(load["out_of_hours"])]
            for load in view["calls"]])]
    if view["noise"]:
        parts += ["", table([["ALERT", "FIRED", "NEVER ACKNOWLEDGED", "GONE IN 5 MIN", "DAYS IT FLAPPED"]] + [
            [noise["id"], str(noise["episodes"]), str(noise["never_acknowledged"]), str(noise["gone_soon"]),
             str(noise["flapping_days"])] for noise in view["noise"][:20]])]
    return "\n".join([*parts, *view["incomplete"]])


def _planned(config: Path) -> tuple[Window, ...] | None:
    """The windows of the routing file; None, and a remark, where it cannot be read."""
    file = _routing(config, "so what maintenance held is not in the draft")
    return file.routing.windows.every if file else None


def _routing(config: Path, without: str) -> RoutingFile | None:
    from alertd import channels
    from alertd.config import routing_file
    from alertd.errors import BadInput

    try:
        return routing_file.load(config, channels.settings_types(), read_secrets=False)
    except BadInput as error:
        click.echo(f"{error}\n{without}", err=True)
        return None


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
             "", "Error budget it took", *_took(found), "", "Why"]
    for decision in found["decisions"]:
        parts.append(f"  {decision['at']}  {decision['verdict']}")
        parts += [f"    {reason}" for reason in decision["why"]]
    return "\n".join(parts)


def _took(found: dict[str, Any]) -> list[str]:
    """What the incident took of each budget; a daemon of before says nothing of it."""
    lines = []
    for one in found.get("budget_spent") or ():
        bad = "unknown" if one["bad"] is None else f"{one['bad']:,.0f} bad events"
        share = "of the budget unknown" if one["share"] is None else f"{one['share']:.1%} of the budget"
        lines.append(f"  {one['id']}: {bad}, {share}" + (f" ({one['reason']})" if one["reason"] else ""))
    return lines or [f"  unknown: {found.get('budget_spent_unknown') or 'nothing is said of it'}"]
