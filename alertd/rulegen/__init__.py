"""Declared thresholds and objectives become Prometheus rules and, beside each, the tests that prove them. Pure: values
in, text out.

declared ▸ counting, threshold (rules)                          ▸ scenarios, node_tests, service_tests (tests) ▸ emit
         ▸ guarding (rules of guardrails)                       ▸ guarding_tests (tests)
         ▸ objectives, rows (counts), tiers, burn, budget (rules) ▸ slo_world, slo_tests (tests)
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence

from alertd.model import MINUTE, SECOND, Millis
from alertd.rulegen import (
    alike,
    budget,
    budget_tests,
    burn,
    emit,
    guarding,
    guarding_tests,
    inhibit,
    node_tests,
    objectives,
    pages,
    promql,
    row_tests,
    rows,
    service_tests,
    slice_tests,
    slo_tests,
    slo_world,
    threshold,
    tiers,
)
from alertd.rulegen.declared import RESPONSE_TIMES, UTILIZATIONS, Declared, Objective, Service, Watched
from alertd.rulegen.differences import SLOT
from alertd.rulegen.rows import Tracked
from alertd.rulegen.rules import AlertRule, Group, RuleFile
from alertd.rulegen.scenarios import Check, Leveled, Scenario
from alertd.rulegen.version import OLDEST, PrometheusVersion

RESERVED = ("nodes", "watchdog")  # the files that are no service's



def reserved(name: str) -> bool:
    """Whether a service cannot have this name, since a file has it."""
    return name.lower() in RESERVED or name.lower().startswith(f"{guarding.FILE}-")


INHIBIT, INHIBIT_HERE = "alertmanager-inhibit.yaml", "routing-inhibit.yaml"  # for Alertmanager, and for routing.yaml
RUNBOOKS = "runbooks"  # the folder of the alerts' pages
_RULES = ".rules.yaml"
# The same rules without `query_offset`, where there is one: the tests are of these, since promtool applies it in tests
# too, where it would move every evaluation off the marks of the clock.
_AT_ONCE = ".at-once.yaml"


def files(declared: Declared, version: PrometheusVersion = OLDEST) -> dict[str, str]:
    """All of `each`, at once."""
    return dict(each(declared, version))


def each(declared: Declared, version: PrometheusVersion = OLDEST) -> Iterator[tuple[str, str]]:
    """Every file of rules/generated/, its name and its text: for each subject `NAME.rules.yaml`, and `NAME.test.yaml`
    with what must and must not fire; where it has objectives, `NAME.slo.test.yaml` and, for each of their windows,
    `NAME.slo-30d.test.yaml`, and with what is counted `NAME.rows.test.yaml` or, of slices of time,
    `NAME.slices.test.yaml`; for each alert `runbooks/NAME.md`. One subject at a time is in memory."""
    names = [source.name for source in declared.sources]
    book = pages.Book(guarding.written(declared))
    for file, scenarios, made_of in _shared(declared):
        header = emit.header(names, emit.digest(*made_of, *_offset(declared)), version)
        written = _written(declared, version, file, scenarios)
        yield from ((file.name + name, header + text) for name, text in written.texts)
        for rule in written.alerts:
            book.add(file.name + _RULES, rule)
    shapes = alike.Shapes(functools.partial(_service, declared, version))
    for service in sorted(declared.services, key=lambda service: service.name):
        made_of = (declared.thresholds, declared.runbooks, service, *_offset(declared))
        header = emit.header([service.source], emit.digest(*made_of), version)
        written = shapes.written(service)
        yield from ((service.name + name, header + text) for name, text in written.texts)
        for rule in written.alerts:
            book.add(service.name + _RULES, rule)
    by = [label for service in declared.services for objective in service.objectives for label in objective.by]
    if any(service.objectives for service in declared.services):
        inhibited = inhibit.rules(by)
        header = emit.header(names, emit.digest(inhibited), version)
        yield INHIBIT, header + emit.inhibit(inhibited)
        yield INHIBIT_HERE, header + emit.inhibit_here(inhibit.here(inhibited))
    for name, page in book.pages():
        yield f"{RUNBOOKS}/{name}.md", emit.comment(names, emit.digest(page), version) + page


def _offset(declared: Declared) -> tuple[Millis, ...]:
    return (declared.query_offset,) if declared.query_offset else ()


def _tested(declared: Declared, version: PrometheusVersion) -> str:
    """What follows a subject's name in the name of the rules that its tests are of."""
    return _AT_ONCE if declared.query_offset and version.has_query_offset else _RULES


def _written(declared: Declared, version: PrometheusVersion, file: RuleFile, scenarios: Iterable[Scenario],
             *more: tuple[str, str]) -> alike.Written:
    """`more` are further texts of the subject."""
    tested = _tested(declared, version)
    texts = [(_RULES, emit.rules(file, version, 0 if tested == _RULES else declared.query_offset))]
    if tested != _RULES:
        texts.append((tested, emit.rules(file, version)))
    if tests := tuple(scenarios):
        texts.append((".test.yaml", emit.tests(file.name + tested, file.groups, tests, MINUTE)))
    alerts = tuple(rule for group in file.groups for rule in group.rules if isinstance(rule, AlertRule))
    return alike.Written((*texts, *more), alerts)


def _service(declared: Declared, version: PrometheusVersion, service: Service) -> alike.Written:
    """Nothing where nothing can be measured."""
    groups = (*threshold.service(declared, service, version), *_objective_groups(declared, service, version))
    if not groups:
        return alike.Written((), ())
    return _written(declared, version, RuleFile(service.name, groups), _service_scenarios(declared, service, groups),
                    *_objective_tests(declared, version, service, groups))


