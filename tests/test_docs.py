"""Everything a person can set, call or read is in the docs: what nobody wrote down fails here."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from alertd import channels, presets
from alertd.cli.group import group
from alertd.config import access, floods, maintenance, receivers, rotas, routing_file, rules_model
from alertd.engine.metrics import Metrics

ROOT = Path(__file__).parent.parent
DOCS = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("routing", "rules", "running")}


def leaves(command: click.Command, words: str):
    """Every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from leaves(command.get_command(click.Context(command), name), f"{words} {name}")
    else:
        yield words, command


@pytest.mark.parametrize(("words", "command"), list(leaves(group, "alertd")), ids=lambda value: str(value)[:40])
def test_every_command_and_option_is_documented(words, command):
    """In the table of commands, on the line of its command."""
    lines = [line for line in DOCS["running"].splitlines() if line.startswith("|") and f"`{words}`" in line]
    assert lines, f"{words} is not in docs/running.md"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts and not parameter.hidden:
            name = max(parameter.opts, key=len)
            assert f"`{name}`" in lines[0], f"{words} {name} is not in docs/running.md"


def test_every_metric_is_documented():
    """And no other is."""
    exported = {f"{family.name}_total" if family.type == "counter" else family.name
                for family in Metrics().registry.collect()}
    written = set(re.findall(r"^\| `(alertd_\w+)`", DOCS["running"], re.MULTILINE))
    assert written == exported


@pytest.mark.parametrize("channel", channels.names())
def test_every_setting_of_a_channel_is_documented(channel):
    """In the channel's own section, but for `rate`, which is said once for all."""
    section = re.search(rf"^## {channel}\b.*?(?=^## |\Z)", DOCS["routing"], re.MULTILINE | re.DOTALL)
    assert section
    for name, field in channels.load(channel).Settings.model_fields.items():
        assert f"`{field.alias or name}`" in (DOCS["routing"] if name == "rate" else section[0])


def test_every_key_of_the_routing_file_is_documented():
    """Of the top level and of its sections."""
    keys = {*routing_file.KEYS, *receivers._Receiver.model_fields, "digest",
            *receivers._Digest.model_fields, *rotas.Person.model_fields, *rotas.RotaSection.model_fields,
            *rotas.Calendar.model_fields, *floods.FlappingSection.model_fields, *floods.StormSection.model_fields,
            *(field.alias or name for model in (maintenance.WindowSection, access.AccessSection, access.KeySection,
                                                access.GrantSection, access.ProxySection)
              for name, field in model.model_fields.items())}
    assert {key for key in keys if f"`{key}`" not in DOCS["routing"]} == set()


def test_every_key_of_a_rules_file_is_documented():
    """Thresholds, services, their settings."""
    models = (rules_model.Thresholds, rules_model.Service, rules_model.Slo, rules_model.ShareLevel)
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    keys |= set(rules_model.RulesFile.model_fields)
    assert {key for key in keys if f"`{key}`" not in DOCS["rules"] and f"{key}:" not in DOCS["rules"]} == set()


def test_every_preset_is_documented():
    """By the name that a service writes."""
    found = {path.stem for path in (Path(presets.__file__).parent).glob("*.yaml")}
    assert {name for name in found if f"`{name}`" not in DOCS["rules"]} == set()


def test_the_readmes_routing_file_is_accepted(tmp_path):
    """What one copies works."""
    text = re.search(r"```yaml\n(defaults:.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert text
    (tmp_path / "routing.yaml").write_text(text[1])
    file = routing_file.load(tmp_path / "routing.yaml", channels.settings_types(), read_secrets=False)
    assert file.routing.overrides[0].receivers == ("on-call", "slack")
