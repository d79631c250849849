from pathlib import Path

import yaml

from alertd.rulegen import pages
from tests.rulegen.rules_made import PRODUCTION, generated

TEXT = PRODUCTION.replace("{metrics", "{slos: {up: {objective: 99.9%, by: route}}, metrics")


def test_every_alert_has_its_page_under_its_address(tmp_path: Path) -> None:
    """The last part of runbook_url is a page, and no page is of an alert that is not there."""
    files = generated(tmp_path, TEXT)
    rules = [rule for name, text in files.items() if name.endswith(".rules.yaml")
             for group in yaml.safe_load(text)["groups"] for rule in group["rules"] if "alert" in rule]
    named = {f"runbooks/{rule['annotations']['runbook_url'].rpartition('/')[2]}.md" for rule in rules}
    assert named == {name for name in files if name.startswith("runbooks/")}


def test_a_page_says_what_to_do_who_is_told_and_the_exact_query(tmp_path: Path) -> None:
    """In this order, the query being that of the rule file."""
    files = generated(tmp_path, TEXT)
    page = files["runbooks/ErrorBudgetBurn.md"]
    order = [page.index(part) for part in ("# ErrorBudgetBurn", "## First steps", "## Who is told", "## How it is")]
    assert order == sorted(order)
    assert "alertd routes explain alertname=ErrorBudgetBurn severity=critical service=shop slo=up tier=medium" in page
    expr = next(rule["expr"] for group in yaml.safe_load(files["shop.rules.yaml"])["groups"] for rule in group["rules"]
                if rule.get("alert") == "ErrorBudgetBurn")
    assert expr in page


def test_a_page_stays_readable_with_many_services(tmp_path: Path) -> None:
    """Beyond a dozen queries it names the files that hold the rest."""
    many = "\n".join(f"  s{at}: {{metrics: prometheus-http, selector: 'job=\"s{at}\"'}}" for at in range(40))
    page = generated(tmp_path, f"thresholds: {{error_rate: 1%}}\nservices:\n{many}")["runbooks/HighErrorRate.md"]
    assert page.count("```promql") == pages.MOST
    assert "28 more queries like these stand in " in page


def test_every_page_is_written_for_somebody() -> None:
    """No alert's page lacks a meaning, a way of measuring or a first step."""
    assert all(written.meaning and written.measured and written.steps for written in pages.WRITTEN.values())
