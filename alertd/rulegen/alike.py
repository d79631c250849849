"""Services that differ in nothing but their names are written once: the first one's text with marks in the places of
its name and of its selector's plain values, which are then filled in for each. A thousand services are of a handful of
shapes, and a text of half a megabyte is filled in within a millisecond.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator

from alertd.matchers import Matcher
from alertd.rulegen import emit, yaml_text
from alertd.rulegen.declared import Service
from alertd.rulegen.rules import AlertRule

MOST = 50  # shapes that are kept: memory stays flat where every service has its own
# What looks the same in PromQL, in YAML and in a file's name, wherever it stands.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MARK = "alertd0mark"


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """What is written for a service: its texts by what follows its name in their files' names, and its alerts."""

    texts: tuple[tuple[str, str], ...]
    alerts: tuple[AlertRule, ...]


class Shapes:
    """Writes services by `write`, those of one shape once."""

    def __init__(self, write: Callable[[Service], Written]) -> None:
        self._write = write
        self._known: OrderedDict[str, Written | None] = OrderedDict()

    def written(self, service: Service) -> Written:
        """What `write` gives for `service`."""
        shape, values = _shape(service)
        if not values:
            return self._write(service)
        key = emit.digest(shape)
        if key not in self._known:
            self._known[key] = self._template(shape)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        template = self._known[key]
        return _filled(template, values) if template else self._write(service)

    def _template(self, shape: Service) -> Written | None:
        try:
            return self._write(shape)
        except ValueError:  # no label can have that value beside what else is asked of it
            return None


def _shape(service: Service) -> tuple[Service, dict[str, str]]:
    """The service with marks in it, and what stands in their places; none where there is more to it than a preset:
    what it names itself may be the same series as the preset's, which marks would tell apart."""
    plain = all(objective.symptom for objective in service.objectives)
    if not plain or not _same_everywhere(service.name):
        return service, {}
    values = {f"{_MARK}0s": service.name}
    named = Counter(matcher.label for matcher in service.selector)
    selector = []
    for matcher in service.selector:
        if matcher.op == "=" and named[matcher.label] == 1 and _same_everywhere(matcher.value):
            mark = f"{_MARK}{len(values)}s"
            values[mark] = matcher.value
            selector.append(Matcher(matcher.label, "=", mark))
        else:
            selector.append(matcher)
    name = next(iter(values))
    return dataclasses.replace(service, name=name, selector=tuple(selector), source=""), values


def _same_everywhere(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and yaml_text.plain(value) and _MARK not in value


def _filled(template: Written, values: dict[str, str]) -> Written:
    def fill(text: str) -> str:
        for mark, value in values.items():
            text = text.replace(mark, value)
        return text

    return Written(tuple((name, fill(text)) for name, text in template.texts),
                   tuple(_rules(template.alerts, fill)))


def _rules(alerts: tuple[AlertRule, ...], fill: Callable[[str], str]) -> Iterator[AlertRule]:
    for alert in alerts:
        labels, annotations = ({name: fill(text) for name, text in part.items()}
                               for part in (alert.labels, alert.annotations))
        yield dataclasses.replace(alert, expr=fill(alert.expr), labels=labels, annotations=annotations)
