"""The pages of what is planned: maintenance, and who is on call when."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from alertd import rotas
from alertd.config import wished
from alertd.engine.acts import Outcome
from alertd.errors import StoreUnavailable
from alertd.maintaining import shown
from alertd.model import DAY, Incident, Millis
from alertd.schedule import Mode
from alertd.store import stories
from alertd.web import frame
from alertd.web.guard import visitor
from alertd.web.inside import Inside
from alertd.web.planned import forbidden, theirs

AHEAD: Millis = 28 * DAY  # of shifts
LENGTHS = ("30m", "1h", "2h", "4h", "8h", "1d")


class Plans:
    """Handlers of `/maintenance…` and `/rota`."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def maintenance(self, request: web.Request) -> web.Response:
        """Windows of the file and those people made, those that are active first."""
        routing, now = self._inside.current.file.routing, self._inside.clock.now()
        items = [shown(window, routing.file, now, 3) for window in routing.windows.every]
        items.sort(key=lambda item: (item["state"] != "active", item["state"] != "planned"))
        return await frame.show(request, self._inside, "maintenance.html", windows=items, file=routing.file)

    async def new(self, request: web.Request) -> web.Response:
        """The form for a window, filled in for the incident that the query names."""
        id, match = request.query.get("incident"), request.query.get("match", "")
        if id:
            async with self._inside.reader.connect() as connection:
                incident = await stories.exists(connection, id)
            if incident is None:
                return await frame.lost(request, self._inside, "No such incident")
            match = _matchers(incident)
        return await self._form(request, {"match": match, "for": "1h", "notices": "yes"})

    async def add(self, request: web.Request) -> web.Response:
        """Make the window of the form; shown again with the reason where it is refused."""
        fields = await frame.form(request)
        person, maintenance = frame.person(request, fields), self._inside.maintenance
        try:
            wish = wished.read(_wish(fields) | {"by": person.name}, self._inside.clock.now())
        except ValueError as error:
            return await self._form(request, fields, refusal=str(error))
        if wish.window.mode is Mode.DIGEST and not self._inside.current.file.digests:
            return await self._form(request, fields,
                                    refusal="No receiver has a digest that would collect it; choose hold.")
        if no := forbidden(wish.window, visitor(request)):
            return await self._form(request, fields, refusal=f"Not made: {no}.", status=403)
        try:
            refusal = None if wish.confirm else await maintenance.refusal(wish.window)
            if refusal:
                return await self._form(request, fields, refusal=f"Not made: {refusal}.", broad=True)
            await maintenance.add(wish.window, person)
        except StoreUnavailable as error:
            return await self._form(request, fields, refusal=f"Not made: {error}.", status=503)
        return frame.back(request, fields, f"{wish.window.name} holds what it covers.", "/maintenance")

    async def end(self, request: web.Request) -> web.Response:
        """End a window that a person made."""
        fields, id = await frame.form(request), request.match_info["id"]
        if not theirs(id, visitor(request), self._inside.current.file.routing.windows):
            return await frame.refused(request, self._inside, "This window covers other teams than yours")
        try:
            outcome = await self._inside.maintenance.end(id, frame.person(request, fields))
        except StoreUnavailable as error:
            return web.Response(status=503, text=f"Not done: {error}. Go back and try again.\n")
        if outcome is Outcome.UNKNOWN:
            return await frame.lost(request, self._inside, "No such maintenance window")
        return frame.back(request, fields, "It is over; what still burns is told now.", "/maintenance")

    async def rota(self, request: web.Request) -> web.Response:
        """Who is on call now, who follows, and hours without anybody."""
        now, found = self._inside.clock.now(), list[dict[str, Any]]()
        for rota in self._inside.current.file.routing.rotas.values():
            until = now + AHEAD
            person, shifts = rota.on_call(now), rota.shifts(now, until)
            gaps = rotas.gaps([rota], now, until)
            found.append({"rota": rota, "person": person, "shifts": shifts[:20], "gaps": gaps[:20],
                          "since": now, "until": until})
        return await frame.show(request, self._inside, "rota.html", rotas=found,
                                file=self._inside.current.file.routing.file)

    async def _form(self, request: web.Request, fields: dict[str, str], *, refusal: str = "", broad: bool = False,
                    status: int | None = None) -> web.Response:
        return await frame.show(
            request, self._inside, "maintenance_new.html", status=status or (400 if refusal else 200), fields=fields,
            refusal=refusal, broad=broad, lengths=LENGTHS, digests=bool(self._inside.current.file.digests))


def _wish(fields: dict[str, str]) -> dict[str, Any]:
    lines = [line.strip() for line in fields.get("match", "").splitlines()]
    return {"match": [line for line in lines if line], "for": fields.get("for", ""), "reason": fields.get("reason", ""),
            "mode": fields.get("mode") or "hold", "notices": fields.get("notices") == "yes",
            "confirm": fields.get("confirm") == "yes"}


def _matchers(incident: Incident) -> str:
    """One matcher a line, for exactly the labels of the incident."""
    return "\n".join(f'{name}="{_quoted(value)}"' for name, value in sorted(incident.labels.items()))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
