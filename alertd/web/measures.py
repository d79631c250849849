"""How the last weeks were: page, JSON and CSV."""

from __future__ import annotations

from aiohttp import web

from alertd import statistics
from alertd.statistics import Statistics, forms
from alertd.store import measuring
from alertd.web import frame
from alertd.web.api import answer
from alertd.web.inside import Inside

WEEKS = 8


class Measures:
    """Handlers of `/statistics` and `GET /api/v1/statistics`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def page(self, request: web.Request) -> web.Response:
        """The figures as a page."""
        routing = self._inside.current.file.routing
        try:
            found, refusal = await self._found(request), ""
        except ValueError as error:
            found, refusal = None, str(error)
        return await frame.show(
            request, self._inside, "statistics.html", status=400 if refusal else 200, found=found, refusal=refusal,
            weeks=request.query.get("weeks", str(WEEKS)), hours=request.query.get("hours", statistics.OFFICE),
            timezone=request.query.get("timezone", routing.office), trend=statistics.trend)

    async def api(self, request: web.Request) -> web.Response:
        """Times to acknowledge and resolve, calls and noise of the last weeks; `?format=csv` for a spreadsheet."""
        form = request.query.get("format", "json")
        if form not in ("json", "csv"):
            return answer({"error": "format is json or csv"}, 400)
        try:
            found = await self._found(request)
        except ValueError as error:
            return answer({"error": str(error)}, 400)
        if form == "json":
            return answer(forms.view(found))
        return web.Response(text=forms.as_csv(found), content_type="text/csv",
                            headers={"Content-Disposition": 'attachment; filename="alertd-statistics.csv"'})

    async def _found(self, request: web.Request) -> Statistics:
        inside, query = self._inside, request.query
        routing = inside.current.file.routing
        asked = statistics.ask(query.get("weeks", str(WEEKS)), query.get("timezone", routing.office),
                               query.get("hours", statistics.OFFICE), inside.clock.now())
        async with inside.reader.connect() as connection:
            return await measuring.measured(connection, asked, routing.pagers, routing.personal)
