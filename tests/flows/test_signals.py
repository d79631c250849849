"""The daemon's beginning and end as an administrator sees them: signals, reloads, a second daemon."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from alertd.demo import processes
from alertd.demo.processes import Process
from tests.flows.processes import House, until, webhook


async def test_sigterm(house: House) -> None:
    """SIGTERM: a webhook that arrives is answered 503 with Retry-After, what is being sent is sent and recorded,
    and the status is 0."""
    house.route("on-call")
    house.pagerduty.answer("slow", seconds=3)
    daemon = await house.start()
    await house.tell(webhook("Broken"))

    async def claimed() -> bool:
        return bool(await house.items("notifications?state=claimed"))

    await until(claimed, "the page is being sent")
    daemon.signal(signal.SIGTERM)
    await until(lambda: "event=stopping" in daemon.tail(), "it is stopping")
    async with house.session.post(f"{house.url}/webhook/alertmanager", json=webhook("Late")) as response:
        assert (response.status, "Retry-After" in response.headers) == (503, True)
    async with house.session.get(f"{house.url}/-/ready") as response:
        assert response.status == 503
    assert await daemon.ended() == 0
    house.pagerduty.answer("ok")
    await house.start()
    assert [row["state"] for row in await house.items("notifications")] == ["sent"]
    assert [page.triggers for page in house.pagerduty.pages] == [1]


async def test_start(house: House) -> None:
    """There is room for a thousand connections before the first one comes: none of them waits for it."""
    daemon = await house.start()
    assert _room(daemon.pid) >= 1024


def _room(pid: int) -> int:
    """For how many open files, as the kernel has it."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["FDSize"])


async def test_reload_of_a_broken_file(house: House) -> None:
    """SIGHUP and /-/reload of a file with a fault keep the old one in force and say where the fault is."""
    daemon = await house.start()
    house.route("on-call", broken=True)
    daemon.signal(signal.SIGHUP)

    async def problem() -> str:
        return json.loads(await house.text("/api/v1/status"))["config_problem"] or ""

    assert "routing.yaml:" in await until(problem, "the fault is shown")
    async with house.session.post(f"{house.url}/-/reload") as response:
        assert response.status == 500
        assert "routing.yaml:" in await response.text()
    assert "alertd_config_last_reload_successful 0.0" in await house.text("/metrics")
    assert "not in force" in await house.text("/")
    await house.tell(webhook("Broken"))
    assert len(await house.settled()) == 3


async def test_reload_of_a_sound_file(house: House) -> None:
    """SIGHUP puts the new file in force: who is told next is whom it names, by couriers that were not there."""
    house.route("management")
    daemon = await house.start()
    house.route("on-call")
    daemon.signal(signal.SIGHUP)
    await until(lambda: "event=reloaded" in daemon.tail(), "it is reloaded")
    await house.tell(webhook("Broken"))
    assert [row["receiver"] for row in await house.settled()] == ["on-call"]
    assert len(house.pagerduty.pages) == 1


async def test_second_daemon(house: House) -> None:
    """A second daemon on one SQLite file is refused with status 1 and told whose it is; the first goes on."""
    first = await house.start()
    words = [*house.words()[:-4], "--web.listen-address", "127.0.0.1:0"]
    second = house.keep(Process("second", processes.alertd(*words), house.folder / "second.log"))
    assert await second.ended() == 1
    assert f"in use by another alertd (process {first.pid})" in second.tail()
    await house.tell(webhook("Broken"))


async def test_open_to_strangers(house: House) -> None:
    """An address that others can reach is refused before anything is opened, unless it is said to be meant."""
    words = [*house.words()[:-4], "--web.listen-address", "0.0.0.0:0"]
    stranger = house.keep(Process("open", processes.alertd(*words), house.folder / "open.log"))
    assert await stranger.ended() == 2
    assert "--insecure-no-auth" in stranger.tail()
    assert not (house.folder / "alertd.db").exists()