def _objective_tests(declared: Declared, version: PrometheusVersion, service: Service, groups: Sequence[Group]
                     ) -> Iterator[tuple[str, str]]:
    """The files are apart since promtool evaluates all of a file's rules at one interval."""
    watches = tuple(objectives.watches(service))
    if not watches:
        return
    judged = [slo_tests.Judged(watch, tuple(burn.alerts(watch.objective, watch.tracked, declared.runbooks)))
              for watch in watches]
    low = (scenario for watch in watches for scenario in budget_tests.scenarios(watch, declared.runbooks))
    rules = service.name + _tested(declared, version)
    yield ".slo.test.yaml", emit.tests(rules, groups, (
        *slo_tests.scenarios(service, judged), *low,
        *budget_tests.absences(service, watches, declared.runbooks)), slo_world.STEP * MINUTE)
    for name, made_of, evaluated, sliced in ((".rows.test.yaml", row_tests.scenarios, row_tests.EVALUATED, False),
                                             (".slices.test.yaml", slice_tests.scenarios, slice_tests.EVALUATED, True)):
        rounds = [made_of(service, together) for together in objectives.apart(
            watch for watch in watches if bool(watch.objective.slices) is sliced)]
        if rounds:
            yield name, emit.tests(rules, groups, itertools.chain.from_iterable(rounds), evaluated)
    for window in sorted({watch.tracked.window for watch in watches}):
        its = [made(watch) for watch in watches if watch.tracked.window == window
               for made in (budget_tests.window, budget_tests.ends)]
        its += [budget_tests.nothing(watch) for watch in watches
                if watch.tracked.window == window and watch.objective.slices]
        text = emit.tests(rules, groups, its, budget_tests.evaluated(window))
        yield f".slo-{promql.duration(window)}.test.yaml", text


def _objective_groups(declared: Declared, service: Service, version: PrometheusVersion) -> Iterator[Group]:
    """The records of each objective, and its alerts behind those they are made of."""
    for watch in objectives.watches(service):
        yield from objective_groups(watch.objective, watch.tracked, declared.runbooks, version=version)


def objective_groups(objective: Objective, tracked: Tracked, runbooks: str, interval: Millis = 30 * SECOND,
                     version: PrometheusVersion = OLDEST) -> tuple[Group, ...]:
    """The records of an objective and its alerts: the budget and the fastest alert every `interval`; what is told from
    the rows behind them; what changes over days in a group of its own."""
    hours, slow, live = rows.groups(tracked, interval, version)
    every = {fit.tier.name: fit.tier.every for fit in tiers.fit(tracked.target, tracked.window).burns}
    burns: dict[Millis | None, list[AlertRule]] = {}
    for rule in burn.alerts(objective, tracked, runbooks):
        burns.setdefault(every[rule.labels["tier"]], []).append(rule)
    absent, low = budget.absent(objective, tracked, runbooks), budget.low(objective, tracked, runbooks)
    labels = {"service": tracked.service, "slo": tracked.slo}
    return (Group(hours.name, hours.rules, hours.interval, labels),
            Group(slow.name, (*slow.rules, *burns.get(SLOT, ()), absent), slow.interval, labels),
            Group(live.name, (*live.rules, *burns.get(None, ())), live.interval, labels),
            Group(f"{tracked.service} {tracked.slo} days", (*burns.get(tiers.DAYS, ()), *low), tiers.DAYS, labels))


def _shared(declared: Declared) -> Iterator[tuple[RuleFile, Iterator[Scenario], tuple[object, ...]]]:
    """The files that are no service's, and what they are made of."""
    nodes = tuple(threshold.nodes(declared))
    if nodes:
        made_of = declared.thresholds, declared.nodes, declared.runbooks
        yield RuleFile("nodes", nodes), _node_scenarios(declared, nodes), made_of
    for guarded in declared.guardrails:
        group = guarding.group(guarded, declared.runbooks)
        rules = tuple(rule for rule in group.rules if isinstance(rule, AlertRule))
        yield (RuleFile(guarding.file_of(guarded), (group,)), guarding_tests.scenarios(guarded, rules),
               (guarded, declared.runbooks))
    watchdog = threshold.watchdog(declared)
    yield RuleFile("watchdog", (watchdog,)), _watchdog_scenarios(watchdog), (declared.runbooks,)


def _node_scenarios(declared: Declared, groups: tuple[Group, ...]) -> Iterator[Scenario]:
    by_name = {group.name: group for group in groups}
    for preset in declared.nodes:
        for watched in UTILIZATIONS:
            if group := by_name.get(threshold.node_group(preset, watched)):
                yield from node_tests.scenarios(preset, watched, _leveled(declared, watched, (group,)))


def _service_scenarios(declared: Declared, service: Service, groups: tuple[Group, ...]) -> Iterator[Scenario]:
    for watched in (Watched.ERRORS, *RESPONSE_TIMES):
        if levels := _leveled(declared, watched, groups):
            yield from service_tests.scenarios(service, watched, levels)


def _leveled(declared: Declared, watched: Watched, groups: tuple[Group, ...]) -> tuple[Leveled, ...]:
    """Each level of a threshold with the alert rule made from it, which stand in the same order."""
    name = threshold.SHAPES[watched].alert
    rules = [rule for group in groups for rule in group.rules if isinstance(rule, AlertRule) and rule.alert == name]
    return tuple(Leveled(level, rule)
                 for level, rule in zip(declared.thresholds.get(watched, ()), rules, strict=True)) if rules else ()


def _watchdog_scenarios(group: Group) -> Iterator[Scenario]:
    rule, = (rule for rule in group.rules if isinstance(rule, AlertRule))
    firing = ((rule.labels, rule.annotations),)
    yield Scenario("Watchdog always fires", {}, tuple(Check(minute, rule.alert, firing) for minute in (0, 60)))
