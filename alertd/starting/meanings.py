"""What the lines of a policy document mean, as tables: other words for a setting, sentences that hold one, and what is
left to people, each with the reason."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

# Keys that are called otherwise in rules/*.yaml: by a word of their section ("" for any) and the key.
ALIASES: Mapping[tuple[str, str], str] = {
    ("retention", "metrics"): "metrics_retention",
    ("retention", "logs"): "logs_retention",
    ("retention", "traces"): "traces_retention",
    ("", "rto"): "recovery_time",
    ("", "recovery_time_objective"): "recovery_time",
    ("", "rpo"): "recovery_point",
    ("", "recovery_point_objective"): "recovery_point",
    ("", "uptime"): "availability",
    ("", "latency"): "response_time",
    ("", "cpu"): "cpu_utilization",
    ("", "cpu_usage"): "cpu_utilization",
    ("", "memory"): "memory_utilization",
    ("", "memory_usage"): "memory_utilization",
}

_EVERY = "(?P<value>hourly|daily|weekly|monthly|quarterly|yearly)"


@dataclasses.dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that holds a setting: its group `value` is what `key` is set to."""

    pattern: re.Pattern[str]
    key: str


SENTENCES: tuple[Sentence, ...] = (
    Sentence(re.compile(rf"disaster recovery (is )?(tested|drilled|rehearsed) {_EVERY}", re.I), "recovery_drill"),
    Sentence(re.compile(rf"backup(s| integrity)? (is |are )?(validated|verified|checked) {_EVERY}", re.I),
             "backup_validation"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Left:
    """Lines that become no rule: those whose section and text hold these patterns, and why."""

    section: str
    line: str
    why: str


_DEPLOYMENT = "how a change is brought out is the deployment's; what it breaks is told by thresholds and budgets"

# The first that fits says why. Sections and keys are in lower case with `_`.
LEFT: tuple[Left, ...] = (
    Left("", "auto_scaling", "how quickly an autoscaler acts is its own setting; its limits are watched as node_count "
         "and max_nodes"),
    Left("autopilot|permission", "", "who approves what is decided by people; no metric shows it"),
    Left("", "disaster_recovery: automated", "it says how and not how well; how quickly and how fresh are RTO and RPO"),
    Left("", "data_encryption", "no metric shows what is encrypted at rest; the transit's certificates are a "
         "guardrail, `certificates: 14 days`"),
    Left("", "cross-region", "a capability has no limit; that it works is shown by a drill (`recovery_drill:`)"),
    Left("deployment_strategy", "", _DEPLOYMENT),
    Left("change_management", "maintenance", "when work is planned stands in `maintenance:` of routing.yaml"),
    Left("change_management", "", "approvals and procedures are people's; no metric shows them"),
    Left("incident_response", "24/7", "who is on call stands at PagerDuty, or in `rotas:` of routing.yaml, where "
         "`alertd check` finds hours without anybody"),
    Left("incident_response", "escalation", "who is told next stands in `escalation:` of routing.yaml"),
    Left("incident_response", "review", "people write it; `alertd incidents review ID` drafts it"),
    Left("incident_response", "detection", "that is what the rules are for; nothing to set"),
    Left("security_posture", "", "an aim without a limit; what can be measured of it stands under guardrails"),
    Left("_overview|environment_overview", "", "it describes, and sets nothing"),
)
DESCRIBES = "it names no limit that a metric could show"
UNKNOWN = "nothing that alertd watches is called so"
UNNAMED = "if that is a limit, write it as `name: value`, in a YAML block or as a bullet"
