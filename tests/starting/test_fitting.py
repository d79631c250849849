"""Which presets fit what a Prometheus has."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.config import preset_file
from alertd.starting import fitting
from alertd.starting.policy import Declared, Quick, Setting

PRESETS = preset_file.load(Path("none"))[0]
NODE = frozenset({"node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes", "node_memory_Buffers_bytes",
                  "node_memory_Cached_bytes", "node_memory_MemFree_bytes", "node_memory_Slab_bytes"})
COUNTER = 'count by (job) (http_requests_total)'
STATUS, CODE = (f'count by (job) (http_requests_total{{{label}!=""}})' for label in ("status", "code"))
HISTOGRAM = "count by (job) (http_request_duration_seconds_count)"
FINER = "count by (job) (http_request_duration_highr_seconds_count)"


def found(answers: dict[str, set[str]], *metrics: str) -> list[tuple[str, str, str]]:
    """Name, preset and selector of what is found by these answers, on these metrics."""
    services = fitting.services(fitting.candidates(PRESETS.values(), frozenset(metrics)),
                                {query: frozenset(values) for query, values in answers.items()})
    return [(one.name, one.preset.name, one.selector) for one in services]


def test_what_is_watched_as_a_whole() -> None:
    """A preset one of whose worlds is there; none where nothing is."""
    assert fitting.watched(PRESETS.values(), NODE) == ("node_exporter",)
    assert fitting.watched(PRESETS.values(), frozenset({"node_memory_MemTotal_bytes"})) == ()


def test_containers_are_watched_by_their_limits_once() -> None:
    """Not by what they asked for as well."""
    metrics = {example.metric for name in ("container-limits", "container-requests")
               for one in PRESETS[name].utilization.values() for case in one.cases.values() for example in case}
    assert fitting.watched(PRESETS.values(), frozenset(metrics)) == ("container-limits",)


def test_a_job_with_the_counter_and_its_label_is_a_service() -> None:
    """One without the label says nothing of failures, and is none."""
    metrics = ("http_requests_total", "http_request_duration_seconds_count")
    assert found({COUNTER: {"shop", "odd"}, STATUS: {"shop"}, HISTOGRAM: {"shop"}}, *metrics) == [
        ("shop", "prometheus-http", 'job="shop"')]


def test_of_two_presets_the_finer_one() -> None:
    """FastAPI's instrumentator shows what a plain client shows, and a histogram with more buckets."""
    metrics = ("http_requests_total", "http_request_duration_seconds_count",
               "http_request_duration_highr_seconds_count")
    answers = {COUNTER: {"api"}, STATUS: {"api"}, HISTOGRAM: {"api"}, FINER: {"api"}}
    assert found(answers, *metrics) == [("api", "fastapi", 'job="api"')]


def test_services_behind_a_proxy_are_told_apart_by_its_label() -> None:
    """Their names become such as a file can have."""
    by = "count by (service) (traefik_service_requests_total"
    assert found({f"{by})": {"shop@docker", "nodes"}, f'{by}{{code!=""}})': {"shop@docker", "nodes"}},
                 "traefik_service_requests_total") == [
        ("nodes-traefik", "traefik", 'service="nodes"'), ("shop-docker", "traefik", 'service="shop@docker"')]


SHOP = fitting.Found("shop", PRESETS["prometheus-http"], 'job="shop"')
SLOW = Declared(thresholds={"response_time": Setting("20 seconds")})


@pytest.mark.parametrize(("edges", "declared", "buckets", "latency", "word"), [
    (None, Declared(), (), True, ""),
    ({"0.1", "0.5", "1.0", "+Inf"}, Declared(), ("0.1", "0.5", "1"), True, ""),
    ({"0.1", "1", "+Inf"}, Declared(), ("0.1", "1"), False, "500ms is no bucket of its histogram, 100ms to 1s"),
    ({"0.1", "1"}, Declared(latency=Quick("99%", "1s")), ("0.1", "1"), True, ""),
    (set(), Declared(), (), False, "no histogram, so no response times are watched"),
])
def test_objectives_that_can_be_counted(edges: set[str] | None, declared: Declared, buckets: tuple[str, ...],
                                        latency: bool, word: str) -> None:
    """By the buckets that are really there; what cannot be is said."""
    service, said = fitting.service(SHOP, None if edges is None else frozenset(edges), declared)
    assert service
    assert (service.buckets, service.latency) == (buckets, latency)
    assert word in said


def test_a_service_that_a_threshold_cannot_watch_is_left_out() -> None:
    """And said to be: its rules would not be built."""
    service, said = fitting.service(SHOP, None, SLOW)
    assert service is None
    assert said == ("shop is left out: its histogram, 5ms to 10s, tells nothing of response_time 20 seconds")


def test_the_example_has_the_buckets_that_are_needed() -> None:
    """Whatever times a document declares, rules can be built for it."""
    http = PRESETS["prometheus-http"]
    assert fitting.example(http, Declared()).buckets == ()
    declared = Declared(thresholds={"response_time": Setting("30 seconds")}, latency=Quick("95%", "333ms"))
    assert {"0.333", "30"} < set(fitting.example(http, declared).buckets)


def test_guardrails_without_metrics() -> None:
    """Are named: each needs all of its own, and what rules record will be there."""
    guardrails = {name: guardrail for preset in PRESETS.values() for name, guardrail in preset.guardrails.items()
                  if name in ("node_count", "max_cost_increase", "availability")}
    assert fitting.unseen(guardrails, frozenset({"kube_node_info"})) == ("max_cost_increase",)
