"""What can happen to the store of a running alertd: 503 while nothing can be kept, nothing taken is lost, and it goes
on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from alertd.demo.processes import Failed
from tests import postgres as real
from tests.flows.processes import House, until, webhook
from tests.flows.recipes import follow
from tests.postgres import Server, serving

BACK = 30.0  # seconds within which webhooks are taken again


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of this file's own, which its tests stop."""
    if real.missing():
        pytest.skip("PostgreSQL is missing")
    with serving() as running:
        yield running


@pytest.fixture
async def remote(tmp_path: Path, server: Server) -> AsyncIterator[House]:
    """One alertd on that server."""
    name = real.name_of_new()
    server.ask(f"CREATE DATABASE {name}")
    async with House(tmp_path) as house:
        house.store = server.url(name)
        yield house


async def taken(house: House, name: str, seconds: float = BACK) -> None:
    async def is_taken() -> bool:
        return await house.post(webhook(name)) == 200

    await until(is_taken, f"{name} is taken", seconds)


async def all_sent(house: House, *names: str) -> None:
    """Each of these is one incident, told."""
    rows = await house.settled()
    assert {row["state"] for row in rows} == {"sent"}
    assert sorted(row["labels"]["alertname"] for row in await house.items("incidents")) == sorted(names)
    assert len(house.pagerduty.pages) == len(names)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_server_stopped_and_started(remote: House, server: Server, mode: str) -> None:
    """Whether in good order or as if its power were cut."""
    remote.route("on-call")
    await remote.start()
    await remote.tell(webhook("Before"))
    server.stop(mode)
    assert await remote.post(webhook("Meanwhile")) == 503
    assert (await remote.status("/-/ready"), await remote.status("/-/healthy")) == (503, 200)
    server.start()
    await taken(remote, "Meanwhile")
    await all_sent(remote, "Before", "Meanwhile")
    log = (remote.folder / f"alertd-{remote.port}.log").read_text()
    assert real.PASSWORD not in log


async def test_server_stopped_while_a_message_is_sent(remote: House, server: Server) -> None:
    """What the vendor took meanwhile is settled once the server is back, and sent once."""
    remote.route("on-call")
    remote.pagerduty.answer("slow", seconds=3)
    await remote.start()
    await remote.tell(webhook("Broken"))
    await until(lambda: remote.pagerduty.received, "it is being sent")
    server.stop()
    await asyncio.sleep(3)
    server.start()
    await all_sent(remote, "Broken")
    assert [page.triggers for page in remote.pagerduty.pages] == [1]


async def test_connections_cut(remote: House, server: Server) -> None:
    """By an administrator, again and again: at most a refusal, and the next is taken."""
    remote.route("on-call")
    await remote.start()
    for number in range(5):
        server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alertd'")
        await taken(remote, f"Broken{number}", 5)
    await all_sent(remote, *(f"Broken{number}" for number in range(5)))


async def test_failed_over_to_a_standby(remote: House, server: Server) -> None:
    """Both stand in the address: after the standby, made as docs/running.md says, is promoted webhooks are taken there,
    with what was taken before."""
    standby = Server()
    try:
        await follow("pg_basebackup", standby.folder, ADMIN=server.url("postgres"), DATA=standby.data)
        standby.as_standby()
        standby.start()
        await follow("psql", standby.folder, ADMIN=server.url("postgres"))
        remote.store = remote.store.replace(f":{server.port}/", f":{server.port},127.0.0.1:{standby.port}/")
        remote.route("on-call")
        await remote.start()
        await remote.tell(webhook("Before"))
        server.stop("immediate")
        assert await remote.post(webhook("Meanwhile")) == 503
        await follow("pg_ctl promote", standby.folder, DATA=standby.data)
        await taken(remote, "Meanwhile")
        await all_sent(remote, "Before", "Meanwhile")
    finally:
        standby.remove()
        server.start()
        server.ask("ALTER SYSTEM RESET synchronous_standby_names")
        server.ask("SELECT pg_reload_conf()")


async def test_critical_is_told_while_the_server_is_gone(remote: House, server: Server) -> None:
    """Straight, though it is answered 503; and in the ordinary way once the server is back."""
    remote.route("on-call")
    await remote.start()
    server.stop()
    try:
        assert await remote.post(webhook("Broken")) == 503
        await until(lambda: remote.pagerduty.pages, "it is told without a store")
        assert "alertd's store is away" in str(remote.pagerduty.pages[0].event)
    finally:
        server.start()
    await taken(remote, "Broken")
    await remote.settled()
    await until(lambda: sorted(page.state for page in remote.pagerduty.pages) == ["resolved", "triggered"],
                "what was told straight is ended, what was told anew is open")


