"""Webhook version 4, as Alertmanager 0.25 to 0.34 sends it."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.alertmanager import NotWebhook, decode
from alertd.model import AlertState, WebhookId
from tests.bodies import body


def read(sent: bytes):
    return decode(sent, WebhookId("w"), 0)


def millis(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def test_nanoseconds_are_read():
    """Nine digits of a second; alertd keeps milliseconds."""
    assert read(body("a")).alerts[0].starts_at == millis("2027-01-15T10:00:00.123+00:00")


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-12:00"])
def test_the_year_one_means_not_ended(zero):
    """Go's zero time, in whatever zone; arithmetic on it overflows."""
    sent = body("a", status="resolved").replace(b"2027-01-15T10:01:00Z", zero.encode())
    assert read(sent).alerts[0].ends_at is None


def test_any_offset_is_read():
    """Alertmanager sends its own zone."""
    sent = body("a").replace(b"10:00:00.123456789Z", b"12:00:00.123456789+02:00")
    assert read(sent).alerts[0].starts_at == millis("2027-01-15T10:00:00.123+00:00")


def test_truncated_alerts_are_counted():
    """What max_alerts cut off."""
    assert read(body("a", truncatedAlerts=17)).truncated == 17


def test_states_may_be_mixed():
    """Each alert has its own."""
    sent = body("a", "b").replace(b'[{"status": "firing"', b'[{"status": "resolved"')
    assert {alert.state for alert in read(sent).alerts} == {AlertState.FIRING, AlertState.RESOLVED}


def test_only_what_cannot_be_missing_must_be_there():
    """Older and other senders leave fields out."""
    sent = b'{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"a":"b"},' \
           b'"startsAt":"2027-01-15T10:00:00Z"}]}'
    assert read(sent).alerts[0].fingerprint


def test_too_many_alerts_are_refused_in_words():
    """With what to do about it."""
    sent = body(*(str(number) for number in range(10_001)))
    with pytest.raises(NotWebhook, match="at most 10000; set max_alerts"):
        read(sent)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_refused_in_words(sent):
    """Never another exception."""
    with pytest.raises(NotWebhook):
        read(sent)
