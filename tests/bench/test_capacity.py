"""The capacity model beside what was measured, and the page that it wrote the figures of."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.capacity import BUSY, Costs, Estate, Load, busy, everyday, milliseconds, most, outage, shards

PAGE = Path(__file__).parents[2] / "docs/capacity.md"
# Milliseconds of a core that the daemon's process had for each webhook, on a quiet machine at 100 a second (50 of the
# largest). At 30 a second, where cores rest between two, the same takes them 4.9 to 6.1; at 200, 2.7 to 3.5
MEASURED = [
    (Load(1, 1), 1.27), (Load(1, 10), 1.29),
    (Load(1, 1, pagerduty=1), 2.98), (Load(1, 10, pagerduty=1), 3.24), (Load(1, 1, slack=1), 3.24),
    (Load(1, 1, slack=1, pagerduty=1), 3.98), (Load(1, 10, slack=1, pagerduty=1), 4.2),
    (Load(1, 64, slack=1, pagerduty=1), 6.36),
]
LARGE = Estate(100_000)


@pytest.mark.parametrize(("load", "measured"), MEASURED)
def test_the_model_is_near_what_was_measured(load: Load, measured: float) -> None:
    """Within 25 % of every point: four constants for eight points."""
    assert milliseconds(load, Costs()) == pytest.approx(measured, rel=0.25)


def test_twice_the_webhooks_are_twice_the_work() -> None:
    """And the most that is carried is where BUSY is reached."""
    load = Load(10, slack=1)
    assert busy(Load(20, slack=1), Costs()) == pytest.approx(2 * busy(load, Costs()))
    assert busy(Load(most(load, Costs()), slack=1), Costs()) == pytest.approx(BUSY)


def test_shards_are_as_many_as_the_work_needs() -> None:
    """An ordinary day of 100,000 services is one daemon's; each further share of work is one more."""
    assert shards(everyday(LARGE), Costs()) == 1
    assert shards(Load(most(Load(1), Costs()) * 2.5), Costs()) == 3


@pytest.mark.parametrize(("figure", "value"), [
    ("repeats of 10 alerts", most(Load(1), Costs())),
    ("10 alerts, one message to Slack", most(Load(1, slack=1), Costs())),
    ("10 alerts, a page and a message to Slack", most(Load(1, slack=1, pagerduty=1), Costs())),
])
def test_the_page_says_what_the_model_says(figure: str, value: float) -> None:
    """The table of what one daemon carries, to ten webhooks."""
    assert f"| {figure} | {round(value, -1):.0f} |" in PAGE.read_text()


def test_the_page_says_what_a_large_estate_needs() -> None:
    """Its ordinary second and its outage."""
    text, storm = " ".join(PAGE.read_text().split()), outage(LARGE, 2, 0.2)
    assert f"{everyday(LARGE).webhooks:.1f} webhooks a second, {busy(everyday(LARGE), Costs()):.1%} of a core" in text
    assert f"{storm.webhooks:.0f} webhooks a second, {busy(storm, Costs()):.0%} of a core" in text
    assert f"{shards(storm, Costs())} daemons" in text
