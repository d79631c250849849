"""Requests to a daemon, with what it may ask for: a key, and whose certificates to believe."""

from __future__ import annotations

import os
import ssl
import sys
import urllib.parse
import urllib.request
from http.client import HTTPResponse
from pathlib import Path
from typing import cast

import click

KEY_FILE = "ALERTD_KEY_FILE"  # a file with a key of `access:`; a key among the arguments is seen by everybody here
CA_FILE = "ALERTD_CA_FILE"  # certificates to believe beside the system's own


def send(method: str, address: str, body: bytes | None = None, timeout: float = 10.0, *, keyed: bool = True
         ) -> HTTPResponse:
    """The answer; raises as urllib does. Leaves with a message where the address is none or a file cannot be read.
    `keyed`: it is alertd that is asked, which may be shown its key."""
    if not address.startswith(("http://", "https://")):
        raise click.UsageError(f"an address begins with http:// or https://, not {address!r}")
    headers = {"Content-Type": "application/json"} if body is not None else {}
    try:
        if keyed and (name := os.environ.get(KEY_FILE)):
            headers["Authorization"] = f"Bearer {Path(name).read_text().strip()}"
        ca = os.environ.get(CA_FILE)
        context = ssl.create_default_context(cafile=ca) if ca and address.startswith("https://") else None
    except OSError as error:
        click.echo(f"{error.filename or CA_FILE}: {error.strerror}", err=True)
        sys.exit(2)
    request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310  checked above
    return cast(HTTPResponse, urllib.request.urlopen(request, timeout=timeout, context=context))  # noqa: S310  as above
