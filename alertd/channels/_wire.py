"""What the channels share about addresses and answers. (Not a channel: names with an underscore are none.)"""

from __future__ import annotations

import email.utils
import functools
import ipaddress
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Annotated, Literal

import aiohttp
import pydantic

from alertd.errors import Rejected, TryLater

LONGEST_WAIT = 3600.0  # seconds; a vendor that asks for more is asked again after an hour all the same
REASON = 300  # characters of a vendor's answer kept as a reason

Rate = Annotated[float, pydantic.Field(gt=0)] | Literal["none"] | None


def limit(rate: float | str | None, usual: float | None) -> float | None:
    """Messages a second: what the file says, `none` for no limit, and where it says nothing the usual."""
    if rate is None:
        return usual
    return None if isinstance(rate, str) else rate


def loopback(host: str) -> bool:
    """Whether `host` is this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def vendor_address(text: str) -> str:
    """`text` when it is a https address (http on this machine itself, for tests); ValueError with the reason."""
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with https://")
    if parts.scheme == "http" and not loopback(parts.hostname):
        raise ValueError("must begin with https:// (plain http is for this machine only, in tests)")
    _ = parts.port  # raises ValueError where it is no number
    return text


@functools.cache
def proxy(url: str) -> str | None:
    """The proxy that the environment names for a https address (HTTPS_PROXY, NO_PROXY); None for none. What is not
    https is this machine itself, to which nothing stands in between. Read once: a process's environment stays."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    found = urllib.request.getproxies()
    return found.get("https") or found.get("all")


def host_of(url: str) -> str:
    """Host and port: what attempts share connections to."""
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header; None without one that can be read. A date counts from the vendor's
    own Date, whatever our clock says."""
    given = headers.get("Retry-After", "").strip()
    if given.isdecimal() and given.isascii():
        return min(float(given[:9]), LONGEST_WAIT)
    try:
        until = email.utils.parsedate_to_datetime(given)
        since = email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return min(max((until - since).total_seconds(), 0.0), LONGEST_WAIT)
    except (TypeError, ValueError):
        return None


def refusal(vendor: str, status: int, headers: Mapping[str, str], said: str = "") -> Rejected | TryLater:
    """What an HTTP answer other than success means. A server that failed may have taken the message before."""
    words = " ".join(said.split())[:REASON]
    reason = f"{vendor} answered {status}" + (f": {words}" if words else "")
    if status == 429:
        return TryLater(reason, after=retry_after(headers), throttled=True)
    if status == 408 or status >= 500:
        return TryLater(reason, after=retry_after(headers), ambiguous=True)
    return Rejected(reason)


def no_answer(vendor: str, error: BaseException, *, ambiguous: bool = True) -> TryLater:
    """What a connection that failed means. One that was never made carried nothing. The error's own text is
    left out: it may hold the address, and the address may be the secret."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return TryLater(f"no connection to {vendor} ({_kind(error)})")
    if isinstance(error, TimeoutError):
        return TryLater(f"{vendor} did not answer in time", ambiguous=ambiguous)
    return TryLater(f"the connection to {vendor} broke ({_kind(error)})", ambiguous=ambiguous)


def _kind(error: BaseException) -> str:
    cause = getattr(error, "os_error", None)
    return (cause.strerror if isinstance(cause, OSError) and cause.strerror else None) or type(error).__name__
