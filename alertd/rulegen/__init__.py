"""Declared thresholds become Prometheus rules and, beside each, the tests that prove them. Pure: values in, text out.

declared ▸ buckets, counting, probing, threshold (rules) ▸ scenarios, node_tests, service_tests, probe_tests (tests)
▸ emit (YAML)
"""

from __future__ import annotations

from collections.abc import Iterator

from alertd.rulegen import emit, node_tests, service_tests, threshold
from alertd.rulegen.declared import RESPONSE_TIMES, UTILIZATIONS, Declared, Service, Watched
from alertd.rulegen.rules import AlertRule, Group, RuleFile
from alertd.rulegen.scenarios import Check, Leveled, Scenario
from alertd.rulegen.version import OLDEST, PrometheusVersion

RESERVED = ("nodes", "watchdog")  # the files that are no service's


def files(declared: Declared, version: PrometheusVersion = OLDEST) -> dict[str, str]:
    """Every file of rules/generated/, by its name: for each subject `NAME.rules.yaml` and `NAME.test.yaml`. A
    Prometheus of `version` or later takes them."""
    header = emit.header(declared.sources)
    result: dict[str, str] = {}
    for file, scenarios in _subjects(declared, version):
        rules = f"{file.name}.rules.yaml"
        result[rules] = header + emit.rules(file)
        result[f"{file.name}.test.yaml"] = header + emit.tests(rules, scenarios)
    return result


def _subjects(declared: Declared, version: PrometheusVersion) -> Iterator[tuple[RuleFile, Iterator[Scenario]]]:
    nodes = tuple(threshold.nodes(declared))
    if nodes:
        yield RuleFile("nodes", nodes), _node_scenarios(declared, nodes)
    for service in sorted(declared.services, key=lambda service: service.name):
        groups = tuple(threshold.service(declared, service, version))
        if groups:
            yield RuleFile(service.name, groups), _service_scenarios(declared, service, groups)
    watchdog = threshold.watchdog(declared)
    yield RuleFile("watchdog", (watchdog,)), _watchdog_scenarios(watchdog)


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
