"""`POST /webhook/alertmanager`, over a real socket."""

import asyncio
import gzip
import json

import pytest

from alertd.web import receive
from tests.bodies import body


async def test_a_webhook_is_answered_200(site):
    """And is there."""
    assert (await site.post(body("a")))[0] == 200
    items = (await site.json("/api/v1/incidents?state=open"))["items"]
    assert [(item["severity"], item["firing"]) for item in items] == [("critical", 1)]


@pytest.mark.parametrize(("sent", "reason"), [
    (b"{", "not JSON"),
    (b"[]", "not webhook version 4"),
    (b'{"version":"5","status":"firing","alerts":[]}', "webhook version '5'"),
    (json.dumps({"version": "4", "status": "burning", "alerts": []}).encode(), "not webhook version 4"),
    (b'{"version":"4","status":"firing","alerts":[{"status":"firing"}]}', "not webhook version 4"),
    (b"\xff\xfe", "not"),
    (b"[" * 100_000, "not"),
])
async def test_what_is_no_webhook_is_400_and_kept(site, sent, reason):
    """A short reason to the sender, the body to whoever looks."""
    status, text = await site.post(sent)
    assert status == 400
    assert reason in text
    assert len(text) <= 301
    shown = await site.json("/api/v1/status")
    assert (shown["rejected"], shown["rejected_newest"][0]["reason"][:20]) == (1, text[:20])


async def test_over_four_megabytes_is_413(site):
    """Announced, or noticed while reading."""
    large = b" " * (receive.MOST_BYTES + 1)
    assert (await site.post(large))[0] == 413

    async def chunks():
        for _ in range(9):
            yield b" " * (512 * 1024)

    async with site.http.post(f"{site.url}/webhook/alertmanager", data=chunks()) as answer:
        assert answer.status == 413


async def test_a_compressed_body_is_415_and_not_unpacked(site):
    """Ten bytes can be a bomb."""
    assert (await site.post(gzip.compress(body("a")), **{"Content-Encoding": "gzip"}))[0] == 415


async def test_a_body_that_does_not_come_ends_the_connection(site, monkeypatch):
    """The sender tries again; nobody holds a connection open for ever."""
    monkeypatch.setattr(receive, "SLOWEST_BODY", 0.1)
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_the_newest_alertmanagers_fields_are_allowed(site):
    """0.32 added notification_reason, 0.34 routeLabels; more may come."""
    sent = body("a", notification_reason="first notification", routeLabels={"team": "x"}, somethingNew=[1])
    assert (await site.post(sent))[0] == 200


async def test_a_store_that_cannot_write_is_503_with_retry_after(site, monkeypatch):
    """Alertmanager repeats after 5xx and gives up after 4xx."""
    from alertd.store import intake

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(intake, "save", full)
    async with site.http.post(f"{site.url}/webhook/alertmanager", data=body("a")) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert (await site.get("/-/ready"))[0] == 503
    assert (await site.get("/-/healthy"))[0] == 200
    monkeypatch.undo()
    assert (await site.post(body("a")))[0] == 200
    assert (await site.get("/-/ready"))[0] == 200
