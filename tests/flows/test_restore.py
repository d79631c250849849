"""The drill: the disk is lost, the newest backup comes back, and nobody is told twice or not at all."""

from __future__ import annotations

import asyncio
import subprocess
import time

from alertd.backups import made_at
from alertd.demo import processes
from tests.flows.processes import House, until, webhook
from tests.flows.recipes import follow
from tests.postgres import Server, name_of_new

RTO = 15 * 60  # seconds that the production environment allows
RPO = 5 * 60


async def begin(house: House) -> None:
    """One incident is told; another waits at Slack."""
    house.route("on-call + slack")
    await house.start()
    await house.tell(webhook("Told"))
    await house.settled()
    house.slack.answer(mode="500", times=10_000)
    await house.tell(webhook("Waiting"))
    await until(lambda: len(house.pagerduty.pages) == 2, "the page of what waits at Slack")


async def go_on(house: House) -> None:
    """After the restore: what was sent stays sent, what waited is sent, and both still end for everybody."""
    assert {row["state"] for row in await house.settled()} == {"sent"}
    assert [page.triggers for page in house.pagerduty.pages] == [1, 1]
    assert len(house.roots()) == 2
    for name in ("Told", "Waiting"):
        await house.tell(webhook(name, "resolved"))
    await until(lambda: all(page.state == "resolved" for page in house.pagerduty.pages), "both pages are resolved")


async def test_a_lost_disk(house: House, capsys) -> None:
    """What was sent stays sent, what waited is sent, and the incident that was open still ends for everybody."""
    backups = house.folder / "backups"
    house.more = ("--backup.folder", str(backups), "--backup.every", "1s")
    await begin(house)
    since = time.time() * 1000
    await until(lambda: any((made_at(file.name) or 0) > since + 2000 for file in backups.glob("*.db")), "a backup")
    house.daemon.kill()
    for file in house.folder.glob("alertd.db*"):
        file.unlink()

    began = time.monotonic()
    newest = max(backups.glob("*.db"))
    words = processes.alertd("restore", str(newest), "--store", f"sqlite:///{house.folder}/alertd.db")
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    house.slack.answer()
    house.more = ()
    await house.start()
    took, lost = time.monotonic() - began, time.time() - (made_at(newest.name) or 0) / 1000
    with capsys.disabled():
        print(f"\nrestored and ready after {took:.1f} s (RTO {RTO} s), from a backup {lost:.0f} s old (RPO {RPO} s)")
    assert took < RTO
    assert lost < RPO

    await go_on(house)


async def test_a_lost_database(house: House, postgres: Server, capsys) -> None:
    """The same of a PostgreSQL, by the commands of docs/running.md."""
    name = name_of_new()
    postgres.ask(f"CREATE DATABASE {name}")
    house.store = postgres.url(name)
    await begin(house)
    await follow("pg_dump", house.folder, ADDRESS=house.store)
    house.daemon.kill()
    postgres.ask(f"DROP DATABASE {name} WITH (FORCE)")

    began = time.monotonic()
    postgres.ask(f"CREATE DATABASE {name}")
    await follow("pg_restore", house.folder, ADDRESS=house.store)
    await follow("alertd audit verify", house.folder, ADDRESS=house.store)
    house.slack.answer()
    await house.start()
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\nrestored from a dump and ready after {took:.1f} s (RTO {RTO} s)")
    assert took < RTO
    await go_on(house)
