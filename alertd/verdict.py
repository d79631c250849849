"""The one sentence of the first page: is all well, does somebody have to come, or is it not known. Pure.

Green is said only of what is known: nothing burns, nothing is broken, and there is a fresh sign that what would burn
would be heard of. Without such a sign it is unknown.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence

from alertd.model import HOUR, MINUTE, Millis
from alertd.routing import Routing
from alertd.times import duration

FRESH: Millis = 15 * MINUTE  # how long a webhook is a sign that the way from Prometheus works
ANSWERS: Millis = MINUTE  # the same for an Alertmanager that is asked every 15 s
LATE: Millis = 5 * MINUTE  # a message that has been due for longer is stuck
LATELY: Millis = HOUR  # an unreadable webhook of longer ago is listed, and is no news


class Standing(enum.StrEnum):
    OK = "ok"
    ATTENTION = "attention"
    UNKNOWN = "unknown"


class Budget(enum.StrEnum):
    """Where an error budget stands."""

    OK = "ok"
    AT_RISK = "at_risk"
    EXHAUSTED = "exhausted"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What is known of everything.

    `unattended` and `attended` count open incidents that somebody should know of; `heard_at` is the newest webhook,
    `beats` how long ago each heartbeat came that is watched, as (since, allowed); `answered` when each Alertmanager
    last said what it lists (0: never), asked for since `started_at`. `budgets` counts SLOs by their state, None where
    none are watched.
    """

    now: Millis
    started_at: Millis
    unattended: int = 0
    attended: int = 0
    dead: int = 0
    queued_since: Millis | None = None
    unreadable: int = 0
    stopping: bool = False
    store_error: str | None = None
    config_problem: str | None = None
    own_problem: str | None = None
    heard_at: Millis | None = None
    beats: Sequence[tuple[Millis, Millis]] = ()
    answered: Mapping[str, Millis] = dataclasses.field(default_factory=dict)
    budgets: Mapping[Budget, int] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What the page says first, and below it what is broken, each with what to do."""

    standing: Standing
    sentence: str
    broken: tuple[str, ...] = ()


def judge(facts: Facts) -> Verdict:
    """The verdict on these facts."""
    broken = tuple(_broken(facts))
    budgets = facts.budgets or {}
    spent = budgets.get(Budget.AT_RISK, 0) + budgets.get(Budget.EXHAUSTED, 0)
    sign = _sign(facts)
    if broken or facts.unattended or facts.attended or spent:
        standing = Standing.ATTENTION
    elif sign is None or budgets.get(Budget.UNKNOWN, 0):
        standing = Standing.UNKNOWN
    else:
        standing = Standing.OK
    return Verdict(standing, _sentence(facts, sign), broken)


def beats_of(beat_at: Iterable[tuple[str, Millis]], routing: Routing, now: Millis) -> list[tuple[Millis, Millis]]:
    """The heartbeats that are watched, given when each came last by its matchers."""
    allowed = {", ".join(map(str, one.matchers)): one.every for one in routing.heartbeats}
    return [(now - at, allowed[matchers]) for matchers, at in beat_at if matchers in allowed]


def _sentence(facts: Facts, sign: str | None) -> str:
    parts = [_needs(facts)]
    if facts.budgets is not None:
        parts.append(_budgets(facts.budgets))
    if facts.dead:
        parts.append(f"{_count(facts.dead, 'message')} could not be delivered")
    parts.append(sign or _silence(facts))
    return "; ".join(parts) + "."


def _needs(facts: Facts) -> str:
    if facts.unattended:
        needs = "needs" if facts.unattended == 1 else "need"
        more = f", {facts.attended} more being taken care of" if facts.attended else ""
        return f"{_count(facts.unattended, 'incident')} {needs} a person{more}"
    if facts.attended:
        return f"{_count(facts.attended, 'incident')}, being taken care of"
    return "Nothing needs a person"


def _budgets(budgets: Mapping[Budget, int]) -> str:
    words = {Budget.EXHAUSTED: "used up", Budget.AT_RISK: "at risk", Budget.UNKNOWN: "unknown"}
    said = [f"{budgets[state]} {word}" for state, word in words.items() if budgets.get(state)]
    total = _count(sum(budgets.values()), "error budget")
    return f"of {total} {', '.join(said)}" if said else f"{total} in order"


def _sign(facts: Facts) -> str | None:
    """What shows that alerts would be heard of; None where nothing does."""
    fresh = [at for at in facts.answered.values() if facts.now - at <= ANSWERS]
    if fresh and len(fresh) == len(facts.answered):
        return f"Alertmanager answered {_ago(facts.now - max(fresh))}"
    if facts.beats and all(since <= allowed for since, allowed in facts.beats):
        return f"the heartbeat came {_ago(max(since for since, _ in facts.beats))}"
    if facts.heard_at is not None and facts.now - facts.heard_at <= FRESH:
        return f"last heard from Alertmanager {_ago(facts.now - facts.heard_at)}"
    return None


def _silence(facts: Facts) -> str:
    if facts.heard_at is None:
        return "nothing was ever heard from Alertmanager, so whether all is well is unknown"
    return (f"last heard from Alertmanager {_ago(facts.now - facts.heard_at)}: calm, or a broken line, is unknown "
            "without a heartbeat or --alertmanager")


def _broken(facts: Facts) -> Iterable[str]:
    if facts.stopping:
        yield "alertd is shutting down and takes no webhooks; Alertmanager sends again once it is back."
    if facts.store_error:
        yield (f"Webhooks cannot be stored: {facts.store_error}. Alertmanager sends them again; free space, or look "
               "at the disk.")
    if facts.config_problem:
        yield f"The newest routing file is not in force, the one before it is. {facts.config_problem}"
    if facts.own_problem:
        yield (f"alertd's own heartbeat does not go out: {facts.own_problem}. Until it does, take it that nobody is "
               "told of anything.")
    for address, at in facts.answered.items():
        silent = facts.now - max(at, facts.started_at)
        if silent > ANSWERS:
            yield (f"Alertmanager at {address} has not answered for {duration(silent)}: ends that no webhook tells "
                   "are not noticed.")
    if facts.dead:
        yield f"{_count(facts.dead, 'message')} could not be delivered; below is why, and a button to try again."
    if facts.queued_since is not None and facts.now - facts.queued_since > LATE:
        waits = duration(facts.now - facts.queued_since)
        yield f"A message has been due for {waits} and is not sent; its attempts say why."
    if facts.unreadable:
        were = "was unreadable, so what it" if facts.unreadable == 1 else "were unreadable, so what they"
        yield (f"{_count(facts.unreadable, 'webhook')} of the last hour {were} told is not known here; below is how "
               f"{'it begins' if facts.unreadable == 1 else 'they begin'}.")


def _ago(length: Millis) -> str:
    return f"{duration(length)} ago" if length >= 1000 else "just now"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
