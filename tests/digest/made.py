"""Values for tests of digests."""

import datetime
from zoneinfo import ZoneInfo

from alertd.digest import Entry, Facts, Page, Seen, compose
from alertd.incidents import Known, decide
from alertd.model import DAY, HOUR, MINUTE, Severity
from alertd.slo.budget import Slo, Standing, Status
from alertd.slo.window import Rolling
from tests.reports import T0, routing, webhook

BERLIN = ZoneInfo("Europe/Berlin")
DATE = datetime.date(2027, 1, 15)
SINCE = T0 - DAY  # T0 is a Friday, 09:00 in Berlin


def entry(*alerts):
    """An incident of these alerts, collected."""
    known = Known()
    changes = decide(webhook(*alerts), known, routing(), T0)
    known.apply(changes)
    return Entry(changes.incidents[0], changes.alerts)


def seen(name="HighErrorRate", *, at=0, acknowledged=None, resolved=10, severity=Severity.CRITICAL, service="checkout",
         runbook=True, number=1):
    """One incident, by minutes since the digest's time began."""
    opened = SINCE + at * MINUTE
    return Seen(f"i{name}{at}{number}", name, {"alertname": name, "service": service}, "payments", severity, opened,
                opened + acknowledged * MINUTE if acknowledged is not None else None,
                opened + resolved * MINUTE if resolved is not None else None, runbook)


def page(one, hours=0):
    """A call about it, some hours after the digest's time began."""
    return Page(SINCE + hours * HOUR, one.id if one else "before", "payments")


def status(service="checkout", left=0.5, state=Standing.OK, **more):
    """How an objective stands."""
    slo = Slo(service, "availability", 0.999, Rolling(30 * DAY))
    return Status(f"{service}/availability", slo, {}, T0, T0 - 30 * DAY, state, budget_remaining=left, **more)


def digest(*entries, before=None, **more):
    """What it says of these facts."""
    return compose("daily-summary", DATE, BERLIN, entries, Facts(SINCE, T0, **more), before=before)


def section(made, heading):
    """The lines below a heading."""
    return next((one.lines for one in made.sections if one.heading == heading), ())
