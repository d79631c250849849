"""The `maintenance:` of routing.yaml: when work is planned, what it covers, and what becomes of what fires then."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pydantic

from alertd.config import units
from alertd.config.rotas import zone
from alertd.config.yaml import Document, Key, validate
from alertd.errors import Finding
from alertd.matchers import Matcher
from alertd.model import DAY, MINUTE, Millis
from alertd.rotas import DAYS, parse_hours
from alertd.schedule import LONGEST, Mode, Once, Recurring, Weekly, When, Window, Windows, check_rule, everything

WRITE = "write {name: upgrade, match: ['service=\"db\"'], every: \"SUN 02:00-04:00\", timezone: Europe/Berlin}"
_RULE = re.compile(r"(RRULE:)?FREQ=", re.IGNORECASE)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_MONTHLY = re.compile(rf"(?P<which>{'|'.join(_ORDINALS)})\s+(?P<day>[a-z]+)\s+of\s+(?:the|each|every)\s+month\s+"
                      r"(?P<hours>[\d:\s-]+)", re.IGNORECASE)
_EVERY = re.compile(r"(?:daily|every\s+day|every)\s+", re.IGNORECASE)
_DAYS = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)(?:days?|sdays?|nesdays?|rsdays?|urdays?)\b", re.IGNORECASE)

Place = tuple[Key, ...]


def _moment(value: object) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError("must be a date and time; write it as 2026-12-01T20:00:00+01:00, or 2026-12-01T20:00 in the "
                         "window's time zone") from error
    return units.in_calendar(moment)


_Moment = Annotated[datetime.datetime, pydantic.PlainValidator(_moment)]


class WindowSection(pydantic.BaseModel):
    """What a window is written as."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: pydantic.StrictStr = pydantic.Field(min_length=1)
    match: list[pydantic.StrictStr] | pydantic.StrictStr | None = None
    mode: Mode = Mode.HOLD
    every: list[pydantic.StrictStr] | pydantic.StrictStr | None = None
    from_: _Moment | None = pydantic.Field(default=None, alias="from")
    to: _Moment | None = None
    for_: Annotated[Millis, pydantic.PlainValidator(units.duration)] | None = pydantic.Field(default=None, alias="for")
    timezone: Annotated[zoneinfo.ZoneInfo, pydantic.PlainValidator(zone)] = zoneinfo.ZoneInfo("UTC")
    reason: pydantic.StrictStr = ""
    notices: pydantic.StrictBool = True
    exclude_from_budget: pydantic.StrictBool = False


def read(document: Document, matchers: Callable[[Any, Place], tuple[Matcher, ...]], digests: bool, now: Millis
         ) -> tuple[Windows, list[Finding]]:
    """The windows that can be read, and every fault. `matchers` reads those at a place and tells their faults itself;
    `digests`: whether some receiver has one."""
    data = document.data.get("maintenance")
    if data is not None and not isinstance(data, list):
        return Windows(), [document.finding(("maintenance",), "must be a list of windows", WRITE, id="invalid-value")]
    found: list[Window] = []
    findings: list[Finding] = []
    names: dict[str, int] = {}
    for index, value in enumerate(data or ()):
        path: Place = ("maintenance", index)
        if not isinstance(value, dict):
            findings.append(document.finding(path, "must be a window", WRITE, id="invalid-value"))
            continue
        section, wrong = validate(document, WindowSection, value, path)
        findings += wrong
        covers = matchers(value["match"], (*path, "match")) if value.get("match") else ()
        if section is None:
            continue
        if section.name in names:
            findings.append(document.finding((*path, "name"), f"{section.name!r} names two windows",
                                             f"the first stands in line {names[section.name]}; name this one otherwise",
                                             id="duplicate-key"))
        names.setdefault(section.name, document.line(path))
        try:
            when = _when(section)
        except _Wrong as error:
            findings.append(document.finding((*path, *error.key), error.what, error.fix, id="invalid-value"))
            continue
        window = Window(section.name, covers, when, section.mode, section.reason, document.line(path),
                        notices=section.notices, exclude_from_budget=section.exclude_from_budget)
        if covers or not value.get("match"):
            findings += _doubts(document, path, window, digests, now)
            found.append(window)
    return Windows(found), findings


class _Wrong(Exception):
    def __init__(self, what: str, fix: str, *key: str) -> None:
        self.what = what
        self.fix = fix
        self.key = key
        super().__init__(what)


def tried(every: str, length: str | None, timezone: str) -> Window:
    """A window that is not written yet, to look at when it would be. ValueError says what is wrong."""
    try:
        section = WindowSection.model_validate(
            {"name": every, "every": every, "timezone": timezone, **({"for": length} if length else {})})
        return Window(every, (), _when(section))
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ValueError(fault["msg"].removeprefix("Value error, ")) from error
    except _Wrong as error:
        raise ValueError("; ".join(filter(None, (error.what, error.fix)))) from error


