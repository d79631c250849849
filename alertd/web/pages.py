"""The pages for people."""

from __future__ import annotations

from aiohttp import web

from alertd.store import reading
from alertd.web.api import status
from alertd.web.inside import Inside


class Pages:
    """Handlers of what people look at."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def front(self, _request: web.Request) -> web.Response:
        """The first page."""
        from alertd.web import render

        async with self._inside.reader.connect() as connection:
            burning = [row for state in ("open", "acknowledged")
                       for row in (await reading.incidents(connection, state, 100, None)).items]
        return _html(render.front(await status(self._inside), burning))

    async def incident(self, request: web.Request) -> web.Response:
        """One incident."""
        from alertd.web import render

        async with self._inside.reader.connect() as connection:
            found = await reading.incident(connection, request.match_info["id"])
        return _html(render.incident(found), 200 if found else 404)


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html")
