"""What every page has around it, and who looks: the places to go, the person's name, the token of its forms."""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import secrets
import urllib.parse
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from alertd import __version__, escaping
from alertd.access import Permission
from alertd.engine.acts import NAME, Person
from alertd.model import Millis
from alertd.web import render
from alertd.web.guard import visitor
from alertd.web.inside import Inside
from alertd.web.people import person_of

PLACES = (("/", "Now"), ("/incidents", "Incidents"), ("/slos", "Budgets"), ("/notifications", "Notifications"),
          ("/maintenance", "Maintenance"), ("/rota", "Rota"), ("/digests", "Digests"), ("/statistics", "Statistics"),
          ("/audit", "Audit"), ("/management", "Management"))
TOKEN = "alertd_form"  # noqa: S105  the name of a cookie
BY = "alertd_by"
SAID = "alertd_said"
YEAR = 365 * 24 * 3600


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """`said` is what came of what the person did last; `by` the name they gave, or (`known`) showed at the door, where
    it was also settled what they may do."""

    here: str
    path: str
    query: dict[str, str]
    token: str
    by: str
    known: bool
    responds: bool
    administers: bool
    said: str
    now: Millis
    config_at: Millis
    config_problem: bool
    store: str
    version: str = __version__
    places: tuple[tuple[str, str], ...] = PLACES


async def show(request: web.Request, inside: Inside, template: str, *, status: int = 200, **values: Any
               ) -> web.Response:
    """The page of this template for this request; drawn beside the event loop, which the first one after a start, with
    its templates to be read, would hold for 110 ms."""
    known = request.cookies.get(TOKEN, "")
    token = known if _is_token(known) else secrets.token_hex(16)
    said = escaping.line(urllib.parse.unquote(request.cookies.get(SAID, "")), 300)
    here = "/" + request.path.split("/")[1]
    who = visitor(request)
    known_by = who.name if who.via != "open" else ""
    frame = Frame(here, request.path_qs, dict(request.query), token, known_by or _remembered(request), bool(known_by),
                  who.may(Permission.RESPOND), who.may(Permission.ADMINISTER), said, inside.clock.now(),
                  inside.current.read_at, inside.current.problem is not None, f"{inside.reader.dialect.name} store")
    text = await asyncio.to_thread(render.page, template, frame=frame, **values)
    response = web.Response(status=status, text=text, content_type="text/html")
    response.headers["Cache-Control"] = "no-store"
    if token != known:
        _keep(request, response, TOKEN, token)
    if said:
        response.del_cookie(SAID, path="/")
    return response


async def refused(request: web.Request, inside: Inside, what: str) -> web.Response:
    """The page that says that the visitor may not do this."""
    return await show(request, inside, "lost.html", status=403, what=what,
                      advice="Ask somebody of theirs, or an admin.")


async def lost(request: web.Request, inside: Inside, what: str,
               advice: str = "It may have been old, and is no longer kept.") -> web.Response:
    """The page that says that something is not there."""
    return await show(request, inside, "lost.html", status=404, what=what, advice=advice)


async def form(request: web.Request) -> dict[str, str]:
    """The fields of a form of ours; 400 where it is none, 403 where it is not from a page that this browser was given.
    """
    try:
        fields = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    except (ValueError, LookupError, HttpProcessingError) as error:  # no multipart, no such charset, no such text
        raise web.HTTPBadRequest(text=f"This is no form that can be read: {escaping.line(str(error), 200)}\n") from None
    given, known = fields.get("token", ""), request.cookies.get(TOKEN, "")
    if not _is_token(known) or not hmac.compare_digest(given.encode(errors="replace"), known.encode()):
        raise web.HTTPForbidden(text="This form is not from a page that alertd gave to this browser, or its cookie is "
                                     "gone. Go back, reload the page, and try again.\n")
    return fields


def person(request: web.Request, fields: dict[str, str]) -> Person:
    """Who sent the form: whom the door let in, or where nobody is asked, who they say they are."""
    who = visitor(request)
    if who.via == "open":
        said = escaping.line(fields.get("by", ""), NAME) or _remembered(request)
        return Person(said or "somebody at the page", "page")
    return dataclasses.replace(person_of(who, fields.get("by", "")), via="page")


def _remembered(request: web.Request) -> str:
    """The name this browser keeps."""
    return escaping.line(urllib.parse.unquote(request.cookies.get(BY, "")), NAME)


def back(request: web.Request, fields: dict[str, str], said: str = "", to: str = "") -> web.Response:
    """To the page the form came from (or `to`), which then says what came of it."""
    place = to or fields.get("back", "/")
    if not place.startswith("/") or place.startswith(("//", "/\\")):  # of ours only
        place = "/"
    response = web.Response(status=303, headers={"Location": str(URL(place))})
    if fields.get("by"):
        _keep(request, response, BY, escaping.line(fields["by"], NAME), YEAR)
    if said:
        _keep(request, response, SAID, said, 60)
    return response


def _keep(request: web.Request, response: web.StreamResponse, name: str, value: str, age: int | None = None) -> None:
    written = urllib.parse.quote(value, safe="", errors="replace")
    response.set_cookie(name, written, max_age=age, path="/", httponly=True, samesite="Strict", secure=request.secure)


def _is_token(text: str) -> bool:
    return len(text) == 32 and text.isascii() and text.isalnum()