def _plain(text: str) -> str:
    """Hours of the week as `parse_hours` reads them, of what people write: Sundays, every day, weekdays."""
    text = _DAYS.sub(lambda match: match[1], _EVERY.sub("", text.strip(), count=1))
    text = re.sub(r"\bweekdays\b", "MON-FRI", text, flags=re.IGNORECASE)
    return re.sub(r"\bweekends?\b", "SAT,SUN", text, flags=re.IGNORECASE)


def _monthly(match: re.Match[str], timezone: zoneinfo.ZoneInfo) -> Recurring:
    """`first Sunday of the month 02:00-04:00`, as the rule it is."""
    hours = parse_hours(_plain(f"{match['day']} {match['hours']}"))
    [weekday] = hours.weekdays
    lasts = (hours.ends.hour - hours.begins.hour) * 60 + hours.ends.minute - hours.begins.minute
    rule = (f"FREQ=MONTHLY;BYDAY={_ORDINALS[match['which'].lower()]}{DAYS[weekday][:2]};BYHOUR={hours.begins.hour};"
            f"BYMINUTE={hours.begins.minute};BYSECOND=0")
    return Recurring(rule, (lasts if lasts > 0 else lasts + 24 * 60) * MINUTE, timezone)


def _when(section: WindowSection) -> When:
    """When it is: `every` again and again, or `from` to `to` once."""
    if section.every is None:
        if section.from_ is None or (section.to is None) == (section.for_ is None):
            raise _Wrong("does not say when it is", 'say `every: "SUN 02:00-04:00"`, or `from:` and `to:` (or `for:`)')
        starts = _instant(section.from_, section.timezone)
        ends = starts + section.for_ if section.for_ is not None else _instant(section.to, section.timezone)
        if ends <= starts:
            raise _Wrong("is no later than `from`", "put the earlier time first", "to" if section.to else "for")
        return Once(starts, ends)
    texts = section.every if isinstance(section.every, list) else [section.every]
    if any(_RULE.match(text.strip()) for text in texts):
        return _recurring(section, texts)
    if section.from_ or section.to or section.for_ is not None:
        raise _Wrong("is both once and again and again", "keep `every`, or `from` and `to`", "every")
    try:
        if len(texts) == 1 and (match := _MONTHLY.fullmatch(_EVERY.sub("", texts[0].strip(), count=1))):
            return _monthly(match, section.timezone)
        return Weekly(tuple(parse_hours(_plain(text)) for text in texts), section.timezone)
    except ValueError as error:
        what, _, fix = str(error).rpartition("; ")
        raise _Wrong(what, f"{fix}; or an RRULE such as FREQ=MONTHLY;BYDAY=1SU;BYHOUR=2 with `for: 2h`",
                     "every") from error


def _recurring(section: WindowSection, texts: list[str]) -> Recurring:
    if len(texts) != 1:
        raise _Wrong("an RRULE stands alone", "write a window for each", "every")
    if section.to is not None or section.for_ is None:
        raise _Wrong("an RRULE says when it begins, not how long it lasts", "say `for: 2h`", "every")
    if not 0 < section.for_ <= LONGEST:
        raise _Wrong(f"must be longer than nothing, and no longer than {LONGEST // DAY} days", "", "for")
    if section.from_ is not None and section.from_.tzinfo is not None:
        raise _Wrong("a rule counts by the clocks of `timezone`", "leave the offset out: 2026-12-06T02:00", "from")
    rule = texts[0].strip().upper()
    try:
        check_rule(rule, section.from_)
    except ValueError as error:
        what, _, fix = str(error).rpartition("; ")
        raise _Wrong(what, fix, "every") from error
    return Recurring(rule, section.for_, section.timezone, section.from_)


def _instant(moment: datetime.datetime | None, timezone: zoneinfo.ZoneInfo) -> Millis:
    assert moment is not None  # one of `to` and `for` is given, which has been seen to
    return round((moment if moment.tzinfo else moment.replace(tzinfo=timezone)).timestamp() * 1000)


def _doubts(document: Document, path: tuple[Key, ...], window: Window, digests: bool, now: Millis) -> Iterator[Finding]:
    """What is wrong with a window that is well formed."""
    if everything(window.matchers) and not window.reason:
        yield document.finding((*path, "match") if window.matchers else path, "this window holds every alert there is",
                               "say what it covers by match:, or why by reason:", id="matches-everything")
    if window.mode is Mode.DIGEST and not digests:
        yield document.finding((*path, "mode"), "no receiver has a digest that would collect it",
                               "give one a digest, or say `mode: hold`", id="no-digest")
    ahead = window.next(now, 1)
    if isinstance(window.when, Once) and not ahead:
        yield document.finding((*path, "to"), "this window is over", "remove it", id="window-over", level="remark")
    elif not ahead:
        yield document.finding((*path, "every"), "this window never comes", "mend the rule, or remove it",
                               id="window-never", level="remark")
    elif not isinstance(window.when, Once) and ahead[0][1] - ahead[0][0] > LONGEST:
        yield document.finding((*path, "every"), "this window never ends",
                               "leave hours out in which people are told", id="window-never-ends", level="remark")
