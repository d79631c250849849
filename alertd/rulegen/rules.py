"""Prometheus' rule files as values. https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from alertd.model import Millis


@dataclasses.dataclass(frozen=True, slots=True)
class RecordingRule:
    record: str
    expr: str
    labels: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class AlertRule:
    """`lasting` is Prometheus' `for`, how long the expression must hold; `keep_firing` is `keep_firing_for`, how long
    the alert outlives it."""

    alert: str
    expr: str
    lasting: Millis
    keep_firing: Millis
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Rules evaluated in this order, so that a record is there for the alert after it. Without an `interval` that of
    the server holds. `labels` are some that all its rules have, which newer servers can be told once."""

    name: str
    rules: tuple[RecordingRule | AlertRule, ...]
    interval: Millis | None = None
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class RuleFile:
    """`name` is the file's name without `.rules.yaml`."""

    name: str
    groups: tuple[Group, ...]
