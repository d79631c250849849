"""A digest as Slack blocks: at most twelve lines and a link, since nobody reads more in a channel."""

from __future__ import annotations

from typing import Any

from alertd import escaping
from alertd.digest.model import Digest, Standing
from alertd.digest.text import bar, share

LINES = 12
BUDGETS = 4  # worst first
WIDEST = 300  # characters of a line
HEADER = 150  # https://docs.slack.dev/reference/block-kit/blocks/header-block

_MARK = {Standing.OK: "🟢", Standing.ATTENTION: "🟠", Standing.UNKNOWN: "⚪"}


def payload(digest: Digest, link: str | None = None) -> dict[str, Any]:
    """`text` and `blocks`; every text is escaped and stands in a plain_text element."""
    title = escaping.within(f"{_MARK[digest.standing]} {digest.subject}", HEADER, escaping.slack)
    body = "\n".join(escaping.within(line, WIDEST, escaping.slack) for line in lines(digest))
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}},
        {"type": "section", "text": {"type": "plain_text", "text": body, "emoji": False}},
    ]
    if link:
        blocks.append({"type": "actions", "elements": [
            {"type": "button", "action_id": "link-0", "url": link,
             "text": {"type": "plain_text", "text": "Open in alertd", "emoji": False}}]})
    return {"text": escaping.within(f"{digest.subject}\n{digest.verdict}", 3_000, escaping.slack), "blocks": blocks}


def lines(digest: Digest) -> list[str]:
    """The verdict, what to do, the worst budgets, then what else there is room for; the title is one of the twelve."""
    found = [digest.verdict]
    room = LINES - 1  # the title
    found += [f"→ {line}" for line in digest.act.lines[:4]]
    found += [f"{bar(line.left)} {share(line.left)} {line.name}" for line in digest.budgets[:BUDGETS]]
    for section in digest.sections:
        if section.heading in ("Still open", "Resolved", "Not known"):
            found += [f"{section.heading}: {line.strip()}" for line in section.lines if not line.startswith("  ")]
    if len(found) <= room:
        return found
    return [*found[:room - 1], f"+{len(found) - room + 1} more"]
