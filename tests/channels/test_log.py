from __future__ import annotations

import pytest
import structlog.testing

from alertd import channels
from alertd.channels import Net, log
from alertd.model import DigestText, Kind
from tests import made


async def test_a_notification_is_one_line(net: Net) -> None:
    """Who, what, which incident."""
    with structlog.testing.capture_logs() as lines:
        await log.send(made.delivery(), log.Settings(), net)
    assert lines == [{
        "event": "notification", "log_level": "info", "receiver": "on-call", "kind": "firing",
        "severity": "critical", "incident": "A1B2", "title": "CRITICAL: Checkout errors 4.2 %",
        "lead": "One in 24 requests fails.", "alerts": ["Checkout errors 4.2 % [node-7:9100]"], "link": made.LINK}]


@pytest.mark.parametrize("text", made.HOSTILE)
def test_hostile_text_makes_no_second_line(text: str) -> None:
    """No text in the line has an end of line in it, a digest's neither."""
    alerts = (made.alert(labels={"alertname": text}, annotations={"summary": text, "description": text}),)
    for delivery in (made.delivery(alerts=alerts), made.delivery(Kind.DIGEST, digest=DigestText(text, text))):
        assert all(len(f"{said} ".splitlines()) == 1 for said in made.texts(log.payload(delivery)))


def test_what_channels_share_is_no_channel() -> None:
    """Five names, and every one of them meets the protocol."""
    assert channels.names() == ("email", "log", "pagerduty", "slack", "webhook")
    assert set(channels.settings_types()) == set(channels.names())
    assert all(callable(channels.load(name).send) for name in channels.names())
