"""The files that pages need, from the package and never by a path of a request."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from importlib import resources

from aiohttp import web

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
KEPT = "public, max-age=31536000, immutable"  # its address changes with its content


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    body: bytes
    type: str
    mark: str  # of its content, in its address


@cache
def files() -> dict[str, File]:
    """What is served, by name."""
    found = {}
    for entry in resources.files("alertd.web").joinpath("static").iterdir():
        kind = TYPES.get(entry.name.rpartition(".")[2])
        if kind:
            body = entry.read_bytes()
            found[entry.name] = File(body, kind, hashlib.sha256(body).hexdigest()[:12])
    return found


def address(name: str) -> str:
    """Where a page finds this file."""
    return f"/static/{name}?v={files()[name].mark}"


async def serve(request: web.Request) -> web.Response:
    """One of the files."""
    file = files().get(request.match_info["name"])
    if file is None:
        return web.Response(status=404, text="no such file\n")
    return web.Response(body=file.body, content_type=file.type, charset="utf-8", headers={"Cache-Control": KEPT})
