"""What a backtest found, in tables, Markdown for a pull request, and JSON; of one rule set, or of two side by side."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from alertd.backtest.firing import Episode
from alertd.backtest.telling import Told
from alertd.model import MINUTE, Kind, Millis

FLAPPING: Millis = 15 * MINUTE  # an alert that begins again this soon has flapped
NIGHT = (22, 6)  # the hours, from and until


@dataclasses.dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one rule set. `left` are alerts that could not be replayed, with why; `remarks` are about how the
    others were."""

    episodes: Mapping[str, Sequence[Episode]]
    told: Sequence[Told]
    left: Mapping[str, str]
    remarks: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """What was replayed: from when to when, in steps, with the hours of a place's night."""

    start: Millis
    end: Millis
    step: Millis
    zone: ZoneInfo

    def at_night(self, at: Millis) -> bool:
        hour = datetime.datetime.fromtimestamp(at / 1000, self.zone).hour
        return hour >= NIGHT[0] or hour < NIGHT[1]


def figures(replayed: Replayed, span: Span) -> dict[str, Any]:
    """All numbers of one rule set: `alerts` by name, `receivers` by name, and `not_replayed` with reasons."""
    return {
        "alerts": {name: _alert(each, span) for name, each in sorted(replayed.episodes.items())},
        "receivers": {name: _receiver([each for each in replayed.told if each.receiver == name], span)
                      for name in sorted({each.receiver for each in replayed.told})},
        "not_replayed": dict(sorted(replayed.left.items())), "remarks": list(replayed.remarks),
    }


def _alert(episodes: Sequence[Episode], span: Span) -> dict[str, Any]:
    lengths = [((each.end or span.end) - each.start) / MINUTE for each in episodes]
    return {"fired": len(episodes), "minutes": round(sum(lengths), 1),
            "longest_minutes": round(max(lengths, default=0), 1),
            "at_night": sum(span.at_night(each.start) for each in episodes), "flapped": _flapped(episodes),
            "firing_at_the_end": sum(each.end is None for each in episodes)}


def _flapped(episodes: Sequence[Episode]) -> int:
    """How often one began again shortly after its own end."""
    count, ends = 0, dict[frozenset[tuple[str, str]], Millis]()
    for each in sorted(episodes, key=lambda episode: episode.start):
        who = frozenset(each.labels.items())
        count += who in ends and each.start - ends[who] < FLAPPING
        if each.end is not None:
            ends[who] = each.end
    return count


def _receiver(told: Sequence[Told], span: Span) -> dict[str, Any]:
    starts = [each for each in told if each.kind is Kind.FIRING]
    alerts = sorted({name for each in starts for name in each.alerts})
    return {"starts": len(starts), "at_night": sum(span.at_night(each.at) for each in starts),
            "messages": {channel: sum(each.channel == channel for each in told)
                         for channel in sorted({each.channel for each in told})},
            "alerts": {name: sum(name in each.alerts for each in starts) for name in alerts}}


Row = Sequence[str]
_ALERT = (("fired", "fired"), ("minutes", "minutes"), ("longest", "longest_minutes"), ("at night", "at_night"),
          ("flapped", "flapped"))


def tables(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[list[Row]]:
    """A table of alerts and one of receivers, a heading first; with `old`, a change reads `before → after`."""
    alerts: list[Row] = [["alert", *(heading for heading, _ in _ALERT)]]
    for name in _names(new, old, "alerts"):
        now, before = (side["alerts"].get(name, {}) if side else {} for side in (new, old))
        alerts.append([name, *(_cell(now.get(key), before.get(key), old is None) for _, key in _ALERT)])
    receivers: list[Row] = [["receiver", "told of a start", "at night", "messages", "by alert"]]
    for name in _names(new, old, "receivers"):
        now, before = (side["receivers"].get(name) if side else None for side in (new, old))
        receivers.append([name, *(_cell(now and read(now), before and read(before), old is None)
                                  for read in (_starts, _nights, _messages, _by_alert))])
    return [alerts, receivers]


def _names(new: Mapping[str, Any], old: Mapping[str, Any] | None, what: str) -> list[str]:
    return sorted({*new[what], *(old[what] if old else ())})


def _cell(new: Any, old: Any, alone: bool) -> str:
    after = _shown(new)
    before = after if alone else _shown(old)
    return after if before == after else f"{before} → {after}"


def _shown(value: Any) -> str:
    """What one side does not have at all is a dash."""
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _starts(receiver: Mapping[str, Any]) -> Any:
    return receiver["starts"]


def _nights(receiver: Mapping[str, Any]) -> Any:
    return receiver["at_night"]


def _messages(receiver: Mapping[str, Any]) -> Any:
    return ", ".join(f"{channel} {count}" for channel, count in receiver["messages"].items())


def _by_alert(receiver: Mapping[str, Any]) -> Any:
    return ", ".join(f"{name} {count}" for name, count in receiver["alerts"].items())


def notes(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[str]:
    """What a reader must know of the numbers: what is not in them."""
    lines = [f"{name} was not replayed: {why}" for name, why in new["not_replayed"].items()]
    if old:
        lines += [f"{name} of the other rule set was not replayed: {why}" for name, why in old["not_replayed"].items()]
    return [*lines, *new["remarks"]]


def heading(span: Span) -> str:
    start, end = (datetime.datetime.fromtimestamp(at / 1000, span.zone) for at in (span.start, span.end))
    return (f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({span.zone.key}), every {span.step // 1000} s; "
            f"night is {NIGHT[0]} to {NIGHT[1]} o'clock")


def markdown(span: Span, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> str:
    parts = [f"### Backtest\n\n{heading(span)}\n"]
    for head, *rows in tables(new, old):
        if rows:
            cells = ([cell.replace("|", "\\|") for cell in line] for line in (head, ["---"] * len(head), *rows))
            lines = (" | ".join(line) for line in cells)
            parts.append("".join(f"| {line} |\n" for line in lines))
    if noted := notes(new, old):
        parts.append("".join(f"- {note}\n" for note in noted))
    return "\n".join(parts)


def as_json(span: Span, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> str:
    """`{"version": 1, "from", "to", "step" (ms), "new": figures, "old": figures or null}`."""
    body = {"version": 1, "from": span.start, "to": span.end, "step": span.step, "new": new, "old": old}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
