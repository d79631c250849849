"""A policy document in Markdown, as a list of what it says: each setting of its YAML blocks, each bullet and sentence,
with its place. What any of it means is told elsewhere (alertd.starting.policy)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alertd.config import yaml
from alertd.errors import BadInput, Finding

MOST_SHOWN = 70  # characters of a sentence that is named
_YAML = ("yaml", "yml")
_PARTS = re.compile(r",\s+(?=\w[\w ]*:\s)")  # RTO: 15 minutes, RPO: 5 minutes
_SETTING = re.compile(r"(?P<key>\w[\w /()-]*?)\s*:\s+(?P<value>\S.*)")


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """One thing that a document says. `section` is the heading it stands under, or the keys of its block with `/`
    between; `key` is what it is about, "" of a sentence; both in lower case with `_` between words. `value` is as YAML
    reads it, of bullets and sentences their text. `at` and `key_at` are the lines and columns of the value and the key,
    counted from 1; `text` is all of it as it stands."""

    file: str
    section: str
    key: str
    value: Any
    at: tuple[int, int]
    key_at: tuple[int, int]
    text: str

    @property
    def line(self) -> int:
        return self.at[0]

    @property
    def place(self) -> str:
        """As a comment in another file names it."""
        return f"{Path(self.file).name}:{self.line}"

    def finding(self, what: str, fix: str = "", *, id: str, level: str = "error", key: bool = False) -> Finding:
        return Finding(self.file, *(self.key_at if key else self.at), what, fix, id, level)


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """A whole document in the order of its lines."""

    file: str
    said: tuple[Said, ...]


def read(path: Path) -> Policy:
    """What `path` says. Raises BadInput where it cannot be read, or where one of its YAML blocks is no YAML."""
    try:
        if path.stat().st_size > yaml.MOST_BYTES:
            raise BadInput([Finding(str(path), 0, 0, f"is larger than {yaml.MOST_BYTES // 1_000_000} MB", "", "file")])
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput([Finding(str(path), 0, 0, f"is not UTF-8 text (byte {error.start})", "", "file")]) from error
    except OSError as error:
        raise BadInput([Finding(str(path), 0, 0, f"cannot be read: {error.strerror}", "", "file")]) from error
    return Policy(str(path), tuple(said(text, str(path))))


def said(text: str, file: str) -> Iterator[Said]:
    """What a text says, line by line; `file` is how its places call it. Raises BadInput."""
    from markdown_it import MarkdownIt

    lines = text.splitlines()
    heading = ""
    inside = ""
    for token in MarkdownIt("commonmark").parse(text):
        inside = token.type if token.type.endswith("_open") else inside
        first = token.map[0] if token.map else 0
        if token.type == "inline" and inside == "heading_open":
            heading = word(token.content)
        elif token.type == "inline":
            yield from _prose(token.content, file, heading, first, lines)
        elif token.type == "fence" and token.info.strip().lower() in _YAML:
            yield from _block(token.content, file, heading, first + 1, lines)
        elif token.type in ("fence", "code_block", "html_block") and not token.content.lstrip().startswith("<!--"):
            words = _first_words(token.content)
            yield Said(file, heading, "", words, (first + 1, 1), (first + 1, 1), words)


def word(text: str) -> str:
    """A heading or a key as it is looked for: `Alert Thresholds` is alert_thresholds."""
    return re.sub(r"[\s-]+", "_", re.sub(r"[*`]", "", text).strip().lower())


def _first_words(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MOST_SHOWN else f"{words[:MOST_SHOWN - 1]}…"


def _prose(content: str, file: str, heading: str, first: int, lines: list[str]) -> Iterator[Said]:
    """Each line of a bullet or a paragraph; those with a colon are settings."""
    for offset, line in enumerate(content.splitlines()):
        source = lines[first + offset] if first + offset < len(lines) else ""
        for part in _PARTS.split(line):
            plain = re.sub(r"[*`]", "", part).strip()
            found = _SETTING.fullmatch(plain)
            key, value = (word(found["key"]), found["value"].strip()) if found else ("", plain)
            begins = max(source.find(part), 0)
            at = max(source.find(value, begins), begins)
            if value:
                number = first + offset + 1
                yield Said(file, heading, key, value, (number, at + 1), (number, begins + 1),
                           _first_words(plain))


def _block(content: str, file: str, heading: str, first: int, lines: list[str]) -> Iterator[Said]:
    """Every value of a YAML block that begins in line `first`, counted from 0. Line breaks before it bring its places
    to those of the document; a block that is indented, as within a list, is so on every line alike."""
    document = yaml.parse("\n" * first + content, file)
    if document.duplicates:
        raise BadInput(document.duplicates)
    if not isinstance(document.data, dict):
        if document.data is not None:
            yield Said(file, heading, "", document.data, (first + 1, 1), (first + 1, 1), _first_words(content))
        return
    indent = _indent(lines[first]) - _indent(content)
    for path, value in _leaves(document.data, ()):
        names = [word(part) for part in path if isinstance(part, str)]
        (line, column), (key_line, key_column) = document.values[path], document.keys.get(path, document.values[path])
        yield Said(file, "/".join(names[:-1]) or heading, names[-1], value, (line, column + indent),
                   (key_line, key_column + indent), f"{names[-1]}: {shown(value)}")


def shown(value: Any) -> str:
    """A value as a person writes it."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _leaves(data: Any, path: tuple[yaml.Key, ...]) -> Iterator[tuple[tuple[yaml.Key, ...], Any]]:
    """Each value that is no section, with its path; a list of plain values is one."""
    inner: Iterable[tuple[yaml.Key, Any]] | None = None
    if isinstance(data, dict):
        inner = data.items()
    elif isinstance(data, list) and any(isinstance(item, dict | list) for item in data):
        inner = enumerate(data)
    if inner is None:
        yield path, data
        return
    for key, value in inner:
        yield from _leaves(value, (*path, key))
