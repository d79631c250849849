"""From facts to what a digest says: the verdict, what to do today, and the rest, worst first."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from alertd import escaping
from alertd.digest.due import Every
from alertd.digest.entries import MOST_SUMMARIES, Entry, summary, title
from alertd.digest.facts import Facts, Load, load_of, noise_of
from alertd.digest.model import BudgetLine, Digest, Section, Standing
from alertd.model import Millis
from alertd.slo.budget import Standing as Budget
from alertd.slo.budget import Status
from alertd.statistics import Noise
from alertd.times import duration

MOST = 15  # lines of a section, and objectives; a digest is read in a minute
TOP = 5  # kinds of noise, and of what has no runbook
WIDEST = 300  # characters of a line

_WORST = {Budget.EXHAUSTED: 0, Budget.AT_RISK: 1, Budget.UNKNOWN: 2, Budget.OK: 3}


def compose(receiver: str, date: datetime.date, zone: ZoneInfo, entries: Sequence[Entry], facts: Facts,
            every: Every = Every.DAY, before: Digest | None = None) -> Digest:
    """The digest of a local date. It is sent on a quiet day too, since silence could mean that alertd is gone.
    `before` is the last one, to compare budgets with."""
    load, statuses = load_of(facts, zone), facts.statuses or ()
    act = _act(facts, zone)
    budgets = _budgets(statuses, before)
    standing = _standing(facts, entries, act)
    sections = [_calls(load, every), *_collected(entries, zone), _noise(facts, zone), _changes(facts), _health(facts),
                _section("Not known", facts.gaps)]
    subject = escaping.line(_subject(date, every, load, statuses, entries), 200)
    return Digest(receiver, date.isoformat(), every.word, subject,
                  _verdict(facts, load, entries, every), standing, act, tuple(budgets[:MOST]),
                  max(0, len(budgets) - MOST), tuple(one for one in sections if one.lines),
                  f"{_when(facts.since, zone)} to {_when(facts.until, zone)}",
                  f"You get this because the receiver {receiver!r} of routing.yaml names this address.")


def _subject(date: datetime.date, every: Every, load: Load, statuses: Sequence[Status], entries: Sequence[Entry]
             ) -> str:
    risk = [status for status in statuses if status.state in (Budget.AT_RISK, Budget.EXHAUSTED)]
    said = [_count(load.now.calls, "page")] if load.now.calls else []
    if risk:
        names = ", ".join(sorted({status.slo.service for status in risk})[:3])
        said.append(f"{_count(len(risk), 'SLO')} at risk ({names})")
    if burning := sum(entry.burning for entry in entries):
        said.append(f"{burning} still open")
    return f"alertd {every.word} {date.isoformat()}: " + (", ".join(said) or "quiet, no pages")


def _verdict(facts: Facts, load: Load, entries: Sequence[Entry], every: Every) -> str:
    """One sentence: what happened, against the time before and what is usual."""
    said = [_calls_in_words(load, every)]
    statuses = facts.statuses or ()
    gone = [status for status in statuses if status.state is Budget.EXHAUSTED]
    risk = [status for status in statuses if status.state is Budget.AT_RISK]
    unknown = [status for status in statuses if status.state is Budget.UNKNOWN]
    for ones, words in ((gone, "spent"), (risk, "at risk"), (unknown, "not known")):
        if ones:
            said.append(f"{_count(len(ones), 'budget')} {'is' if len(ones) == 1 else 'are'} {words}")
    if statuses and not gone and not risk and not unknown:
        said.append("every budget is safe" if len(statuses) > 1 else "the budget is safe")
    said.append(f"{_count(facts.open.number, 'incident')} still open" if facts.open.number else "nothing is open")
    if entries:
        ended = sum(not entry.burning for entry in entries)
        said.append(f"{_count(len(entries), 'notice')} collected, {ended} of them resolved")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _calls_in_words(load: Load, every: Every) -> str:
    usual = f"a usual {every.span} has {load.usual:g}" if load.usual is not None else ""
    if not load.now.calls:
        return f"quiet: nobody was paged{f' ({usual})' if load.usual else ''}"
    if load.before is None:
        return f"{_count(load.now.calls, 'page')}; of the {every.span} before nothing is known"
    change = load.now.calls - load.before
    against = f"as many as the {every.span} before" if not change else \
        f"{abs(change)} {'more' if change > 0 else 'fewer'} than the {every.span} before"
    return f"{_count(load.now.calls, 'page')}, {against}{f' ({usual})' if usual else ''}"


def _standing(facts: Facts, entries: Sequence[Entry], act: Section) -> Standing:
    statuses = facts.statuses or ()
    if act.lines or facts.open.critical:
        return Standing.ATTENTION
    if facts.gaps or any(status.state is Budget.UNKNOWN for status in statuses):
        return Standing.UNKNOWN
    return Standing.ATTENTION if any(entry.burning for entry in entries) else Standing.OK


def _act(facts: Facts, zone: ZoneInfo) -> Section:
    """What somebody should do today."""
    lines: list[str] = []
    for status in sorted(facts.statuses or (), key=_worst):
        if status.state in (Budget.EXHAUSTED, Budget.AT_RISK):
            lines.append(f"{_name(status)}: {_left(status.budget_remaining)}{_forecast(status, zone)}")
    lines += [f"open for {duration(facts.until - one.opened_at)}: {one.kind} ({one.severity.value}, {one.id})"
              for one in facts.open.oldest]
    if (more := facts.open.old - len(facts.open.oldest)) > 0:
        lines.append(f"open for a day and longer: {_count(more, 'incident')} more")
    if facts.dead:
        why = f": {facts.dead_reasons[0]}" if facts.dead_reasons else ""
        lines.append(f"{_count(facts.dead, 'message')} could not be delivered{why} (alertd notifications list "
                     "--state dead)")
    lines += [f"ends {_when(one.ends_at, zone)}: {one.name}{f', by {one.creator}' if one.creator else ''}"
              for one in sorted(facts.endings, key=lambda one: one.ends_at)]
    if bare := facts.bare:
        lines.append(f"no runbook: {', '.join(bare[:TOP])}{_more(len(bare) - TOP)}; add runbook_url to the rule")
    return _section("Act today", lines)


def _budgets(statuses: Sequence[Status], before: Digest | None) -> list[BudgetLine]:
    past = {line.name: line.left for line in before.budgets} if before else {}
    found = []
    for status in sorted(statuses, key=_worst):
        name, left = _name(status), status.budget_remaining
        then = past.get(name)
        change = left - then if left is not None and then is not None else None
        asked = f"{status.slo.objective * 100:g} % of {status.slo.window.said}"
        found.append(BudgetLine(escaping.line(name, WIDEST), asked, left, change, status.state.value,
                                escaping.line(status.reason, WIDEST)))
    return found


def _worst(status: Status) -> tuple[int, float, str]:
    return _WORST[status.state], status.budget_remaining if status.budget_remaining is not None else 0.0, status.id


def _name(status: Status) -> str:
    group = ", ".join(f"{key}={value}" for key, value in sorted(status.labels.items()))
    return f"{status.slo.service} {status.slo.slo}{f' ({group})' if group else ''}"


def _left(left: float | None) -> str:
    if left is None:
        return "what is left of its budget is not known"
    return f"{left:.0%} of its budget is left" if left > 0 else f"its budget is overspent by {-left:.0%}"


def _forecast(status: Status, zone: ZoneInfo) -> str:
    if status.forecast.exhausted_at is not None:
        return f"; as things go it is gone by {_when(status.forecast.exhausted_at, zone)}"
    if status.forecast.back_at is not None:
        return f"; as things go some is back by {_when(status.forecast.back_at, zone)}"
    return ""


def _calls(load: Load, every: Every) -> Section:
    past = f"the {every.span} before {load.before}, usually {load.usual:g}" if load.usual is not None else \
        f"of the {every.span} before nothing is known"
    lines = [f"{_count(load.now.calls, 'page')}, {load.now.calls_out_of_hours} out of hours; {past}",
             f"acknowledged after {_time(load.now.mtta)}, resolved after {_time(load.now.mttr)} on average"]
    lines += [f"{team or 'no team'}: {number}, {late} out of hours" for team, number, late in load.teams[:MOST]]
    return _section("Pages", lines, max(0, len(load.teams) - MOST))


def _collected(entries: Sequence[Entry], zone: ZoneInfo) -> list[Section]:
    ordered = sorted(entries, key=lambda entry: entry.order)
    return [_entries("Still open", [one for one in ordered if one.burning], zone),
            _entries("Resolved", [one for one in ordered if not one.burning], zone)]


def _entries(heading: str, entries: Sequence[Entry], zone: ZoneInfo) -> Section:
    lines: list[str] = []
    for entry in entries[:MOST]:
        incident = entry.incident
        lines.append(f"{incident.severity.value} {title(entry)}, {_when(incident.opened_at, zone)}, {incident.id}")
        lines += [f"  {summary(alert)}" for alert in entry.alerts[:MOST_SUMMARIES]]
        if (more := incident.alerts - len(entry.alerts[:MOST_SUMMARIES])) > 0:
            lines.append(f"  +{more} more")
    return _section(heading, lines, max(0, len(entries) - MOST))


def _noise(facts: Facts, zone: ZoneInfo) -> Section:
    found = noise_of(facts, zone)
    return _section("Noise", (_noisy(one, facts.places.get(one.kind, "")) for one in found[:TOP]),
                    max(0, len(found) - TOP))


def _noisy(noise: Noise, place: str) -> str:
    odd = [f"{noise.gone_soon} over within 5 minutes"] if noise.gone_soon else []
    odd += ["flapping"] if noise.flapping_days else []
    odd += ["never acknowledged"] if noise.incidents and noise.never_acknowledged == noise.incidents else []
    within = f" in {_count(noise.incidents, 'incident')}" if noise.incidents not in (0, noise.episodes) else ""
    return f"{noise.episodes:,} x {noise.kind or 'an alert without a name'}{within}" + (
        f": {', '.join(odd)}" if odd else "") + (f"; tune it in {place}" if place else "")


def _changes(facts: Facts) -> Section:
    if facts.changes is None:
        return _section("Changed", ())
    return _section("Changed", (f"{one.commit[:10]} {one.subject} ({one.author}; {', '.join(one.files[:3])}"
                                f"{_more(len(one.files) - 3)})" for one in facts.changes))


def _health(facts: Facts) -> Section:
    slow = f", 95 % within {facts.delay_p95 / 1000:.1f} s" if facts.delay_p95 is not None else ""
    lines = [f"{_count(facts.webhooks, 'webhook')} taken, {_count(facts.delivered, 'message')} delivered{slow}, "
             f"{facts.dead} not deliverable"]
    if facts.audit_head:
        lines.append(f"head of the audit: {facts.audit_head}")
    return _section("alertd itself", lines)


def _section(heading: str, lines: Iterable[str], more: int | None = None) -> Section:
    """The first lines, made harmless; `more`: how many things were left out, where lines are not what is counted."""
    every = tuple(lines)
    shown = every if more is not None else every[:MOST]
    return Section(heading, tuple(_clean(line) for line in shown), len(every) - len(shown) if more is None else more)


def _clean(line: str) -> str:
    """In one line, and no longer than one reads; what belongs to the line above stays moved in."""
    return f"  {escaping.line(line, WIDEST)}" if line.startswith("  ") else escaping.line(line, WIDEST)


def _when(at: Millis, zone: ZoneInfo) -> str:
    return f"{datetime.datetime.fromtimestamp(at / 1000, zone):%a %d %b %H:%M %Z}"


def _time(length: Millis | None) -> str:
    return "an unknown time" if length is None else duration(length)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _more(number: int) -> str:
    return f" +{number} more" if number > 0 else ""


