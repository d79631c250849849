"""What the package brings for browsers."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from alertd.web import static

# Of htmx.org 4.0.1 and uplot 1.6.32 as npm has them: whoever changes these files has changed the library.
THEIRS = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "uplot.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"}


@pytest.mark.parametrize(("name", "hash"), THEIRS.items())
def test_libraries_are_as_they_were_published(name: str, hash: str) -> None:
    """Byte for byte."""
    assert hashlib.sha256(static.files()[name].body).hexdigest() == hash


async def test_files_are_kept_by_browsers_and_change_their_address(site: Any) -> None:
    """Their address holds a mark of their content."""
    async with site.http.get(site.url + static.address("alertd.css")) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e%2fapp.py", "README.md", "none.js", "..%5capp.py"])
async def test_nothing_else_is_served(site: Any, name: str) -> None:
    """No path leads out, and notes are no part of a page."""
    assert (await site.get(f"/static/{name}"))[0] == 404


async def test_pages_run_nothing_that_stands_in_them(site: Any) -> None:
    """The policy allows files of ours only."""
    async with site.http.get(site.url + "/") as answer:
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
