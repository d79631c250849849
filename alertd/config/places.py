"""Where in rules/ an alert was declared: the line to change when it tells too much or too little."""

from __future__ import annotations

from pathlib import Path

from alertd.config import yaml
from alertd.errors import BadInput
from alertd.model import Labels
from alertd.rulegen.threshold import SHAPES

_THRESHOLDS = {shape.alert: watched.value for watched, shape in SHAPES.items()}
_OBJECTIVES = ("ErrorBudgetBurn", "ErrorBudgetLow", "IndicatorAbsent")


class Places:
    """The files of a folder, read once; none where there is no such folder."""

    def __init__(self, folder: Path) -> None:
        self._documents: list[yaml.Document] = []
        for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            try:
                self._documents.append(yaml.read(path, f"{folder.name}/{path.name}"))
            except BadInput:
                continue  # `alertd check` tells its faults; here it only says nothing

    def of(self, labels: Labels) -> str:
        """Such as `rules/production.yaml:5`; "" where the alert is none of these files'."""
        name, service = labels.get("alertname", ""), labels.get("service", "")
        paths: list[tuple[str, ...]] = []
        if name in _OBJECTIVES and service:
            paths = [("services", service, "slos", labels.get("slo", "")), ("services", service)]
        elif name in _THRESHOLDS:
            paths = [("services", service, "thresholds", _THRESHOLDS[name]), ("thresholds", _THRESHOLDS[name])]
        for path in paths:
            for document in self._documents:
                if line := document.line(path):
                    return f"{document.file}:{line}"
        return ""
