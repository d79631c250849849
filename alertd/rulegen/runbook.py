"""Where the page for an alert is."""

from __future__ import annotations

# A placeholder that is plainly one; rules/*.yaml sets `runbooks:` to where the pages are served.
DEFAULT = "https://alertd.example.com/runbooks"


def url(runbooks: str, alert: str) -> str:
    """The address of the page for `alert` under the address `runbooks`."""
    return f"{runbooks.rstrip('/')}/{alert}"