# One machine -----------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of the test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)):
        pytest.skip("no disk can be made here: it takes an administrator")
    yield folder
    mount("-o", "remount,rw", str(folder))
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Path]:
    """A disk that can fail as real ones do, made of the file `image` beside it."""
    folder, image = tmp_path / "disk", tmp_path / "image"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    if shutil.which("mkfs.ext4") is None or run("mkfs.ext4", "-q", "-F", str(image)) or insert(folder):
        pytest.skip("no disk can be made here: it takes an administrator")
    yield folder
    run("umount", "--lazy", str(folder))


def insert(folder: Path) -> int:
    return mount("-o", "loop", str(folder.with_name("image")), str(folder))


def run(*words: str) -> int:
    return subprocess.run(words, capture_output=True, check=False).returncode


def mount(*words: str) -> int:
    return run("mount", *words)


def fill(file: Path) -> None:
    """Until there is no room for a byte more."""
    with file.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(b"x" * 512)


async def test_disk_full(house: House, disk: Path) -> None:
    """By somebody else's doing: 503, and taken again once there is room."""
    house.store = f"sqlite:///{disk}/alertd.db"
    house.route("on-call")
    await house.start()
    await house.tell(webhook("Before"))
    await house.settled()
    fill(disk / "ballast")

    async def refused() -> bool:
        return await house.post(webhook("Meanwhile", alerts=50)) == 503

    await until(refused, "nothing can be kept")
    (disk / "ballast").unlink()
    await taken(house, "Meanwhile")
    rows = await house.settled()
    assert {row["state"] for row in rows} == {"sent"}
    assert len(await house.items("incidents")) == 2


async def test_read_only_disk(house: House, disk: Path) -> None:
    """A clear word at the start instead of a daemon that cannot keep anything; writable again, it has what it had."""
    house.store = f"sqlite:///{disk}/alertd.db"
    house.route("on-call")
    daemon = await house.start()
    await house.tell(webhook("Before"))
    await house.settled()
    daemon.kill()  # nobody can make a disk read-only by hand while a file is open there for writing
    assert mount("-o", "remount,ro", str(disk)) == 0
    with pytest.raises(Failed, match="Read-only file system"):
        await house.start()
    assert mount("-o", "remount,rw", str(disk)) == 0
    await house.start()
    await taken(house, "Meanwhile")
    await all_sent(house, "Before", "Meanwhile")


async def test_disk_that_turns_read_only_after_a_fault(house: House, ext4: Path) -> None:
    """As Linux does when one reports an error: 503, critical is told straight, and once the disk is repaired and alertd
    started again everything is taken."""
    house.store = f"sqlite:///{ext4}/alertd.db"
    house.route("on-call")
    daemon = await house.start()
    await house.tell(webhook("Before"))
    await house.settled()
    assert mount("-o", "remount,abort", str(ext4)) == 0
    assert await house.post(webhook("Meanwhile")) == 503
    assert [await house.status(path) for path in ("/-/ready", "/-/healthy", "/")] == [503, 200, 200]
    await until(lambda: len(house.pagerduty.pages) == 2, "it is told without a store")
    assert "alertd's store is away" in str(house.pagerduty.pages[1].event)
    daemon.kill()
    assert (run("umount", str(ext4)), insert(ext4)) == (0, 0)
    await house.start()
    await taken(house, "Meanwhile")
    assert {row["state"] for row in await house.settled()} == {"sent"}
    assert len(await house.items("incidents")) == 2


async def test_files_that_may_not_be_written_for_a_while(house: House, ext4: Path) -> None:
    """503, and taken again by itself as soon as they may."""
    house.store = f"sqlite:///{ext4}/alertd.db"
    house.route("on-call")
    await house.start()
    await house.tell(webhook("Before"))
    await house.settled()
    files = [f"{ext4}/alertd.db{ending}" for ending in ("", "-wal", "-shm", ".lock")]
    assert run("chattr", "+i", *files) == 0
    assert await house.post(webhook("Meanwhile")) == 503
    assert run("chattr", "-i", *files) == 0
    await taken(house, "Meanwhile")
    await all_sent(house, "Before", "Meanwhile")


async def test_out_of_file_handles(house: House) -> None:
    """Webhooks are taken, refused or find no ear, and are taken once there are handles again; no message is lost."""
    house.route("on-call")
    daemon = await house.start()
    await house.tell(webhook("Before"))
    await house.settled()
    _, most = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (8, most))
    names = [f"Meanwhile{number}" for number in range(3)]
    assert {await house.post(webhook(name)) for name in names} <= {200, 503, 0}
    await asyncio.sleep(1)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (most, most))
    for name in names:
        await taken(house, name)
    await all_sent(house, "Before", *names)
