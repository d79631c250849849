"""What stands in a store, or with a daemon, that changes who is told: windows that people made, acknowledgements, and
alerts that keep others quiet."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from alertd.cli.asking import from_daemon, from_store

if TYPE_CHECKING:
    from alertd.routing import Choice, Routing
    from alertd.schedule import Window

DEFAULT = "sqlite:///alertd.db"
MOST = 1000  # items to a page of a daemon's answer


def where(function: Any) -> Any:
    """The options that say which alertd is asked, for a command that needs none."""
    function = click.option("--url", envvar="ALERTD_URL", help="A daemon's address, instead of a store.")(function)
    return click.option("--store", help="A store whose maintenance, acknowledgements and firing alerts count too. "
                        f"Default: {DEFAULT}, where there is one.")(function)


class Standing:
    """Nothing, where neither a store nor a daemon is asked."""

    def __init__(self, store: str | None, url: str | None) -> None:
        self._url = url
        self._store = store or (DEFAULT if url is None and _there(DEFAULT) else None)

    def windows(self, now: int) -> list[Window]:
        """Those that people made."""
        from alertd.store import maintenance

        if self._url:
            items = from_daemon(self._url, "/api/v1/maintenance", next="1")["items"]
            return [_window(item) for item in items if item["by"] and item["next"]]
        return from_store(self._store, maintenance.planned, now) if self._store else []

    def acknowledged(self, labels: Mapping[str, str], choice: Choice, now: int) -> Iterator[str]:
        """Whoever takes care at that time of the incident that an alert with these labels would join, in words."""
        for one in self._every("incidents", "acknowledged"):
            since, until = _millis(one["acknowledged_at"]), _millis(one["acknowledged_until"])
            joins = one["labels"] and all(labels.get(name) == value for name, value in one["labels"].items())
            if joins and since <= now and (not until or now < until):
                rises = choice.severity.rank > _rank(one["severity"])
                yield (f"incident {one['id']} is acknowledged by {one['acknowledged_by']}"
                       + (f" until {one['acknowledged_until']}" if until else " to its end")
                       + (f": a rise from {one['severity']} calls people again" if rises else
                          ": one more alert of it is an update and calls nobody"))

    def inhibited(self, labels: Mapping[str, str], routing: Routing) -> str | None:
        """What fires now and keeps an alert with these labels quiet, in words."""
        from alertd.inhibiting import possible, reason, sources

        if not possible(labels, routing):
            return None
        inhibitors: dict[str, list[Any]] = {}
        for one in sources([_alert(item) for item in self._every("alerts", "firing")], routing):
            inhibitors.setdefault(one.key, []).append(one)
        return reason(_alert({"id": "", "labels": labels}), inhibitors, routing)

    def _every(self, of: str, state: str) -> Iterator[dict[str, Any]]:
        from alertd.store import reading

        if not self._url:
            question = {"incidents": reading.incidents, "alerts": reading.alerts}[of]
            yield from from_store(self._store, question, state, reading.ALL - 1, None).items if self._store else ()
            return
        cursor: str | None = ""
        while cursor is not None:
            page = from_daemon(self._url, f"/api/v1/{of}", state=state, limit=str(MOST), cursor=cursor)
            yield from page["items"]
            cursor = page["next"]


def _there(store: str) -> bool:
    from alertd.store import database

    return database.exists(store)


def _window(item: Mapping[str, Any]) -> Window:
    from alertd.matchers import parse_all
    from alertd.schedule import Mode, Once, Window

    stretch = item["next"][0]
    matchers = tuple(matcher for text in item["match"] for matcher in parse_all(text))
    return Window(item["name"], matchers, Once(_millis(stretch["from"]), _millis(stretch["to"])), Mode(item["mode"]),
                  item["reason"], id=item["id"], creator=item["by"])


def _alert(item: Mapping[str, Any]) -> Any:
    from alertd.model import Alert, AlertId, Severity

    return Alert(AlertId(item["id"]), "", "", item.get("incident"), Severity.WARNING, item["labels"], {}, 0, 0, None,
                 None)


def _rank(word: str) -> int:
    from alertd.model import Severity

    return Severity(word).rank


def _millis(text: str | None) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000) if text else 0
