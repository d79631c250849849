"""What a digest says."""

import dataclasses

import pytest

from alertd.digest import Change, Ending, Facts
from alertd.digest.facts import load_of
from alertd.digest.model import Standing
from alertd.model import HOUR, MINUTE, Severity
from alertd.slo.budget import Standing as Budget
from alertd.slo.forecast import Forecast
from alertd.statistics import AlertKind, Counts
from tests.digest.made import BERLIN, SINCE, digest, entry, record, section, status, still
from tests.reports import T0, reported


def test_a_quiet_day_is_said():
    """Silence could mean that alertd is gone."""
    made = digest(statuses=[status()])
    assert made.subject == "alertd daily 2027-01-15: quiet, no pages"
    assert made.verdict == "Quiet: nobody was paged; the budget is safe; nothing is open."
    assert made.standing is Standing.OK


def test_the_verdict_compares_with_the_day_before_and_a_usual_one():
    """Three pages; one the day before, and a median of one in the week before."""
    made = digest(record=record(called=[1, 2, 3]), past=[1] * 7)
    assert made.verdict.startswith("3 pages, 2 more than the day before (a usual day has 1);")
    assert made.subject == "alertd daily 2027-01-15: 3 pages"


def test_what_was_before_the_first_webhook_is_not_a_quiet_time():
    """Of days that were not recorded nothing is known, and nothing is compared."""
    made = digest(record=record(called=[1], since=SINCE))
    assert made.verdict.startswith("1 page; of the day before nothing is known;")
    assert section(made, "Pages")[0] == "1 page, 0 out of hours; of the day before nothing is known"


def test_the_worst_budget_stands_first():
    """Spent, at risk, unknown, and only then what is well."""
    made = digest(statuses=[status("a", 0.9), status("b", None, Budget.UNKNOWN, reason="no rules"),
                            status("c", -0.2, Budget.EXHAUSTED), status("d", 0.1, Budget.AT_RISK)])
    assert [line.name[0] for line in made.budgets] == ["c", "d", "b", "a"]
    assert made.budgets[2].left is None
    assert "1 budget is spent; 1 budget is at risk; 1 budget is not known" in made.verdict
    assert "SLOs at risk (c, d)" in made.subject


def test_what_is_not_known_is_never_well():
    """An unknown budget alone makes the day unknown."""
    made = digest(statuses=[status("b", None, Budget.UNKNOWN, reason="no rules")], gaps=["1 of 1 budgets: no rules"])
    assert made.standing is Standing.UNKNOWN
    assert section(made, "Not known") == ("1 of 1 budgets: no rules",)


def test_a_budget_is_compared_with_the_digest_before():
    """In the same objective."""
    before = digest(statuses=[status(left=0.7)])
    assert digest(statuses=[status(left=0.6)], before=before).budgets[0].change == pytest.approx(-0.1)
    assert digest(statuses=[status("new")], before=before).budgets[0].change is None


def test_what_to_do_today():
    """Budgets, what is open for a day, what could not be told, what ends, what has no runbook."""
    made = digest(
        statuses=[status(left=0.1, state=Budget.AT_RISK, forecast=Forecast(exhausted_at=T0 + 9 * HOUR))],
        open=still(-600, 5), bare=["DiskFull of checkout"], dead=2,
        dead_reasons=["Slack answered channel_not_found"], endings=[Ending("move", T0 + HOUR, "jane")])
    assert made.act.lines == (
        "checkout availability: 10% of its budget is left; as things go it is gone by Fri 15 Jan 18:00 CET",
        "open for 1 d 10 h: HighErrorRate of checkout (critical, i-600)",
        "2 messages could not be delivered: Slack answered channel_not_found (alertd notifications list --state dead)",
        "ends Fri 15 Jan 10:00 CET: move, by jane",
        "no runbook: DiskFull of checkout; add runbook_url to the rule")
    assert made.standing is Standing.ATTENTION


def test_of_much_that_is_open_the_oldest_are_named():
    """The rest is a number, so that what stands after it is read too."""
    made = digest(open=still(-600, -500, more=38), dead=2)
    assert [line.partition(":")[0] for line in made.act.lines[:2]] == ["open for 1 d 10 h", "open for 1 d 8 h"]
    assert made.act.lines[2] == "open for a day and longer: 38 incidents more"
    assert made.act.lines[3].startswith("2 messages could not be delivered")


def test_a_critical_incident_that_is_open_needs_somebody():
    """Whatever else is well; one that is less severe does not by itself."""
    assert digest(open=still(5)).standing is Standing.ATTENTION
    assert digest(open=still(5, severity=Severity.WARNING)).standing is Standing.OK


def test_pages_out_of_hours_and_by_team():
    """SINCE is a Thursday, 09:00 in Berlin: nine hours later the office is closed."""
    load = load_of(Facts(SINCE, T0, record=record(("HighErrorRate", 0, 30), acknowledged=4, called=[1, 9, 20])), BERLIN)
    assert (load.now.calls, load.now.calls_out_of_hours, load.teams) == (3, 2, (("payments", 3, 2),))
    assert (load.now.mtta, load.now.mttr) == (4 * MINUTE, 30 * MINUTE)


def test_times_nobody_knows_are_not_made_up():
    """Nothing was acknowledged, nothing ended."""
    made = digest(record=record(("HighErrorRate", 0, None)))
    assert "acknowledged after an unknown time, resolved after an unknown time" in section(made, "Pages")[1]


def test_noise_names_the_place_to_tune():
    """The kinds that came most often, what is odd about them, file and line."""
    kept = record(*(("HighErrorRate", at, 2) for at in (1, 20, 40)), ("Once", 0, 40))
    kept.kinds["HighErrorRate", "checkout"].flapped.add(SINCE)
    made = digest(record=kept, places={"HighErrorRate of checkout": "rules/production.yaml:7"})
    assert section(made, "Noise") == (
        "3 x HighErrorRate of checkout: 3 over within 5 minutes, flapping, never acknowledged; "
        "tune it in rules/production.yaml:7",)


def test_many_instances_of_one_incident_are_said_to_be_one():
    """Five of them are not five times that somebody was told."""
    kinds = {AlertKind("HighErrorRate", "checkout"): Counts(5, 0, 1)}
    made = digest(record=dataclasses.replace(record(), kinds=kinds))
    assert section(made, "Noise") == ("5 x HighErrorRate of checkout in 1 incident",)


def test_changes_are_named_with_their_commit():
    """Who changed rules or routes; nothing is said where there is no repository."""
    change = Change("0123456789abcdef", "Jane", "Watch disks", ("rules/a.yaml",))
    assert section(digest(changes=[change]), "Changed") == ("0123456789 Watch disks (Jane; rules/a.yaml)",)
    assert section(digest(changes=None), "Changed") == ()


def test_what_was_collected_is_listed():
    """With its summaries; what does not fit is counted."""
    made = digest(entry(*(reported(f"n{number}", severity="info") for number in range(9))))
    lines = section(made, "Still open")
    assert sum("is broken" in line for line in lines) == 5
    assert lines[-1] == "  +4 more"
    assert made.subject.endswith("1 still open")


def test_a_text_keeps_to_its_line():
    """Line breaks in an annotation do not make lines of the digest."""
    made = digest(entry(reported("a\nSubject: x", severity="info")))
    assert all("\n" not in line for one in made.sections for line in one.lines)
