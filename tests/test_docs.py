"""Everything a person can set, call or read is in the docs: what nobody wrote down fails here."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest

import alertd
from alertd import channels, lint, presets
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
    keys = {*routing_file.KEYS, *receivers.ReceiverSection.model_fields, "digest",
            *receivers.DigestSection.model_fields, *rotas.Person.model_fields, *rotas.RotaSection.model_fields,
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


def ids_in_code() -> set[str]:
    """The constants given as the id of a finding or fault, and the lints."""
    ids = set(lint.lints())
    for path in Path(alertd.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = [keyword.value for keyword in node.keywords
                     if keyword.arg == "id" and name in ("Finding", "finding", "wrong")]
            # A place is two arguments: `Finding(file, *place, what, fix, id)`.
            args = [part for arg in node.args for part in [arg] * (1 + isinstance(arg, ast.Starred))]
            given += {"Finding": args[5:6], "Fault": args[3:4]}.get(name, [])
            ids |= {value.value for value in given if isinstance(value, ast.Constant)}
    return ids | {"invalid"}


def test_every_finding_is_documented() -> None:
    """docs/findings.md has a section for each id, and no other."""
    text = (ROOT / "docs" / "findings.md").read_text()
    assert set(re.findall(r"^### (\S+)$", text, re.MULTILINE)) == ids_in_code()


def test_the_readmes_routing_file_is_accepted(tmp_path):
    """What one copies works."""
    text = re.search(r"```yaml\n(defaults:.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert text
    (tmp_path / "routing.yaml").write_text(text[1])
    file = routing_file.load(tmp_path / "routing.yaml", channels.settings_types(), read_secrets=False)
    assert file.routing.overrides[0].receivers == ("on-call", "slack")


def test_every_promise_names_tests_that_exist():
    """docs/promises.md, below tests/."""
    named = set(re.findall(r"`((?:\w+/)?test_\w+\.py)`", (ROOT / "docs" / "promises.md").read_text()))
    assert len(named) > 5
    assert {name for name in named if not (ROOT / "tests" / name).exists()} == set()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """docs/ as pages, built as `make docs` builds them: any warning fails."""
    folder = tmp_path_factory.mktemp("pages")
    done = subprocess.run([sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", folder],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_pages_are_whole(pages):
    """No link leads nowhere, and no page is left out of the navigation."""
    built = {path.stem for path in pages.glob("*.html")} - {"genindex", "search"}
    assert built == {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_the_pages_need_no_network(pages):
    """Nothing is loaded from another host: they can be read while the network is what is broken."""
    loaded = [address for path in [*pages.rglob("*.html"), *pages.rglob("*.css")]
              for address in re.findall(r"""(?:<link[^>]+href=|src=|url\()["']?((?:https?:)?//[^"') >]+)""",
                                        path.read_text())]
    assert loaded == []


@pytest.mark.parametrize("file", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_from_outside_the_pages_lead_somewhere(file, pages):
    """To files that are there, and to headings that the pages have."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]+)(?:#([^)]+))?\)", (ROOT / file).read_text()):
        assert (ROOT / target).exists(), target
        if anchor:
            assert f'id="{anchor}"' in (pages / f"{Path(target).stem}.html").read_text(), f"{target}#{anchor}"


def test_every_mark_in_the_pages_is_filled(pages):
    """`<!-- every command -->` and its like have become what they name."""
    assert "alertd notifications retry" in (pages / "commands.html").read_text()
    assert "alertd_oldest_queued_seconds" in (pages / "metrics.html").read_text()
    assert [path.name for path in pages.glob("*.html") if "<!-- every" in path.read_text()] == []


@pytest.mark.skipif(not shutil.which("amtool"), reason="amtool is missing")
@pytest.mark.parametrize("page", ["migrating"])
def test_an_alertmanager_takes_what_the_docs_show_of_one(page, tmp_path):
    """Each block that begins with `route:`, by Alertmanager's own check."""
    blocks = re.findall(r"^ *```yaml\n( *route:\n.*?)^ *```", (ROOT / "docs" / f"{page}.md").read_text(),
                        re.MULTILINE | re.DOTALL)
    assert blocks
    for text in blocks:
        (tmp_path / "alertmanager.yml").write_text(textwrap.dedent(text))
        done = subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yml"], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
