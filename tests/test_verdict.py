"""The one sentence of the first page."""

from __future__ import annotations

import pytest

from alertd.model import HOUR, MINUTE, SECOND
from alertd.verdict import Budget, Facts, Standing, judge

NOW = 1_800_000_000_000
FRESH = {"heard_at": NOW - MINUTE}


def facts(**more: object) -> Facts:
    return Facts(NOW, NOW - HOUR, **more)  # type: ignore[arg-type]  # each test gives its own


@pytest.mark.parametrize("sign", [FRESH, {"answered": {"http://am": NOW - 20 * SECOND}}, {"beats": [(MINUTE, HOUR)]}])
def test_calm_with_a_fresh_sign_is_in_order(sign: dict[str, object]) -> None:
    """A webhook, an Alertmanager that answers, a heartbeat: any of them."""
    assert judge(facts(**sign)).standing is Standing.OK


@pytest.mark.parametrize("sign", [{}, {"heard_at": NOW - HOUR}, {"heard_at": NOW - HOUR, "beats": [(3 * HOUR, HOUR)]},
                                  {"answered": {"http://am": NOW - 20 * SECOND, "http://late": NOW - 61 * SECOND}}])
def test_calm_without_a_fresh_sign_is_never_green(sign: dict[str, object]) -> None:
    """Nothing was heard, or nothing of late; one of two Alertmanagers is not enough."""
    assert judge(facts(**sign)).standing is not Standing.OK


@pytest.mark.parametrize("trouble", [
    {"unattended": 1}, {"attended": 1}, {"dead": 1}, {"store_error": "disk full"}, {"config_problem": "r:1: no"},
    {"stopping": True}, {"unreadable": 1}, {"queued_since": NOW - 6 * MINUTE}, {"answered": {"http://am": 0}},
    {"budgets": {Budget.AT_RISK: 1}}, {"budgets": {Budget.EXHAUSTED: 1, Budget.OK: 3}}])
def test_trouble_of_any_kind_asks_for_attention(trouble: dict[str, object]) -> None:
    """Also where nothing was heard."""
    assert judge(facts(**trouble)).standing is Standing.ATTENTION
    assert judge(facts(**FRESH, **trouble)).standing is Standing.ATTENTION


def test_a_budget_that_is_not_known_is_not_in_order() -> None:
    """Beside all else being well."""
    assert judge(facts(**FRESH, budgets={Budget.OK: 2, Budget.UNKNOWN: 1})).standing is Standing.UNKNOWN
    assert judge(facts(**FRESH, budgets={Budget.OK: 2})).standing is Standing.OK


def test_an_alertmanager_has_a_minute_to_answer_after_the_start() -> None:
    """A daemon that just began complains of nobody, and knows nothing."""
    found = judge(Facts(NOW, NOW - 10 * SECOND, answered={"http://am": 0}))
    assert (found.standing, found.broken) == (Standing.UNKNOWN, ())


def test_the_sentence_says_it_in_words() -> None:
    """Numbers, budgets, and when something was heard."""
    found = judge(facts(unattended=2, attended=1, dead=1, budgets={Budget.AT_RISK: 1, Budget.OK: 4}, **FRESH))
    assert found.sentence == (
        "2 incidents need a person, 1 more being taken care of; of 5 error budgets 1 at risk; 1 message could not be "
        "delivered; last heard from Alertmanager 1 min ago.")
    assert judge(facts()).sentence.endswith("nothing was ever heard from Alertmanager, so whether all is well is "
                                            "unknown.")
