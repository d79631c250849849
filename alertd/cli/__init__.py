"""The command line: one file a command, imported when it is called.

A file `alertd/cli/NAME.py` (`_` for `-`) offers `command`; SUMMARIES says its line of `alertd --help`. Help is asked
for more often than anything else, so this module answers it without the command-line library, which takes longer to
import than Python takes to start.
"""

from __future__ import annotations

import sys

SUMMARIES = {
    "access": "Make keys for programs and hashes of passwords: key, password.",
    "audit": "Verify and export the record of what people did.",
    "backup": "Copy a store that is in use, and prove the copy.",
    "check": "Find every fault in routing.yaml and rules/, without a network.",
    "demo": "Show the whole chain on this machine: no configuration, account or key.",
    "digest": "Look at the daily summary, or have it sent: preview, send.",
    "healthcheck": "Ask a daemon whether it is ready; for containers.",
    "incidents": "Look at incidents and take care of them: list, show, ack, review, stats.",
    "init": "Write routing.yaml, rules/ and alertmanager.yml to begin with.",
    "maintenance": "Plan work within which nobody is told: add, list, preview, end.",
    "notifications": "Look at the queue and the dead letters: list, show, retry, drop.",
    "oncall": "Say who is on call: who, list, export.",
    "restore": "Restore a backup, or prove that it can be.",
    "routes": "Explain and test who is told.",
    "rules": "Write Prometheus rules from rules/*.yaml, and test them.",
    "schema": "Print what an editor needs to know of a file: routing, rules, …",
    "send-test": "Send a marked test alert through the whole chain.",
    "serve": "Run the daemon.",
    "store": "Copy a store into another, such as SQLite into PostgreSQL: migrate.",
    "slo": "Error budgets: status, exclude, exclusions, undo.",
}

ABOUT = """\
Usage: alertd COMMAND [OPTIONS]

  alertd writes Prometheus rules from declared thresholds, and brings
  Alertmanager's webhooks to the right people: nothing lost, nothing twice.

  Start with `alertd demo`, then `alertd init`.
  `alertd COMMAND --help` says more of a command.
  Exit codes: 0 good, 1 findings or failure, 2 usage, 3 something is missing.

Options:
  --version   Show the version.
  -h, --help  Show this message.

Commands:
"""


def help_text() -> str:
    """What `alertd --help` says."""
    width = max(map(len, SUMMARIES))
    return ABOUT + "".join(f"  {name:<{width}}  {text}\n" for name, text in SUMMARIES.items())


def main() -> None:
    """The console script."""
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        sys.stdout.write(help_text())
        return
    from alertd.cli.group import group

    group(prog_name="alertd")
