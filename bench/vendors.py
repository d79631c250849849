"""Vendors that take only so many messages: how soon, and with how many tries, all of them are told after all."""

from __future__ import annotations

import contextlib
import sqlite3
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import create_engine

from bench import processes
from bench.crowd import dead_letters
from bench.figures import Figure
from bench.load import Plan

STORM = 100  # messages; the least time for them is what the vendor's rate leaves: (STORM - BURST) / RATE
RATE, BURST = 1, 10
LETTERS, LETTERS_RATE = 10_000, 100  # a limit higher than any vendor's, so that it ends within two minutes
PATIENCE = 2.0  # times the least possible, after which what is not told is counted as never


def throttled(folder: Path, rounds: int) -> list[Figure]:
    """A hundred starts at once to a webhook that takes 1 a second after a burst of 10, and answers 429 with
    Retry-After to the rest; alertd is told nothing of that limit. And ten thousand dead letters that are tried again
    together, at a vendor whose limit alertd knows; once, whatever the rounds."""
    storms, tries, letters, lost = list[float](), list[float](), list[float](), list[float]()
    least = (STORM - BURST) / RATE
    for _ in range(rounds):
        with (processes.sink(f"bucket-webhook-{RATE}-{BURST}") as sink,
              processes.alertd(folder, sink.said[0], "ledger", storms=False) as daemon):
            begun = time.monotonic()
            processes.load(Plan(daemon.port, 1.0, alerts=1, rate=STORM))
            _wait(folder / f"alertd-{daemon.port}.db", "queued", "claimed", seconds=least * PATIENCE)
        said = sink.said[-1]
        storms.append((said["last"]["webhook"] - begun) / least)
        tries.append(said["tries"]["webhook"] / max(said["taken"]["webhook"], 1))
        lost.append(STORM - said["taken"]["webhook"])
    letters.append(_replayed(folder))
    return [Figure(f"V {STORM} messages to 1/s with a burst of {BURST}, against the least possible", "", tuple(storms),
                   (), 1.2, False),
            Figure("V tries a message there", "", tuple(tries), (), 1.5, False),
            Figure("V messages that did not come", "", tuple(lost), (), 0, False),
            Figure(f"V {LETTERS} dead letters again at {LETTERS_RATE}/s, against the least possible", "",
                   tuple(letters), (), 1.2, False)]


def _replayed(folder: Path) -> float:
    """How much longer it takes than the limit alone would."""
    store = folder / "letters.db"
    with processes.sink(f"bucket-slack-{LETTERS_RATE}-{LETTERS_RATE}") as sink:
        with contextlib.ExitStack() as once:
            once.enter_context(processes.alertd(folder, sink.said[0], store=store))  # makes the store
        engine = create_engine(f"sqlite:///{store}")
        with engine.begin() as connection:
            ids = dead_letters(connection, LETTERS)
        engine.dispose()
        with processes.alertd(folder, sink.said[0], slack_rate=f"{LETTERS_RATE}", store=store) as daemon:
            begun = time.monotonic()
            with ThreadPoolExecutor(16) as people:
                list(people.map(lambda id: _again(daemon.port, id), ids))
            _wait(store, "queued", "claimed", "dead", seconds=LETTERS / LETTERS_RATE * PATIENCE)
    if (taken := sink.said[-1]["taken"]["slack"]) < LETTERS:
        raise RuntimeError(f"{LETTERS - taken} of {LETTERS} dead letters did not come")
    return float(sink.said[-1]["last"]["slack"] - begun) / ((LETTERS - LETTERS_RATE) / LETTERS_RATE)


def _again(port: int, id: str) -> None:
    url = f"http://127.0.0.1:{port}/api/v1/notifications/{id}/retry"
    wish = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
    urllib.request.urlopen(wish, timeout=60).close()


def _wait(store: Path, *states: str, seconds: float) -> None:
    """Until no notification is in one of these, or so long."""
    wanted = ", ".join(f"'{state}'" for state in states)
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.5)
            if not db.execute(f"SELECT count(*) FROM notifications WHERE state IN ({wanted})").fetchone()[0]:
                return
