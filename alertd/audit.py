"""The record of what people did: a chain in which every row holds the hash of the one before it. Pure.

Whoever edits, moves or takes out a row breaks the chain there; whoever cuts off its end is found out by the newest
hash, which is kept elsewhere too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping

from alertd.model import Millis

FIRST = "0" * 64  # what stands before the first row


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """One thing a person did: `actor` as they were known, `via` what (api, command, slack, pagerduty), to `object`."""

    at: Millis
    actor: str
    via: str
    action: str
    object: str
    detail: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A row of the record."""

    seq: int
    act: Act
    prev_hash: str
    hash: str


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The newest row as it is kept elsewhere; row 0 stands before the first."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def hash_of(act: Act, prev_hash: str) -> str:
    """64 hex digits (SHA-256) over the row before and everything in this one."""
    said = [prev_hash, act.at, act.actor, act.via, act.action, act.object, sorted(act.detail.items())]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def fault(links: Iterable[Link], heads: Iterable[Head] = ()) -> str | None:
    """What is wrong with the record, given in its order, and in which row; None where it is whole. `heads` are rows as
    they are known from elsewhere."""
    before, last = FIRST, 0
    known = {head.seq: head.hash for head in heads}
    for link in links:
        if link.seq != last + 1:
            return f"row {link.seq}: the row before it is number {last}: one was taken out, or the order was changed"
        if link.prev_hash != before:
            return f"row {link.seq}: it does not follow the row before it: one of the two was edited or moved"
        if link.hash != hash_of(link.act, link.prev_hash):
            return f"row {link.seq}: it was edited"
        if known.get(link.seq, link.hash) != link.hash:
            return f"row {link.seq}: it is known to have been another: the record was written anew from there or before"
        before, last = link.hash, link.seq
    cut = max(known, default=0)
    if cut > last:
        return f"row {last + 1}: it is missing: the record ends before it, and is known to have had {cut} rows"
    return None
