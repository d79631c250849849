"""The pages of incidents: what is so now, all of them, one of them."""

from __future__ import annotations

import statistics

from aiohttp import web

from alertd import story as stories
from alertd import verdict
from alertd.model import DAY, Millis
from alertd.store import reading, reviewing, showing, spending, storms
from alertd.store import stories as kept
from alertd.store.showing import Row, Wanted
from alertd.verdict import Facts
from alertd.web import budgets, frame, render
from alertd.web.api import active_windows
from alertd.web.inside import Inside

FIRST = 25  # rows of a list on the first page
BUDGETS = 10  # of them on the first page
LIST = 50  # rows of a list
SIMILAR: Millis = 30 * DAY
STATES = ("open", "acknowledged", "resolved")
SEVERITIES = ("critical", "warning", "info", "none")


class Pages:
    """Handlers of `/` and `/incidents…`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def front(self, request: web.Request) -> web.Response:
        """What is so now."""
        inside, now = self._inside, self._inside.clock.now()
        worst = await budgets.worst(inside, BUDGETS)
        async with inside.reader.connect() as connection:
            standing = await showing.standing(connection)
            raging = await storms.raging(connection)
            waiting = await showing.worst(connection, "open", FIRST)
            cared = await showing.worst(connection, "acknowledged", FIRST)
            reach = await showing.reach(connection, now - DAY)
            dead = (await reading.notifications(connection, "dead", FIRST, None)).items
            rejected = await reading.rejected(connection, 5)
            ended_count, ended = await showing.ended(connection, now - DAY, FIRST)
            facts = Facts(
                now, inside.started_at, _number(standing, "open"), _number(standing, "acknowledged"),
                sum(one.dead for one in reach),
                min((one.waiting_since for one in reach if one.waiting_since is not None), default=None),
                await showing.unreadable(connection, now - verdict.LATELY), inside.intake.draining,
                inside.writer.failing_since, inside.current.problem,
                inside.current.own_problem, await showing.heard(connection),
                verdict.beats_of(await showing.beats(connection), inside.current.file.routing, now), inside.answered(),
                worst.counts if worst else None)
        return await frame.show(
            request, inside, "front.html", verdict=verdict.judge(facts), unattended=facts.unattended, waiting=waiting,
            attended=facts.attended, cared=cared, reach=reach, dead=dead, rejected=rejected, ended_count=ended_count,
            ended=ended, windows=active_windows(inside), storms=raging, budgets=worst)

    async def incidents(self, request: web.Request) -> web.Response:
        """All incidents, the newest first; the query filters."""
        wanted = Wanted(_one_of(request, "state", STATES), _one_of(request, "severity", SEVERITIES),
                        request.query.get("q", "")[:200])
        async with self._inside.reader.connect() as connection:
            found = await showing.listed(connection, wanted, LIST, request.query.get("cursor", "")[:24] or None)
        return await frame.show(request, self._inside, "incidents.html", wanted=wanted, found=found)

    async def incident(self, request: web.Request) -> web.Response:
        """One incident from its start to its end."""
        id, now = request.match_info["id"], self._inside.clock.now()
        async with self._inside.reader.connect() as connection:
            story = await kept.tell(connection, id)
            similar = await kept.similar(connection, story.incident, now - SIMILAR, 20) if story else []
            lost = await spending.of(connection, story, now) if story else None
        if story is None:
            return await frame.lost(request, self._inside, "No such incident")
        lasted = [one.resolved_at - one.opened_at for one in similar if one.resolved_at is not None]
        return await frame.show(
            request, self._inside, "incident.html", story=story, timeline=stories.timeline(story),
            headline=render.headline(Row(story.incident, story.alerts)), figures=_figures(story), lost=lost,
            similar=similar, similar_lasted=round(statistics.median(lasted)) if lasted else None)

    async def review(self, request: web.Request) -> web.Response:
        """The draft of its review, to read."""
        draft = await self._draft(request)
        if draft is None:
            return await frame.lost(request, self._inside, "No such incident")
        return await frame.show(request, self._inside, "review.html", id=request.match_info["id"], draft=draft)

    async def review_text(self, request: web.Request) -> web.Response:
        """The draft of an incident's review, as Markdown."""
        draft = await self._draft(request)
        if draft is None:
            return web.Response(status=404, text="no such incident\n")
        return web.Response(text=draft, content_type="text/markdown")

    async def _draft(self, request: web.Request) -> str | None:
        inside, id = self._inside, request.match_info["id"]
        routing, base = inside.current.file.routing, inside.external_url or f"{request.scheme}://{request.host}"
        async with inside.reader.connect() as connection:
            return await reviewing.draft(connection, id, routing.windows.every, inside.clock.now(),
                                         page=f"{base.rstrip('/')}/incidents/{id}", file=routing.file)


def _figures(story: stories.Story) -> list[tuple[str, Millis | None, str]]:
    found = stories.figures(story)
    return [("To detect", found.to_detect, "from Prometheus' start"),
            ("To page", found.to_page, "until one was taken"),
            ("To acknowledge", found.to_acknowledge, "until a person came"),
            ("To resolve", found.to_resolve, "until its end")]


def _number(standing: dict[tuple[str, str], int], state: str) -> int:
    """Open incidents of this state that concern somebody: a Watchdog that beats does not."""
    return sum(number for (of, severity), number in standing.items() if of == state and severity != "none")


def _one_of(request: web.Request, name: str, words: tuple[str, ...]) -> str | None:
    value = request.query.get(name, "")
    return value if value in words else None
