from decimal import Decimal
from pathlib import Path

import pytest

from alertd.config import limits, preset_file
from alertd.presets.guardrail import Guardrail
from alertd.rulegen.declared import Limit

GUARDRAILS = {name: guardrail for preset in preset_file.load(Path("none"))[0].values()
              for name, guardrail in preset.guardrails.items()}
GI = 1024 ** 3


def around(least: float | None, most: float | None = None) -> Limit:
    return Limit(*(None if value is None else Decimal(str(value)) for value in (least, most)))


@pytest.mark.parametrize(("name", "text", "limit"), [
    ("node_count", "8-15 nodes", around(8, 15)),
    ("node_count", "8 to 15 nodes per cluster", around(8, 15)),
    ("node_count", "8 – 15", around(8, 15)),
    ("spot_percentage", "50%", around(None, 0.5)),
    ("cpu_requests", "200m-500m per service", around(0.2, 0.5)),
    ("cpu_limits", "1000m-2000m per service", around(1, 2)),
    ("cpu_limits", "0.5-2", around(0.5, 2)),
    ("memory_requests", "512Mi-1Gi per service", around(GI // 2, GI)),
    ("memory_limits", "2Gi-4Gi per service", around(2 * GI, 4 * GI)),
    ("memory_limits", "1-2GB", around(10 ** 9, 2 * 10 ** 9)),
    ("volume_sizes", "100-500GB", around(100 * GI, 500 * GI)),
    ("max_replicas", "10 per service", around(None, 10)),
    ("max_replicas", 10, around(None, 10)),
    ("max_nodes", "at most 20 per cluster", around(None, 20)),
    ("max_cost_increase", "15% per day", around(None, 0.15)),
    ("max_cost_increase", "150%", around(None, 1.5)),
    ("max_storage_expansion", "25% per operation", around(None, 0.25)),
    ("min_time_between_operations", "10 minutes", around(600)),
    ("redundancy", "minimum 3 replicas", around(3)),
    ("redundancy", ">= 3", around(3)),
    ("backup_frequency", "hourly", around(None, 3600)),
    ("backup_validation", "continuous", around(None, 86400)),
    ("recovery_drill", "monthly", around(None, 31 * 86400)),
    ("metrics_retention", "90 days", around(90 * 86400)),
    ("resource_efficiency", "75-85% utilization", around(0.75, 0.85)),
    ("error_rate", "< 0.1%", around(None, 0.001)),
    ("availability", "> 99.9%", around(0.999)),
    ("instance_types", ["t3.large", "m5.large"], Limit(names=("t3.large", "m5.large"))),
    ("storage_class", "gp3 with provisioned IOPS", Limit(names=("gp3",))),
    ("pod_security_standards", "restricted", Limit(names=("restricted",))),
    ("network_policies", "strict", Limit()),
    ("access_controls", "strict RBAC", Limit()),
    ("multi_az_deployment", "on", Limit()),
])
def test_a_limit_is_read_as_a_document_writes_it(name: str, text: object, limit: Limit) -> None:
    """Exactly, in the unit of its figure."""
    assert limits.read(text, GUARDRAILS[name]) == limit


@pytest.mark.parametrize(("name", "text", "fault"), [
    ("node_count", "8-15 pods", "'8-15 pods' is no limit here: pods is no unit of it; write one such as 8-15 and, if "
     "you like, 'nodes' or 'per cluster' behind it"),
    ("node_count", "15", "'15' is no limit here; write one such as 8-15"),
    ("node_count", "15-8", "'15-8' begins above its end; write the smaller figure first"),
    ("node_count", "", "'' is no limit here; write one such as 8-15"),
    ("max_nodes", "> 20", "'> 20' asks for at least; this is what there may be at most, write it such as 8"),
    ("max_nodes", "2.5", "'2.5' is no limit here: 2.5 is no whole number; write one such as 8"),
    ("max_nodes", None, "is no limit; write one such as 8"),
    ("max_nodes", [1, 2], "is no limit; write one such as 8"),
    ("spot_percentage", "0.5", "'0.5' is no limit here: 0.5 has no unit; write one such as 50%"),
    ("memory_limits", "2Xi-4Gi", "'2Xi-4Gi' is no limit here: Xi is no size; write one such as 100-500GB"),
    ("backup_frequency", "often", "'often' is no limit here: 'often' is no duration; write one such as 10 minutes"),
    ("network_policies", "loose", "'loose' says nothing here; write strict or on"),
    ("instance_types", [], "[] holds no names; write one, or several as [a, b]"),
    ("instance_types", "a b", "'a b' holds no names; write one, or several as [a, b]"),
])
def test_what_is_no_limit_says_what_to_write(name: str, text: object, fault: str) -> None:
    """An example of this guardrail's own."""
    with pytest.raises(ValueError, match=r"\w") as told:
        limits.read(text, GUARDRAILS[name])
    assert str(told.value).startswith(fault)


@pytest.mark.parametrize("guardrail", GUARDRAILS.values(), ids=GUARDRAILS)
def test_every_example_can_be_written(guardrail: Guardrail) -> None:
    """What a message says to write is read."""
    with pytest.raises(ValueError, match=r"\w") as told:
        limits.read("?" if guardrail.asks != "one of" else "? ?", guardrail)
    example = str(told.value).split("write one such as ")[-1].split("; write ")[-1].split(" and, ")[0].split(" or ")[-1]
    limits.read(example.strip("[]") if "several" not in example else "a", guardrail)
