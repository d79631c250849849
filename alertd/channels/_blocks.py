"""A message as Slack's Block Kit. Texts of alerts stand in plain_text elements and are escaped all the same."""

from __future__ import annotations

import json
from typing import Any

from alertd import escaping, messages
from alertd.digest import Digest
from alertd.digest import slack as digest_slack
from alertd.model import Delivery, Severity

# https://docs.slack.dev/reference/block-kit/blocks: per message, section text, header, field.
BLOCKS = 50
SECTION = 3_000
HEADER = 150
FIELD = 2_000
# https://docs.slack.dev/reference/methods/chat.postMessage#truncating: best below 4,000, cut at 40,000.
TEXT = 4_000
# All blocks together fail as msg_blocks_too_long near 13,200 characters (slackapi/bolt-js#2509); counted here with
# their JSON around them, which errs on the short side.
TOTAL = 12_500
SAFETY = 900  # of TOTAL: "+N more", and the JSON around the sections a list is packed into

_MARK = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵", Severity.NONE: "⚪"}

Block = dict[str, Any]


def payload(delivery: Delivery, *, acknowledge: bool = False) -> dict[str, Any]:
    """`text` and `blocks` of an incident's message, or of a digest. With `acknowledge` it carries that button."""
    if delivery.digest and (made := Digest.read(delivery.digest.data)):
        return digest_slack.payload(made, delivery.link)
    message = messages.compose(delivery)
    head = [_header(message)]
    foot = [*_buttons(message, acknowledge and _open(delivery)), *_context(message)]
    if message.facts:
        head.append({"type": "section", "fields": [_fact(fact) for fact in message.facts]})
    used = len(json.dumps([*head, *foot], ensure_ascii=False))
    about = _lead(message, TOTAL - used)
    used += len(json.dumps(about, ensure_ascii=False))
    return {"text": _fallback(message), "blocks": [*head, *about, *_alerts(message, TOTAL - used), *foot]}


def reply(delivery: Delivery) -> dict[str, Any]:
    """`text` and `blocks` of the line in the thread that says that it rose or ended."""
    message = messages.compose(delivery)
    said = escaping.within(f"{_marked(message)}\n{message.lead}".strip(), SECTION, escaping.slack)
    return {"text": _fallback(message), "blocks": [_section(said), *_context(message)]}


def _open(delivery: Delivery) -> bool:
    return delivery.incident is not None and delivery.incident.to_acknowledge


def _marked(message: messages.Message) -> str:
    if not message.incident:
        return message.title
    return f"{'✅' if message.ended else _MARK[message.severity]} {message.title}"


def _fallback(message: messages.Message) -> str:
    """What notifications and screen readers get."""
    name = f" (incident {message.incident})" if message.incident else ""
    lead = message.lead.partition("\n")[0]
    return escaping.within(f"{_marked(message)}{name}" + (f"\n{lead}" if lead else ""), TEXT, escaping.slack)


def _header(message: messages.Message) -> Block:
    title = escaping.within(_marked(message), HEADER, escaping.slack)
    return {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}


def _section(escaped: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": escaped, "emoji": False}}


def _lead(message: messages.Message, room: int) -> list[Block]:
    """The sentence below the title, or a digest's whole text in as many sections as it takes. A title that the
    header cut stands here in full."""
    lines = message.lead.split("\n") if message.lead else []
    if len(escaping.slack(_marked(message))) > HEADER:
        lines = [message.title, *lines]
    rows = [escaping.within(line, SECTION, escaping.slack) for line in lines]
    fit = escaping.fitting(map(_size, rows), room - SAFETY)
    return _sections([*rows[:fit], *(["…"] if fit < len(rows) else [])])


def _alerts(message: messages.Message, room: int) -> list[Block]:
    lines, hidden = message.shown(room - SAFETY, lambda text: _size(_row(text)))
    return _sections([*map(_row, lines), *([messages.more(hidden)] if hidden else [])])


def _row(text: str) -> str:
    return f"• {escaping.slack(text)}"


def _size(escaped: str) -> int:
    return len(json.dumps(escaped, ensure_ascii=False)) + 2  # and the line end, which JSON writes with two


def _sections(lines: list[str]) -> list[Block]:
    """Escaped lines, packed into sections."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) + 1 <= SECTION:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return [_section(part) for part in parts if part.strip()]


def _fact(fact: messages.Fact) -> dict[str, Any]:
    text = escaping.within(f"{fact.name}: {fact.value}", FIELD, escaping.slack)
    return {"type": "plain_text", "text": text, "emoji": False}


def _context(message: messages.Message) -> list[Block]:
    notes = [f"incident {message.incident}"] if message.incident else []
    texts = [escaping.within(note, SECTION, escaping.slack) for note in (*notes, *message.remarks)]
    return [{"type": "context", "elements": [
        {"type": "plain_text", "text": text, "emoji": False} for text in texts]}] if texts else []


def _buttons(message: messages.Message, acknowledge: bool) -> list[Block]:
    buttons: list[dict[str, Any]] = []
    if acknowledge and message.incident:
        buttons.append({"type": "button", "action_id": "acknowledge", "value": message.incident, "style": "primary",
                        "text": {"type": "plain_text", "text": "Acknowledge", "emoji": False}})
    for position, link in enumerate(message.links):
        buttons.append({"type": "button", "action_id": f"link-{position}", "url": link.url,
                        "text": {"type": "plain_text", "text": link.name, "emoji": False}})
    return [{"type": "actions", "elements": buttons}] if buttons else []
