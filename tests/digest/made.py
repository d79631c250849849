"""Values for tests of digests."""

import datetime
from zoneinfo import ZoneInfo

from alertd.digest import Entry, Facts, Seen, compose
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


def seen(name="HighErrorRate", *, at=0, resolved=10, service="checkout", runbook=True):
    """One incident, by minutes since the digest's time began."""
    opened = SINCE + at * MINUTE
    return Seen(f"i{name}{at}", name, service, Severity.CRITICAL, opened,
                opened + resolved * MINUTE if resolved is not None else None, runbook)


def record(*ones, acknowledged=None, called=(), since=0):
    """What is known of these incidents, each of one alert: acknowledged so many minutes after they began, and calls so
    many hours after the digest's time did."""
    cases = [Case(one.id, one.opened_at, None if acknowledged is None
                  else one.opened_at + acknowledged * MINUTE, one.resolved_at) for one in ones]
    kinds = {}
    for one in ones:
        if one.resolved_at is not None:
            kinds.setdefault(AlertKind(one.name, one.service), Counts()).add(Counts(
                1, int(one.resolved_at - one.opened_at <= GONE_SOON), 1, int(acknowledged is None)))
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
