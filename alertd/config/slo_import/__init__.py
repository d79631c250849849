"""SLOs of other tools as YAML for rules/: Sloth v1, Pyrra and OpenSLO v1.

Whatever a file says is either carried over or listed: a reader takes the keys it understands, and every key that nobody
took is told (`taking`). A query is recognised where a preset counts the same thing (`recognise`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from alertd.config.slo_import import openslo, pyrra, sloth, writing
from alertd.config.slo_import.taking import Part, Slo
from alertd.config.yaml import MOST_BYTES, Document, parse
from alertd.errors import BadInput, Finding
from alertd.presets import Preset

_READERS: Mapping[str, Callable[[list[Part]], Iterator[Slo]]] = {
    "sloth": sloth.read, "pyrra": pyrra.read, "openslo": openslo.read}


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """`text` is YAML for rules/, empty where no SLO could be carried over; `left` is all that was not."""

    text: str
    left: tuple[Finding, ...]


def load(path: Path, presets: Mapping[str, Preset]) -> Imported:
    """Reads a file of one or more YAML documents. Raises BadInput where it is none, or of no format known here."""
    parts = [Part(document) for document in _documents(path)]
    kinds = {_kind(part) for part in parts}
    if len(kinds) != 1 or None in kinds:
        raise BadInput([Finding(str(path), 1, 1, "is no file of Sloth v1, Pyrra or OpenSLO v1",
                                "give one of these, not several kinds in one file", "import")])
    slos = list(_READERS[next(kind for kind in kinds if kind)](parts))
    text, left = writing.written(slos, presets)
    return Imported(text, tuple(sorted([*left, *(finding for part in parts for finding in part.untaken())])))


def _documents(path: Path) -> list[Document]:
    """Each document with the lines of the whole file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            what = f"is larger than {MOST_BYTES // 1_000_000} MB"
            raise BadInput([Finding(str(path), 0, 0, what, "split it", "file")])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([Finding(str(path), 0, 0, f"cannot be read: {error}", "", "file")]) from error
    documents, before = [], 0
    for body in re.split(r"^---[^\n]*$", text, flags=re.MULTILINE):
        document = parse("\n" * before + body, str(path))
        before += body.count("\n")
        if document.data is not None:
            documents.append(document)
    return documents


def _kind(part: Part) -> str | None:
    version = str(part.peek("apiVersion") or part.peek("version") or "")
    for start, kind in (("prometheus/v1", "sloth"), ("sloth.slok.dev/v1", "sloth"), ("pyrra.dev/", "pyrra"),
                        ("openslo/v1", "openslo"), ("openslo.com/v1", "openslo")):
        if version == start or (start.endswith("/") and version.startswith(start)):
            return kind
    return None
