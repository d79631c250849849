"""The pages of what is kept: messages, digests, what people did; and the page for those who run no machines."""

from __future__ import annotations

from aiohttp import web

from alertd.digest import Digest, page
from alertd.maintaining import shown
from alertd.messages import in_plain_words
from alertd.model import DAY
from alertd.slo.budget import Standing
from alertd.store import reading, showing
from alertd.store.showing import Row
from alertd.web import budgets, frame
from alertd.web.api import NOTIFICATION_STATES
from alertd.web.inside import Inside

LIST = 50
PLAIN = 25  # rows on the page for management
LONGEST_CURSOR = 18  # digits


class Records:
    """Handlers of `/notifications…`, `/digests…`, `/audit` and `/management`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def notifications(self, request: web.Request) -> web.Response:
        """Messages, the newest first; the query filters."""
        state = request.query.get("state", "")
        state = state if state in NOTIFICATION_STATES else ""
        receiver, channel = request.query.get("receiver", "")[:200], request.query.get("channel", "")[:50]
        async with self._inside.reader.connect() as connection:
            rows, following = await showing.messages(connection, state, receiver, channel, LIST, _cursor(request))
        routing = self._inside.current.file.routing
        channels = sorted({outlet.channel for one in routing.receivers.values() for outlet in one.outlets})
        return await frame.show(request, self._inside, "notifications.html", rows=rows, next=following, state=state,
                                receiver=receiver, channel=channel, states=NOTIFICATION_STATES, channels=channels)

    async def notification(self, request: web.Request) -> web.Response:
        """One message with its attempts."""
        async with self._inside.reader.connect() as connection:
            found = await reading.notification(connection, request.match_info["id"])
        if found is None:
            return await frame.lost(request, self._inside, "No such message")
        return await frame.show(request, self._inside, "notification.html", row=found)

    async def digests(self, request: web.Request) -> web.Response:
        """The archive of digests, the newest first."""
        async with self._inside.reader.connect() as connection:
            rows, following = await showing.digests(connection, LIST, request.query.get("cursor", "")[:80] or None)
        return await frame.show(request, self._inside, "digests.html", rows=rows, next=following)

    async def digest(self, request: web.Request) -> web.Response:
        """One digest, as it was sent."""
        async with self._inside.reader.connect() as connection:
            found = await showing.digest(connection, request.match_info["id"])
        if found is None:
            return await frame.lost(request, self._inside, "No such digest")
        made = Digest.read(found.data)
        return await frame.show(request, self._inside, "digest.html", row=found, digest=made, states=list(Standing),
                                act=page.part(made.act) if made else None, sections=page.parts(made) if made else ())

    async def audit(self, request: web.Request) -> web.Response:
        """What people did, the newest first."""
        async with self._inside.reader.connect() as connection:
            rows, following = await showing.audited(connection, LIST, _cursor(request))
        return await frame.show(request, self._inside, "audit.html", rows=rows, next=following)

    async def management(self, request: web.Request) -> web.Response:
        """How things are, in plain words, for those who run no machines."""
        inside, now = self._inside, self._inside.clock.now()
        routing = inside.current.file.routing
        async with inside.reader.connect() as connection:
            waiting = await showing.worst(connection, "open", PLAIN)
            cared = await showing.worst(connection, "acknowledged", PLAIN)
            standing = await showing.standing(connection)
            _, ended = await showing.ended(connection, now - 7 * DAY, PLAIN)
            heard = await showing.heard(connection)
        open_now = sum(number for (_, severity), number in standing.items() if severity in ("critical", "warning"))
        planned = [shown(window, routing.file, now, 1) for window in routing.windows.every]
        return await frame.show(
            request, inside, "management.html", open_now=open_now, problems=_plain((*waiting, *cared)),
            ended=_plain(ended), heard=heard, budgets=await budgets.worst(inside, PLAIN),
            planned=[one for one in planned if one["state"] != "over"][:PLAIN])


def _plain(rows: tuple[Row, ...]) -> list[tuple[str, Row]]:
    """What each is about for people who do not know the machines; what only informs does not concern them."""
    return [(in_plain_words(row.alerts[0]) if row.alerts else "A technical problem", row) for row in rows
            if row.incident.severity in ("critical", "warning")]


def _cursor(request: web.Request) -> int | None:
    text = request.query.get("cursor", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_CURSOR else None
