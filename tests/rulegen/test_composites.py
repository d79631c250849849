"""Objectives that are made of others."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alertd.config import rules_file
from alertd.errors import BadInput
from tests.rulegen.rules_made import declared, generated, promtool, prove

JOURNEY = """
services:
  shop:
    metrics: prometheus-http
    selector: job="shop"
    slos:
      quick: {objective: 95%, under: 500ms, window: 2h}
      journey: {objective: 99%, of: [quick, pay/up], window: 2h}
      steady: {objective: 99%, method: timeslices, slice_target: 99%}
  pay:
    metrics: grpc
    selector: job="pay"
    slos: {up: {objective: 99%, window: 2h}}
"""
LATENCY = 'http_request_duration_seconds_{kind}{{job="shop",instance="a",{le}code="200"}}'


def test_its_tests_show_every_part(tmp_path: Path) -> None:
    """They pass, and fail where the events or the bad events of a part are left out."""
    rules = generated(tmp_path, JOURNEY.replace("steady:", "#"))["shop.rules.yaml"]
    path = tmp_path / "generated" / "shop.slo.test.yaml"
    promtool("test", "rules", path)
    first, row, rest = rules.partition("- name: shop journey rows")
    assert 'grpc_server_handled_total{job="pay"}' in rest
    wrong = rest.replace('grpc_server_handled_total{job="pay",', 'grpc_server_handled_total{job="paid",')
    (tmp_path / "generated" / "shop.rules.yaml").write_text(first + row + wrong)
    every = yaml.safe_load(path.read_text())
    every["tests"] = [each for each in every["tests"] if "enough bad events" in each["name"]]
    path.write_text(yaml.safe_dump(every))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", path)


def test_events_and_bad_ones_are_the_sums(tmp_path: Path) -> None:
    """Of a part that counts the good ones too, and of another service: in the hour 6,000 quick and 300 slow requests,
    and 600 calls of which 60 failed."""
    generated(tmp_path, JOURNEY.replace("steady:", "#"))
    shown = {LATENCY.format(kind="count", le=""): "0+105x200",
             LATENCY.format(kind="bucket", le='le="0.5",'): "0+100x200",
             'grpc_server_handled_total{job="pay",instance="b",grpc_code="OK"}': "0+9x200",
             'grpc_server_handled_total{job="pay",instance="b",grpc_code="Internal"}': "0+1x200",
             'up{job="shop",instance="a"}': "1x200", 'up{job="pay",instance="b"}': "1x200"}
    prove(tmp_path, shown, samples={'sum(slo:events:increase1h{slo="journey"})': [("180m", 6900)],
                                    'sum(slo:bad:increase1h{slo="journey"})': [("180m", 360)]})


@pytest.mark.parametrize(("of", "says"), [
    ("[quick, pay/upp]", "made.yaml:8:45: there is no SLO 'pay/upp'; did you mean 'pay/up'?"),
    ("[quick, quick]", "made.yaml:8:45: 'shop/quick' is named twice, and its events would count twice; keep one"),
    ("[quick, journey]", "'journey' cannot be a part of itself"),
    ("[quick, steady]", "'shop/steady' counts slices of time, which cannot be added to events; leave it out"),
    ("[quick]", "an objective is made of two others or more; name them as SLO or SERVICE/SLO"),
    ("{quick: 2, pay/up: 1}", "parts have no weights"),
    ("[quick, pay/up], under: 1s", "`under` and `of` count different things"),
    ("[quick, pay/up], method: timeslices", "`of` adds up the events of its parts"),
])
def test_what_cannot_be_added_up_is_told(tmp_path: Path, of: str, says: str) -> None:
    """In words, with the place."""
    with pytest.raises(BadInput) as error:
        declared(tmp_path, JOURNEY.replace("[quick, pay/up]", of))
    assert says in str(error.value)
    assert len(error.value.findings) == 1


def test_a_part_is_no_composite(tmp_path: Path) -> None:
    """One level: what is added up is seen at once."""
    text = JOURNEY.replace("up: {objective: 99%, window: 2h}", "up: {objective: 99%}, all: {objective: 99%, of: "
                           "[up, shop/journey]}")
    with pytest.raises(BadInput, match="'shop/journey' is made of others itself; name its parts here"):
        declared(tmp_path, text)


def test_a_part_with_a_fault_is_told_once(tmp_path: Path) -> None:
    """Its own fault, not that it is missing."""
    (tmp_path / "made.yaml").write_text(JOURNEY.replace("grpc", "grpcc"))
    with pytest.raises(BadInput) as error:
        rules_file.load(tmp_path)
    assert [finding.id for finding in error.value.findings] == ["preset"]
