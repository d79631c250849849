"""Guardrails as rules and tests. What comes with alertd is proved in tests/presets/test_guardrails.py."""

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from alertd.errors import BadInput
from alertd.rulegen import guarding
from alertd.rulegen.declared import Guarded
from tests.config.test_guardrails import OWN
from tests.rulegen.rules_made import declared, generated, promtool

AVERAGE = "guardrails: {max_queue: {limit: 100 messages, where: 'queue=~\"mail.*\",shop!=\"x\"'}}"


def made(folder: Path, text: str) -> dict[str, str]:
    (folder / "presets").mkdir(parents=True)
    (folder / "presets" / "own.yaml").write_text(OWN, encoding="utf-8")
    return generated(folder, text)


def rules(files: dict[str, str], name: str) -> list[dict]:
    group, = yaml.safe_load(files[f"guardrail-{name}.rules.yaml"])["groups"]
    return list(group["rules"])


def one(folder: Path, text: str) -> Guarded:
    each, = declared(folder, text).declared.guardrails
    return each


def test_a_guardrail_of_ones_own_is_one_entry_with_its_proof(tmp_path: Path) -> None:
    """A file in rules/presets/ gives rules, tests that pass, and a page."""
    files = made(tmp_path, AVERAGE)
    promtool("test", "rules", tmp_path / "generated" / "guardrail-max_queue.test.yaml")
    page = files["runbooks/QueueTooLong.md"]
    assert "Mails leave late." in page
    assert "1. Are the workers there?" in page
    assert "alertd routes explain alertname=QueueTooLong severity=info guardrail=max_queue" in page


def test_an_alert_says_all_that_an_alert_says(tmp_path: Path) -> None:
    """Severity and name as labels; summary, description and the page's address; the limit in its words."""
    crossed, unknown = rules(made(tmp_path, AVERAGE), "max_queue")
    assert crossed["labels"] == unknown["labels"] == {"severity": "info", "guardrail": "max_queue"}
    assert crossed["annotations"] == {
        "summary": "The queue {{ $labels.queue }} holds more than 100 messages",
        "description": "The queue {{ $labels.queue }} holds {{ $value }} messages; declared are at most 100.",
        "runbook_url": "https://alertd.example.com/runbooks/QueueTooLong"}
    assert unknown["annotations"]["runbook_url"].endswith("/GuardrailUnknown")
    assert 'queue_depth{queue=~"mail.*",shop!="x"}' in crossed["expr"]


def test_what_nobody_knows_wakes_nobody(tmp_path: Path) -> None:
    """A critical guardrail whose series are missing is a warning: its exporter may be down."""
    text = AVERAGE.replace("{limit", "{severity: critical, limit")
    assert [rule["labels"]["severity"] for rule in rules(made(tmp_path, text), "max_queue")] == ["critical", "warning"]


def test_two_limits_of_one_kind_pass_their_tests(tmp_path: Path) -> None:
    """Each has its own file, so that alerts of one name do not meet in a test."""
    files = made(tmp_path, "guardrails: {max_queue: 100, mails: {use: max_queue, limit: 7, where: 'queue=\"mails\"'}}")
    promtool("test", "rules", *sorted((tmp_path / "generated").glob("guardrail-*.test.yaml")))
    assert {"guardrail-max_queue.rules.yaml", "guardrail-mails.rules.yaml"} <= set(files)


def test_a_service_cannot_take_the_name_of_a_guardrails_file(tmp_path: Path) -> None:
    """One would overwrite the other."""
    with pytest.raises(BadInput, match="cannot name a service"):
        made(tmp_path, "services: {guardrail-a: {metrics: prometheus-http, selector: 'job=\"a\"'}}")


@pytest.mark.parametrize(("name", "limit", "shown"), [
    ("volume_sizes", "100-500GB", "100GiB to 500GiB"), ("memory_limits", "2-3GB", "2GB to 3GB"),
    ("memory_limits", "512Mi-1Gi", "512MiB to 1GiB"), ("cpu_limits", "500m-2", "0.5 to 2"),
    ("backup_frequency", "90 minutes", "1h30m"), ("max_cost_increase", "15%", "15%"),
    ("instance_types", "[a.x, b.y]", "a.x or b.y"),
])
def test_a_limit_is_shown_as_people_read_it(tmp_path: Path, name: str, limit: str, shown: str) -> None:
    """With its unit."""
    assert guarding.shown(one(tmp_path, f"guardrails: {{{name}: {limit}}}")) == shown


@pytest.mark.parametrize("text", [
    "max_queue: {limit: 0}", "max_queue: {limit: 250, for: 0s, keep_firing_for: 0s}",
    "spot_percentage: 33.3%", "backup_frequency: 90s", "max_operations_per_hour: {limit: 100, for: 5m}",
    "min_time_between_operations: 45m", "node_count: {limit: 2-3, for: 3h}", "recovery_drill: {limit: 1d, for: 0s}",
    "certificates: {limit: 7d, for: 2d}", "max_cost_increase: {limit: 200%, for: 6h}",
    "redundancy: {limit: 1, where: 'namespace=~\"a|b\"'}", "cpu_limits: {limit: 0.25-8, where: 'container=\"x\"'}",
    "backup_frequency: {limit: 1d, metric: velero_backup_last_successful_timestamp, where: 'schedule=\"daily\"'}",
])
def test_other_limits_pass_their_tests_too(tmp_path: Path, text: str) -> None:
    """Whatever is declared, the tests follow it."""
    made(tmp_path, f"guardrails: {{{text}}}")
    promtool("test", "rules", *(tmp_path / "generated").glob("guardrail-*.test.yaml"))


def test_a_limit_that_moves_is_another_rule(tmp_path: Path) -> None:
    """The expression holds the limit exactly, whatever its digits."""
    each = one(tmp_path, "guardrails: {max_cost_increase: 15%}")
    finer = dataclasses.replace(each, limit=dataclasses.replace(each.limit, most=Decimal("0.1500001")))
    assert guarding.expression(each).endswith("> 0.15")
    assert guarding.expression(finer).endswith("> 0.1500001")
