"""What there is to say of the windows of objectives: one that Prometheus forgets, one that it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from alertd.config import rules_model
from alertd.config.yaml import Document
from alertd.errors import Finding
from alertd.model import Millis
from alertd.rulegen import promql
from alertd.rulegen.declared import Objective


def forgotten(files: Iterable[tuple[Document, Mapping[str, rules_model.Service]]], retention: Millis | None
              ) -> Iterator[Finding]:
    """A window that reaches behind what Prometheus keeps would quietly be shorter than it says."""
    for document, services in files if retention is not None else ():
        for service, model in services.items():
            for name, slo in model.slos.items():
                if retention is not None and slo.rolling > retention:
                    window, kept = promql.duration(slo.rolling), promql.duration(retention)
                    yield document.finding(
                        ("services", service, "slos", name, "window"),
                        f"the window {window} of {name!r} is longer than the {kept} that metrics are kept",
                        "shorten it, or keep metrics longer (`retention:` says how long)", id="retention")


def by_the_calendar(document: Document, path: tuple[str, ...], objective: Objective) -> Iterator[Finding]:
    """Prometheus has no calendar: its alerts are of the rolling window that is most like the period."""
    if objective.calendar is not None:
        yield document.finding(
            (*path, "window"), f"{' '.join(path[1::2])}: Prometheus' alerts are of the last "
            f"{promql.duration(objective.window)}, as it has no calendar; alertd's ledger has the budget of "
            f"{objective.calendar.said}", id="calendar", level="remark")
