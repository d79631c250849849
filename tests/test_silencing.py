from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd import escaping, matchers, messages, silencing
from alertd.model import Delivery, Kind
from tests import made

AM = "https://am.example.com/prefix"


def about(labels: Mapping[str, str], *, source: str = AM, names: tuple[str, ...] = ("HighErrorRate",)) -> Delivery:
    told = made.delivery(alerts=tuple(made.alert(number, labels={"alertname": name})
                                      for number, name in enumerate(names, 1)))
    assert told.incident
    return dataclasses.replace(told, incident=dataclasses.replace(told.incident, source=source, labels=labels))


def filter_of(form: str | None) -> str:
    assert form
    address, _, asked = form.partition("?filter=")
    assert address == f"{AM}/#/silences/new"
    return urllib.parse.unquote(asked)


def test_the_form_is_filled_in_with_what_the_incident_is_named_by() -> None:
    """The group's labels, sorted, and the alerts' name where the group does not say it."""
    assert filter_of(silencing.form(about({"service": "checkout", "cluster": "eu"}))) == (
        '{alertname="HighErrorRate", cluster="eu", service="checkout"}')


def test_alerts_of_several_names_are_silenced_by_their_group_alone() -> None:
    """No name is taken from some of them: the others would not be silenced."""
    assert filter_of(silencing.form(about({"service": "checkout"}, names=("A", "B")))) == '{service="checkout"}'


def test_a_label_that_is_missing_must_be_missing() -> None:
    """What is grouped as having no cluster silences nothing of any cluster."""
    told = about({"service": "checkout", "cluster": ""}, names=("A", "B"))
    assert filter_of(silencing.form(told)) == '{cluster="", service="checkout"}'


@pytest.mark.parametrize("told", [
    about({}, names=("A", "B")), about({"cluster": ""}, names=("A", "B")), about({"service": "a"}, source="alertd"),
    about({"service": "a"}, source="javascript:alert(1)"), dataclasses.replace(made.delivery(), incident=None)])
def test_without_an_alertmanager_or_a_name_there_is_no_form(told: Delivery) -> None:
    """A filter that is empty would silence everything."""
    assert silencing.form(told) is None


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True),
                       st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
                       min_size=1, max_size=4))
def test_the_form_selects_the_incident_it_was_made_for(labels: dict[str, str]) -> None:
    """Whatever is in the labels, the written matchers match them, and the address stays one that may be clicked."""
    form = silencing.form(about(labels, names=("A", "B")))
    assert form
    assert escaping.web_address(form) == form
    found = matchers.parse_all(filter_of(form))
    assert all(matcher.matches(labels) for matcher in found)
    assert len(found) == len(labels)


def test_what_is_over_is_not_silenced() -> None:
    """The link is there while it fires, and gone with the end."""
    assert "Silence" in {link.name for link in messages.compose(made.delivery()).links}
    assert "Silence" not in {link.name for link in messages.compose(made.delivery(Kind.RESOLVED)).links}


def test_management_is_offered_no_silence() -> None:
    """Plain words and the page, nothing to operate."""
    assert "Silence" not in {link.name for link in messages.compose(made.delivery(style="management")).links}
