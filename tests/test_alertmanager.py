"""What Alertmanager 0.25 to 0.34 says."""

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.alertmanager import NotWebhook, decode, decode_list, decode_status
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


# The list of alerts, and the status


def test_a_list_tells_what_fires_and_what_keeps_it_quiet():
    """As 0.25 sends it, without `mutedBy`, and as 0.28 does."""
    def alert(number: int, **status: list[str]) -> dict[str, object]:
        return {"fingerprint": f"{number:016x}", "labels": {"n": str(number)}, "startsAt": "2027-01-15T10:00:00.123Z",
                "status": {"state": "active", "silencedBy": [], "inhibitedBy": []} | status}

    found = decode_list(json.dumps([alert(1), alert(2, silencedBy=["a", "b", "c", "d"]), alert(3, inhibitedBy=["f"]),
                                    alert(4, mutedBy=["nights"])]).encode())
    assert [found[f"{number:016x}"].muted for number in (1, 2, 3, 4)] == [
        None, "silenced by a, b, c and 1 more", "inhibited by f", "muted by nights"]
    assert abs(found[f"{1:016x}"].starts_at - millis("2027-01-15T10:00:00.123+00:00")) <= 1


def test_a_list_is_found_by_labels_where_a_sender_leaves_fingerprints_out():
    """By the same stand-in that its webhook got."""
    labels = {"b": "2", "a": "1"}
    body = json.dumps([{"fingerprint": "f", "labels": labels, "startsAt": "2027-01-15T10:00:00Z", "status": {}}])
    told = {"version": "4", "status": "firing", "alerts": [
        {"status": "firing", "labels": labels, "startsAt": "2027-01-15T10:00:00Z"}]}
    webhook = decode(json.dumps(told).encode(), WebhookId("w"), 0)
    assert webhook.alerts[0].fingerprint in decode_list(body.encode())


def test_a_status_tells_when_it_began_and_its_cluster():
    """`uptime` is a moment; without a cluster there are no peers."""
    status = {"uptime": "2027-01-15T10:00:00Z", "cluster": {"status": "ready", "peers": [{"name": "x", "address": ""}]}}
    assert decode_status(json.dumps(status).encode()) == (millis("2027-01-15T10:00:00+00:00"), {"x"})
    assert decode_status(b'{"uptime": "2027-01-15T10:00:00Z", "cluster": {"status": "disabled"}}')[1] == frozenset()
