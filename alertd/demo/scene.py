"""The files of the demo: who is told, what is watched, and how Prometheus and Alertmanager are set up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

RULES = """\
# The production environment's thresholds. CPU is declared as info here, so that every severity is seen.
thresholds:
  error_rate: 0.5%
  memory_utilization: [{above: 75%, for: 3m, severity: warning}]
  cpu_utilization: [{above: 70%, for: 3m, severity: info}]
services:
  checkout: {metrics: prometheus-http, selector: 'job="checkout"'}
"""

_ROUTING = """\
# The production environment's table, its vendors played by stand-ins on this machine.
defaults:
  pagerduty: {{url: {pagerduty}, routing_key: 0123456789abcdef0123456789abcdef}}
  slack: {{api_url: {slack}, token: xoxb-demo, rate: none}}
  email: {{smarthost: "{smtp}", from: alertd@example.com, require_tls: false, rate: none}}
receivers:
  on-call:       {{pagerduty: {{}}}}
  management:    {{style: management, email: {{to: [management@example.com]}}, slack: {{channel: "#leadership"}}}}
  slack:         {{slack: {{channel: "#alerts"}}}}
  platform-team: {{slack: {{channel: "#platform"}}}}
  daily-summary: {{digest: {{at: "08:00", timezone: Europe/Berlin, email: {{to: [sre@example.com]}}}}}}
routes:
  critical: on-call + management + slack
  warning: on-call + platform-team
  info: platform-team + daily-summary
"""

_DURATION = re.compile(r"(?<=\[)(\d+)m(?=\])|(?<=\boffset )(\d+)m\b")


def routing(*, pagerduty: str, slack: str, smtp: str) -> str:
    """routing.yaml for stand-ins at these addresses."""
    return _ROUTING.format(pagerduty=pagerduty, slack=slack, smtp=smtp)


def hurried(rules: str) -> str:
    """The rules with every minute made a second: ranges, offsets, `for` and `keep_firing_for`."""
    content: dict[str, Any] = yaml.safe_load(rules)
    for group in content["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _DURATION.sub(lambda found: f"{found[1] or found[2]}s", rule["expr"])
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = re.sub(r"^(\d+)m$", r"\1s", rule[key])
    return yaml.safe_dump(content, sort_keys=False, width=1000)


def hurry(folder: Path) -> None:
    """Make every rule file in `folder` a hurried one."""
    for path in folder.glob("*.rules.yaml"):
        path.write_text(hurried(path.read_text(encoding="utf-8")), encoding="utf-8")


def prometheus(*, target: int, alertmanager: int) -> str:
    """prometheus.yml: looks every second, at the service and its machine on one port."""
    address = f"127.0.0.1:{target}"
    return _yaml({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules/generated/*.rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [
            {"job_name": "checkout", "static_configs": [{"targets": [address]}]},
            {"job_name": "node", "metrics_path": "/node/metrics", "static_configs": [{"targets": [address]}]},
        ],
    })


def alertmanager(*urls: str) -> str:
    """alertmanager.yml: tells every change at once, to alertd."""
    return _yaml({
        "route": {"receiver": "alertd", "group_by": ["alertname", "service"], "group_wait": "0s",
                  "group_interval": "1s", "repeat_interval": "1h"},
        "receivers": [{"name": "alertd", "webhook_configs": [{"url": url, "send_resolved": True} for url in urls]}],
    })


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False)
