"""Text of strangers on every page: no element, attribute or link comes of it that was not ours."""

from __future__ import annotations

import html.parser
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, update

from alertd.store import schema
from alertd.web import pages
from tests.made import HOSTILE
from tests.web.filled import count, fill, summed_up, told

EVIL = [text for text in HOSTILE if text.strip() and len(text) < 10_000 and "\ud800" not in text] + [
    '" onmouseover="alert(1)', "' autofocus onfocus='alert(1)", "</title><script>alert(1)</script>",
    "</pre><img src=x onerror=alert(1)>", "javascript:alert(1)", "]]>--><svg onload=alert(1)>", "&quot; x=&quot;"]
PAGES = (
    "/", "/incidents", "/incidents?q={evil}&state={evil}&cursor={evil}", "/incidents/{id}", "/incidents/{id}/review",
    "/maintenance", "/maintenance/new?incident={id}", "/maintenance/new?match={evil}", "/rota", "/statistics",
    "/statistics?hours={evil}&timezone={evil}&weeks={evil}", "/slos", "/slos?q={evil}", "/slos/{slo}",
    "/notifications", "/notifications?receiver={evil}&channel={evil}", "/notifications/{note}", "/digests",
    "/digests/{digest}", "/digests/d0", "/audit", "/management", "/slos/{evil}", "/incidents/{evil}")
OUR_TAGS = """html head meta title link script body a header div nav ul li button main p footer span h1 h2 h3 section
    time table caption thead tr th tbody td small strong b br dl dt dd ol form label input select option textarea svg
    path circle line polyline rect details summary code pre datalist"""
OUR_ATTRIBUTES = """lang charset name content rel href type src defer class aria-label aria-current id hidden tabindex
    role datetime data-state hx-get hx-trigger hx-select hx-swap hx-morph-skip aria-labelledby scope data-row data-name
    viewbox aria-hidden d cx cy r form formaction data-acknowledge method action value for maxlength autocomplete
    required selected min max points x1 x2 y1 y2 width height rx preserveaspectratio download data-chart rows
    spellcheck list checked"""


class Seen(html.parser.HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and where one is led."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.leads: list[str] = []
        self.scripts = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src", "action", "formaction", "hx-get"):
                self.leads.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1] in ("script", "style"):
            self.scripts += data.strip()


def plainly(page: str, seen: Seen) -> None:
    """Everything in it is ours."""
    assert set(seen.elements) <= set(OUR_TAGS.split())
    assert seen.attributes <= set(OUR_ATTRIBUTES.split())
    assert seen.scripts == ""
    for place in seen.leads:
        assert re.match(r"[/?#](?!/)|https://(runbooks|grafana)\.example\.com/", place), place
    assert seen.elements.count("html") == seen.elements.count("main") == 1


@pytest.fixture
async def evil(site: Any) -> Any:
    """Everything that strangers write is hostile: labels, annotations, names of people and of objectives, reasons,
    answers of vendors."""
    await fill(site)
    count(site)
    for number, text in enumerate(EVIL):
        labels = {"team": text, "alertname": f"Evil{number}", "instance": text, "service": text, "x" * 60: text}
        annotations = {"summary": text, "description": text, "runbook_url": text, "dashboard_url": f"javascript:{text}"}
        severity = ("critical", "warning", "info")[number % 3]
        sent = told(f"Evil{number} {text}", severity, text, service=text, labels=labels, annotations=annotations)
        assert (await site.post(sent))[0] == 200
    items = (await site.json("/api/v1/incidents"))["items"]
    for item, text in zip(items, EVIL, strict=False):
        async with site.http.post(f"{site.url}/api/v1/incidents/{item['id']}/acknowledge", json={"by": text}
                                  ) as answer:
            assert answer.status == 200
    window = {"match": ['x=~"<b>.*"'], "for": "1h", "reason": "<img src=x onerror=alert(1)>", "by": "<script>x"}
    async with site.http.post(f"{site.url}/api/v1/maintenance", json=window) as answer:
        assert answer.status == 201
    engine, text = create_engine(f"sqlite:///{site.config.parent}/a.db"), "<script>alert(1)</script>\"'><img src=x>"
    with engine.begin() as connection:
        for column in (schema.digests.c.text, schema.digests.c.subject, schema.notifications.c.reason,
                       schema.notifications.c.target, schema.attempts.c.detail):
            connection.execute(update(column.table).values({column.name: text}))
        digests = schema.digests
        connection.execute(update(digests).where(digests.c.data != "").values(data=summed_up(text).json()))
        for column in (schema.slos.c.service, schema.slo_series.c.service):  # of each another: they are keys
            connection.execute(update(column.table).values({column.name: text + column}))
            # one is of the service of a hostile incident, whose page then says what it took
            connection.execute(update(column.table).where(column == f"{text}search").values({column.name: EVIL[0]}))
        connection.execute(update(schema.slos).values(split='["tenant"]', calendar=f"month {text}"))
        connection.execute(update(schema.slo_series).values(labels=json.dumps({"tenant": text})))
    engine.dispose()
    return site, items


async def test_no_page_holds_anything_of_theirs(evil: Any) -> None:
    """Elements and attributes are from our own list, links lead to our pages or to the allowed web."""
    site, items = evil
    notes = (await site.json("/api/v1/notifications"))["items"]
    slo = (await site.json("/api/v1/slos"))["items"][0]["id"]
    for number, path in enumerate(PAGES):
        for text in (EVIL if "{evil}" in path else [EVIL[number % len(EVIL)]])[:12]:
            values = {"id": items[number % len(items)]["id"], "note": notes[number]["id"], "digest": "d1",
                      "slo": slo, "evil": text}
            quoted = {name: urllib.parse.quote(value, safe="") for name, value in values.items()}
            status, page = await site.get(path.format(**quoted))
            assert status in ((200, 400, 404) if "{evil}" in path else (200,)), (path, status)
            if page != "404: Not Found":  # aiohttp's own, of a path that is none
                plainly(page, Seen(page))


async def test_every_incident_of_theirs_is_shown_plainly(evil: Any) -> None:
    """Its page, with what it took of a budget of theirs, and the draft of its review."""
    site, items = evil
    spent = [(await site.json(f"/api/v1/incidents/{item['id']}"))["budget_spent"] for item in items]
    assert any(spent)
    for item in items:
        for path in (f"/incidents/{item['id']}", f"/incidents/{item['id']}/review"):
            status, page = await site.get(path)
            assert status == 200
            plainly(page, Seen(page))


def test_templates_never_switch_escaping_off() -> None:
    """No `safe`, no `Markup`, no block without escaping."""
    for path in Path(pages.__file__).parent.rglob("*"):
        if path.suffix in (".html", ".py"):
            text = path.read_text()
            assert not re.search(r"\|\s*safe\b|Markup\(|autoescape false|<style|\sstyle=|\son\w+=\"", text), path
