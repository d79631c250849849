from pathlib import Path

import pytest

from alertd import presets
from alertd.config import preset_file


def test_every_preset_is_sound(tmp_path: Path) -> None:
    """What comes with alertd has no fault, and each can be used for something."""
    found, texts, findings = preset_file.load(tmp_path / "presets")
    assert findings == []
    assert texts == {}
    assert set(found) == set(presets.names()) >= {"node_exporter", "prometheus-http"}
    assert all(preset.requests or preset.latency or preset.utilization for preset in found.values())


@pytest.mark.parametrize("name", presets.names())
def test_every_case_adds_up(name: str, tmp_path: Path) -> None:
    """A case shows something that shrinks while the utilization rises; else its test could not fail."""
    preset = preset_file.load(tmp_path)[0][name]
    for utilization in preset.utilization.values():
        for examples in utilization.cases.values():
            assert any(example.per_second or example.free for example in examples)
