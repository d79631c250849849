"""The files that are written, as they are read back."""

from __future__ import annotations

import pytest
import yaml as pyyaml

from alertd.config import yaml
from alertd.model import Severity
from alertd.starting import writing
from alertd.starting.destinations import Way, destination
from alertd.starting.policy import Declared, Setting
from alertd.starting.writing import Service, Start


def start(declared: Declared) -> Start:
    return Start(declared, Service("checkout", "prometheus-http", 'job="checkout"'))


@pytest.mark.parametrize(("name", "way", "channel"), [
    ("on-call", Way.PAGER, ""), ("On Call", Way.PAGER, ""), ("management", Way.MANAGEMENT, ""),
    ("slack", Way.CHAT, "#alerts"), ("daily summary", Way.DAILY, ""), ("weekly_digest", Way.WEEKLY, ""),
    ("platform-team", Way.CHAT, "#platform"), ("Data Team", Way.CHAT, "#data"), ("security", Way.CHAT, "#security")])
def test_how_somebody_is_reached(name: str, way: Way, channel: str) -> None:
    """By the words people use for them."""
    found = destination(name)
    assert (found.name, found.way, found.channel) == (name, way, channel)


def test_a_receiver_nobody_knows_is_said_to_be_guessed() -> None:
    """In the file, beside it."""
    text = writing.files(start(Declared(routes={Severity.CRITICAL: Setting("security")})))["routing.yaml"]
    assert "# a guess: nothing says how security is reached" in text


@pytest.mark.parametrize("name", ['it\'s "us"', "a: b", "#here", "- x", "yes", "1e3", "[x]", "{y}", "x, y", "é"])
def test_any_name_comes_back(name: str) -> None:
    """Whatever YAML would take it for, as our reader and others have it."""
    text = writing.files(start(Declared(routes={Severity.CRITICAL: Setting(name)})))["routing.yaml"]
    for data in (yaml.parse(text, "routing.yaml").data, pyyaml.safe_load(text)):
        assert list(data["receivers"]) == [name]
        assert data["routes"] == {"critical": name, "warning": name, "info": name}


def test_a_severity_left_out_is_told_as_the_worse_one() -> None:
    """Rather too many people than none."""
    routes = writing.completed(Declared(routes={Severity.WARNING: Setting("team")})).routes
    assert {severity.value: route.text for severity, route in routes.items()} == dict.fromkeys(
        ("critical", "warning", "info"), "team")


def test_a_window_is_no_longer_than_metrics_are_kept() -> None:
    """It would quietly be shorter than it says."""
    text = writing.files(start(Declared(retention=Setting("2 weeks"))))["services.yaml"]
    assert yaml.parse(text, "s").data["services"]["checkout"]["slos"]["availability"]["window"] == "14d"


def test_without_a_pager_nothing_goes_straight_to_it() -> None:
    """No route names what no receiver has."""
    text = writing.files(start(Declared(routes={Severity.CRITICAL: Setting("slack")})))["alertmanager.yml"]
    assert "pagerduty" not in text
    assert "AlertdDown" not in text
