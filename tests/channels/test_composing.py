"""Where messages are composed."""

from __future__ import annotations

import threading

import pytest

from alertd.channels import MANY, Net, composed, email
from alertd.demo.standins.smtp import Smtp
from alertd.model import Delivery, DigestText
from tests import made


def _thread(_delivery: Delivery) -> int:
    return threading.get_ident()


async def test_a_page_is_composed_at_once() -> None:
    """What is quickly said waits for no other thread."""
    alerts = tuple(made.alert(n) for n in range(MANY))
    assert await composed(made.delivery(alerts=alerts), _thread) == threading.get_ident()


@pytest.mark.parametrize("long", [made.delivery(alerts=tuple(made.alert(n) for n in range(MANY + 1))),
                                  made.delivery(digest=DigestText("Daily", "text"))])
async def test_much_is_composed_beside_the_event_loop(long: Delivery) -> None:
    """A message of many alerts, or a digest, holds nobody else up."""
    assert await composed(long, _thread) != threading.get_ident()


async def test_a_mail_is_composed_beside_the_event_loop(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short it is: the first one reads the template."""
    threads, payload = list[int](), email.payload
    monkeypatch.setattr(email, "payload", lambda *told: threads.append(threading.get_ident()) or payload(*told))
    async with Smtp() as server:
        settings = email.Settings.model_validate({"smarthost": server.url, "from": "a@example.com",
                                                  "to": ["b@example.com"]})
        await email.send(made.delivery(target="b@example.com"), settings, net)
    assert len(server.mails) == 1
    assert threading.get_ident() not in threads
