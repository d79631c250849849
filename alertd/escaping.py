"""Text of strangers made harmless: labels and annotations are written by whoever can post an alert.

Everything here works on data and never makes a template of it, so braces stay what they are. Text is cut by
characters before it is escaped, so that no cut falls inside an entity.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable

# What Python, mail readers or terminals take for the end of a line.
_BREAKS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters, and the marks that turn the direction of writing (a way to make one name look like another).
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LONE = re.compile("[\ud800-\udfff]")  # half of a character: JSON may carry it, UTF-8 cannot
_PING = re.compile(r"@(?=here|channel|everyone)", re.IGNORECASE)
_JOINER = "\u2060"  # takes no room; keeps the @ from the word that would call everybody

LONGEST_ADDRESS = 2000  # what every browser and mail reader takes
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?|\[[0-9a-f:.]+\]")
_NOT_IN_ADDRESS = re.compile("[\x00-\x20\x7f-\xa0\\\\\u2028\u2029\ud800-\udfff]")


def block(text: str, most: int) -> str:
    """`text` with plain line ends and nothing unseen, at most `most` characters."""
    text = text[:most * 4]  # an annotation of a megabyte costs no more than one that fits
    text = _UNSEEN.sub("", _BREAKS.sub("\n", text))
    return cut(_LONE.sub("\ufffd", text).strip(), most)


def line(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters: fit for a subject, a header, a row of a list."""
    if len(text) <= most and text.isprintable() and "  " not in text:  # nearly every text there is: a tenth of the time
        return text.strip()
    return cut(" ".join(block(text, most * 4).split()), most)


def cut(text: str, most: int) -> str:
    """At most `most` characters; an ellipsis shows that something is missing."""
    return text if len(text) <= most else text[:max(most - 1, 0)].rstrip() + "…"


def within(text: str, room: int, escape: Callable[[str], str]) -> str:
    """`text` escaped, cut so that the escaped form takes at most `room` characters."""
    whole = escape(text)
    if len(whole) <= room:
        return whole
    low, high = 0, min(len(text), room)  # the escaped length grows with the plain one: halve the interval
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(escape(cut(text, middle))) <= room else (low, middle - 1)
    return escape(cut(text, low))


def slack(text: str) -> str:
    """For every text Slack gets, the fallback too: https://docs.slack.dev/messaging/formatting-message-text#escaping.
    Without < there is no mention and no link; what is left of `@here` is broken."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _PING.sub("@" + _JOINER, text)


def web_address(text: str) -> str | None:
    """`text` as an http or https address written anew, or None where it must stay plain text: another scheme,
    a user name in it (https://bank.example@evil.example), control characters, no host, no address at all."""
    text = text.strip()
    if not text or len(text) > LONGEST_ADDRESS or _NOT_IN_ADDRESS.search(text):
        return None
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").lower()
        host = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    place = host if port is None else f"{host}:{port}"
    path, query, fragment = (urllib.parse.quote(part, safe="/?%:@!$&()*+,;=~")
                             for part in (parts.path, parts.query, parts.fragment))
    written = urllib.parse.urlunsplit((parts.scheme, place, path, query, fragment))
    return written if len(written) <= LONGEST_ADDRESS else None


def fitting(sizes: Iterable[int], room: int) -> int:
    """How many of the first things fit into `room` together."""
    count = 0
    for size in sizes:
        room -= size
        if room < 0:
            break
        count += 1
    return count
