"""Rule files as objects of the Prometheus operator.
https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterator, Mapping

SUFFIX = ".prometheusrule.yaml"
# The operator puts objects into ConfigMaps and refuses larger ones:
# https://github.com/prometheus-operator/prometheus-operator/issues/5085
MOST_BYTES = 512 * 1024

_GROUPS = re.compile(r"^groups:\n", re.MULTILINE)
_GROUP = re.compile(r"^( *)- name:", re.MULTILINE)


class TooLarge(ValueError):
    """One group is larger than an object may be; the rules of a group cannot be parted."""


def objects(files: Mapping[str, str]) -> dict[str, str]:
    """An object for each `NAME.rules.yaml` of `files`, by its file name; several where one would be too large. Raises
    TooLarge."""
    found: dict[str, str] = {}
    for file, text in files.items():
        if file.endswith(".rules.yaml"):
            name = file.removesuffix(".rules.yaml")
            for number, body in enumerate(_parts(name, text), start=1):
                found[name + (f".{number}" if number > 1 else "") + SUFFIX] = body
    return found


def _parts(name: str, text: str) -> Iterator[str]:
    """The groups in as many objects as they need, in their order."""
    start = _GROUPS.search(text)
    assert start, f"{name} has no groups"
    header, groups = text[:start.start()], _split(text[start.end():])
    taken: list[str] = []
    number = 1
    for group in groups:
        if taken and _size(_object(header, name, number, [*taken, group])) >= MOST_BYTES:
            yield _object(header, name, number, taken)
            taken, number = [], number + 1
        taken.append(group)
        if _size(_object(header, name, number, taken)) >= MOST_BYTES:
            raise TooLarge(f"{name}: one group is over the {MOST_BYTES // 1024} KiB of a PrometheusRule")
    yield _object(header, name, number, taken)


def _size(text: str) -> int:
    return len(text.encode())


def _split(groups: str) -> list[str]:
    first = _GROUP.match(groups)
    if first is None:
        return [groups]
    starts = [found.start() for found in _GROUP.finditer(groups) if found[1] == first[1]]
    return [groups[at:to] for at, to in zip(starts, [*starts[1:], len(groups)], strict=True)]


def _object(header: str, name: str, number: int, groups: list[str]) -> str:
    body = textwrap.indent("".join(groups), "  ")  # indented as a whole, a block of text stays what it is
    return (f"{header}apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n"
            f"  name: {_called(name, number)}\n  labels:\n    app.kubernetes.io/managed-by: alertd\n"
            f"spec:\n  groups:\n{body}")


def _called(name: str, number: int) -> str:
    """A name Kubernetes takes (lower case, no underscore); a digest keeps apart what it would make one."""
    plain = re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")
    if plain == name and number == 1:
        return f"alertd-{plain}"
    return f"alertd-{plain}-{hashlib.sha256(f'{name}/{number}'.encode()).hexdigest()[:8]}"
