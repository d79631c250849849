"""The capacity model beside what was measured, and the page that it wrote the figures of."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.capacity import BUSY, Costs, Estate, Load, busy, everyday, milliseconds, most, outage, shards

PAGE = Path(__file__).parents[2] / "docs/capacity.md"
# Milliseconds of a core that the daemon's process had for each webhook, at 50 to 100 a second: on a machine that others
# kept busy (load average 12 of 2 cores), and on a quiet one at 100 a second, where cores rest between two webhooks and
# the same takes them longer (6 to 6.6 at 30 a second)
MEASURED = [
    (Load(1, 1, slack=1), 2.2), (Load(1, 10, slack=1), 2.5), (Load(1, 64, slack=1), 6.3),
    (Load(1, 1, pagerduty=1), 3.1), (Load(1, 10, slack=1, pagerduty=1), 5.6),
    (Load(1, 1), 1.6), (Load(1, 10), 1.5),
    (Load(1, 1, pagerduty=1), 3.54), (Load(1, 10, pagerduty=1), 3.88), (Load(1, 1, slack=1), 3.86),
    (Load(1, 1, slack=1, pagerduty=1), 4.54), (Load(1, 10, slack=1, pagerduty=1), 4.94),
]
LARGE = Estate(100_000)


@pytest.mark.parametrize(("load", "measured"), MEASURED)
def test_the_model_is_near_what_was_measured(load: Load, measured: float) -> None:
    """Within 40 % of every point: four constants for twelve points."""
    assert milliseconds(load, Costs()) == pytest.approx(measured, rel=0.4)


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
