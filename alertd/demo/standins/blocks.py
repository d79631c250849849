"""What Slack finds wrong with Block Kit blocks: https://docs.slack.dev/reference/block-kit/blocks"""

from __future__ import annotations

from typing import Any

BLOCKS = 50
LONGEST = {"header": 150, "section": 3000, "field": 2000, "context": 3000, "button": 75}


def faults(blocks: Any) -> list[str]:
    """Every fault, in words; Slack itself says invalid_blocks."""
    if not isinstance(blocks, list):
        return ["blocks must be a list"]
    found = [f"more than {BLOCKS} blocks"] if len(blocks) > BLOCKS else []
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(ids) != len(set(ids)):
        found.append("a block_id is given twice")
    for block in blocks:
        found += _block(block) if isinstance(block, dict) else ["a block must be an object"]
    return found


def _block(block: dict[str, Any]) -> list[str]:
    found = ["block_id over 255 characters"] if len(str(block.get("block_id", ""))) > 255 else []
    match block.get("type"):
        case "header":
            return found + _text(block.get("text"), "header", ("plain_text",))
        case "section":
            return found + _section(block)
        case "context":
            elements = block.get("elements", [])
            found += [] if 0 < len(elements) <= 10 else ["a context needs 1 to 10 elements"]
            return found + [fault for element in elements for fault in _text(element, "context")]
        case "actions":
            elements = block.get("elements", [])
            found += [] if 0 < len(elements) <= 25 else ["actions need 1 to 25 elements"]
            actions = [element.get("action_id") for element in elements]
            found += ["an action_id is given twice"] if len(actions) != len(set(actions)) else []
            return found + [fault for element in elements for fault in _button(element)]
        case "divider":
            return found
    return [*found, f"unknown block type {block.get('type')!r}"]


def _section(block: dict[str, Any]) -> list[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return ["a section needs text or fields"]
    found = _text(block["text"], "section") if "text" in block else []
    if len(fields) > 10:
        found.append("a section takes 10 fields")
    return found + [fault for field in fields for fault in _text(field, "field")]


def _button(button: dict[str, Any]) -> list[str]:
    found = [] if button.get("type") == "button" else [f"unknown element {button.get('type')!r}"]
    found += _text(button.get("text"), "button", ("plain_text",))
    for name, most in (("url", 3000), ("value", 2000), ("action_id", 255)):
        if len(button.get(name, "")) > most:
            found.append(f"a button's {name} takes {most} characters")
    if "url" in button and not button["url"].startswith(("http://", "https://")):
        found.append("a button's url must be an address")
    return found


def _text(text: Any, place: str, types: tuple[str, ...] = ("plain_text", "mrkdwn")) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in types:
        return [f"a {place} needs text of type {' or '.join(types)}"]
    if text["type"] == "mrkdwn" and "emoji" in text:
        return [f"a {place}: emoji is for plain_text only"]
    if not isinstance(text.get("text"), str) or not 0 < len(text["text"]) <= LONGEST[place]:
        return [f"a {place}'s text must have 1 to {LONGEST[place]} characters"]
    return []
