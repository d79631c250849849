"""Error budgets by the API."""

from __future__ import annotations

from aiohttp import web

from alertd.slo import window
from alertd.slo.budget import Standing
from alertd.slo.window import Window
from alertd.store import ledger
from alertd.web.api import answer
from alertd.web.inside import Inside


class Slos:
    """Handlers of `GET /api/v1/slos` and `GET /api/v1/slos/{id}`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def every(self, request: web.Request) -> web.Response:
        """How every objective stands, by service and name; `?window=month&timezone=Europe/Berlin` over another window
        than its own."""
        asked, limit, cursor = request.query, request.query.get("limit", "100"), request.query.get("cursor", "")
        state, service = asked.get("state"), asked.get("service")
        if state is not None and state not in set(Standing):
            return answer({"error": f"state is one of {', '.join(Standing)}"}, 400)
        if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
            return answer({"error": "limit is a number from 1 to 1000"}, 400)
        try:
            found = await self._inside.budgets.statuses(_window(request))
        except ValueError as error:
            return answer({"error": str(error)}, 400)
        wanted = [one for one in found if service in (None, one.slo.service) and state in (None, one.state)]
        places = [place for place, one in enumerate(wanted, 1) if one.id == cursor]
        if cursor and not places:
            return answer({"error": "cursor is what `next` of the page before said"}, 400)
        rest = wanted[places[0] if places else 0:]
        page = rest[:int(limit)]
        return answer({"items": [ledger.view(one) for one in page],
                       "next": page[-1].id if len(rest) > len(page) else None})

    async def one(self, request: web.Request) -> web.Response:
        """One of them, with what its objective was before and what is taken out of its window."""
        try:
            found = await self._inside.budgets.statuses(_window(request))
        except ValueError as error:
            return answer({"error": str(error)}, 400)
        status = next((one for one in found if one.id == request.match_info["id"]), None)
        if status is None:
            return answer({"error": "no such objective"}, 404)
        async with self._inside.reader.connect() as connection:
            return answer(ledger.view(status) | await ledger.details(connection, status))


def _window(request: web.Request) -> Window | None:
    """The window that is asked for; ValueError says what is wrong with it."""
    text = request.query.get("window")
    return window.parse(text, request.query.get("timezone", "UTC")) if text else None
