"""The `guardrails:` of rules/*.yaml: which limits are watched, and by what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alertd import matchers
from alertd.config import limits, rules_model
from alertd.config.yaml import Document, did_you_mean
from alertd.errors import Finding
from alertd.model import MINUTE
from alertd.presets import Preset
from alertd.presets.guardrail import METRIC, WHERE, Guardrail, Shows, Unit
from alertd.rulegen.declared import Guarded, Limit
from alertd.rulegen.threshold import KEEP_FIRING

OFF = "off"  # the limit of one that is not watched although its preset is
_NAME = re.compile("[a-z][a-z0-9_]{0,99}")

_Section = tuple[Document, Mapping[str, rules_model.Guardrail] | None]


def read(sections: Sequence[_Section], presets: Mapping[str, Preset], watched: Iterable[Preset]
         ) -> tuple[tuple[Guarded, ...], list[Finding]]:
    """Those that are declared, and those that the presets in `watched` bring with their usual limits."""
    known = {name: guardrail for preset in presets.values()
             for name, guardrail in preset.guardrails.items()}
    found = dict(_usual(watched))
    first: dict[str, Document] = {}
    findings: list[Finding] = []
    for document, entries in sections:
        for name, entry in (entries or {}).items():
            at = ("guardrails", name)
            if name in first:
                findings.append(document.finding(at, f"{name!r} is given twice", "the first stands in "
                                                 f"{first[name].file}:{first[name].line(at)}; keep one", key=True,
                                                 id="duplicate"))
                continue
            first[name] = document
            found.pop(name, None)
            guarded = _read(document, name, entry, known, findings)
            if guarded:
                found[name] = guarded
    return tuple(found[name] for name in sorted(found)), findings


def _usual(watched: Iterable[Preset]) -> Iterator[tuple[str, Guarded]]:
    for preset in watched:
        for name, guardrail in preset.guardrails.items():
            if guardrail.usual is not None:
                limit = limits.read(guardrail.usual, guardrail)
                yield name, _guarded(name, guardrail, rules_model.Guardrail(), limit)


def _read(document: Document, name: str, entry: rules_model.Guardrail, known: Mapping[str, Guardrail],
          findings: list[Finding]) -> Guarded | None:
    """None where it is switched off, or something is wrong with it, which `findings` then say."""
    at = ("guardrails", name)
    of = entry.use or name
    if of not in known:
        where = (*at, "use") if entry.use else at
        findings.append(document.finding(where, f"there is no guardrail {of!r}", did_you_mean(of, known),
                                         key=not entry.use, id="guardrail"))
        return None
    if not _NAME.fullmatch(name):
        findings.append(document.finding(at, f"{name!r} cannot name a guardrail", "use small letters, digits and '_'",
                                         key=True, id="name"))
        return None
    guardrail = known[of]
    given = guardrail.usual if entry.limit is None else entry.limit
    if str(given).lower() == OFF:
        return None
    try:
        limit = limits.read(given, guardrail)
        guarded = _guarded(name, guardrail, entry, limit)
        _fits(guarded, entry)
    except _Misfit as error:
        findings.append(document.finding((*at, error.key), *error.words))
        return None
    except ValueError as error:
        what, _, fix = str(error).partition("; ")
        findings.append(document.finding((*at, "limit"), what, fix))
        return None
    return guarded


class _Misfit(ValueError):
    """A key of an entry that its guardrail cannot have: `words` are what is wrong and what to do."""

    def __init__(self, key: str, what: str, fix: str) -> None:
        super().__init__(what)
        self.key = key
        self.words = (what, fix)


def _guarded(name: str, guardrail: Guardrail, entry: rules_model.Guardrail, limit: Limit) -> Guarded:
    try:
        where = matchers.parse_all(guardrail.where if entry.where is None else entry.where)
    except ValueError as error:
        what, _, fix = str(error).partition("; ")
        raise _Misfit("where", what, fix) from None
    return Guarded(
        name, guardrail, limit, entry.severity or guardrail.severity,
        guardrail.lasting if entry.lasting is None else entry.lasting,
        KEEP_FIRING if entry.keep_firing_for is None else entry.keep_firing_for, where,
        entry.metric or guardrail.metric or "")


def _fits(guarded: Guarded, entry: rules_model.Guardrail) -> None:
    """Raises _Misfit for what would quietly change nothing, and for a test that could not be made."""
    guardrail = guarded.guardrail
    if entry.where is not None and WHERE not in guardrail.measure:
        raise _Misfit("where", "this guardrail looks at one thing and has no conditions", "leave `where` out")
    if entry.metric is not None and METRIC not in guardrail.measure:
        raise _Misfit("metric", "this guardrail reads fixed metrics", "leave `metric` out, or write your own preset")
    if guardrail.window and guarded.lasting > guardrail.window // 4 and guarded.lasting > guardrail.lasting:
        raise _Misfit("for", "its query looks back too short a time for what happened to be seen so long",
                      f"give {guardrail.window // 4 // MINUTE}m at most")
    shows = {each.shows for shown in guardrail.cases.values() for each in shown}
    least = guarded.limit.least
    if Shows.APART in shows and least is not None and least < 180:  # three minutes: two and a scrape
        raise ValueError("two changes so near to each other cannot be told apart by scrapes a minute apart; give 3m or "
                         "more")
    if Shows.COPIES in shows and least is not None and guardrail.unit is Unit.COUNT and least < 2:
        raise ValueError("where nothing is there is nothing to count, and GuardrailUnknown says so; give 2 or more")
    if least is not None and least <= 0:
        raise ValueError("at least nothing is always there; give a figure above 0")
