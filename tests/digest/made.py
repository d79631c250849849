"""Values for tests of digests."""

import datetime
from zoneinfo import ZoneInfo

from alertd.digest import Entry, Facts, Open, Seen, compose
from alertd.incidents import Known, decide
from alertd.model import DAY, HOUR, MINUTE, Severity
from alertd.slo.budget import Slo, Standing, Status
from alertd.slo.window import Rolling
from alertd.statistics import AlertKind, Case, Counts, Ring, Tally
from alertd.statistics.figures import GONE_SOON
from alertd.statistics.tally import slots_of
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


def still(*ats, severity=Severity.CRITICAL, more=0, kind="HighErrorRate of checkout"):
    """What is open since so many minutes after the digest's time began, and `more` for a day that are not named."""
    seen = [Seen(f"i{at}", kind, severity, SINCE + at * MINUTE) for at in ats]
    oldest = [one for one in seen if one.opened_at <= SINCE]
    critical = len(seen) if severity is Severity.CRITICAL else 0
    return Open(len(seen) + more, critical, len(oldest) + more, oldest)


def record(*ones, service="checkout", acknowledged=None, called=(), since=0):
    """What is known of incidents of one alert each: (name, when each began in minutes since the digest's time did, how
    long each lasted or None), acknowledged so many minutes later, and calls so many hours after the time began."""
    cases, kinds = [], {}
    for name, at, lasted in ones:
        opened = SINCE + at * MINUTE
        resolved = None if lasted is None else opened + lasted * MINUTE
        cases.append(Case(f"i{name}{at}", opened, None if acknowledged is None else opened + acknowledged * MINUTE,
                          resolved))
        if resolved is not None:
            kinds.setdefault(AlertKind(name, service), Counts()).add(Counts(
                1, int(resolved - opened <= GONE_SOON), 1, int(acknowledged is None)))
    rings = [Ring(SINCE + hours * HOUR, "on-call", None, "payments") for hours in called]
    return Tally(slots_of(cases, SINCE, T0), rings, kinds, since)


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
