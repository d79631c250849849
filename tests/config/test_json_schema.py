"""The schemas for editors against the reader itself: what alertd takes they take, and both refuse the same mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from alertd import channels
from alertd.cli.schema import command
from alertd.config import json_schema, routing_file, rules_file, units, web_file, yaml
from alertd.config.json_forms import DURATION, SHARE
from alertd.errors import BadInput

ROOT = Path(__file__).parents[2]
SCHEMAS = {"routing": json_schema.routing(channels.settings_types()), "rules": json_schema.rules(),
           "preset": json_schema.preset(), "web": json_schema.web()}
BASE = {"routing": "receivers: {a: {slack: {token: t, channel: '#a'}}}\nroutes: {critical: a, warning: a, info: a}\n",
        "rules": "thresholds: {cpu_utilization: 70%}\n"}


def faults(file: str, text: str) -> list[str]:
    data = yaml.parse(text, file).data
    return [f"{'.'.join(map(str, error.path))}: {error.message[:200]}"
            for error in jsonschema.Draft7Validator(SCHEMAS[file]).iter_errors(data)]


def refused(file: str, text: str, folder: Path) -> bool:
    """Whether alertd itself finds a fault."""
    (folder / "file.yaml").write_text(text)
    try:
        if file == "rules":
            rules_file.load(folder)
        elif file == "web":
            web_file.load(folder / "file.yaml")
        else:
            routing_file.load(folder / "file.yaml", channels.settings_types(), read_secrets=False)
    except BadInput:
        return True
    return False


def documented() -> list[tuple[str, str]]:
    """Every whole file and every part of one that the docs show."""
    found = []
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            data = yaml.parse(text, page.name).data
            if not isinstance(data, dict) or "name" in data or "…" in text:
                continue
            for file, schema in SCHEMAS.items():
                if {*data} <= schema["properties"].keys() and not {"retention", "receivers"} >= {*data} and (
                        file != "preset" or "about" in data):
                    found.append((file, text))
    return found


@pytest.mark.parametrize("file", SCHEMAS)
def test_the_schema_is_one(file: str) -> None:
    """By the schema of schemas."""
    jsonschema.Draft7Validator.check_schema(SCHEMAS[file])


def test_every_key_has_a_meaning_and_every_meaning_a_key() -> None:
    """meanings.txt says what each key means; a line of it that no key has is left over."""
    known, used, without = json_schema.meanings(), set(), set()
    for file, schema in SCHEMAS.items():
        for path, _ in json_schema.keys(schema, (file,)):
            used |= {next((tail for tail in json_schema.tails(path) if tail in known), "")}
            without |= {".".join(path)} if not json_schema.meaning(path, known) else set()
    assert (without, known.keys() - used) == (set(), set())


def test_every_key_says_what_it_takes() -> None:
    """Where it does not, the function that reads it has no line in json_forms.FORMS."""
    anything = {".".join(path) for schema in SCHEMAS.values() for path, form in json_schema.keys(schema)
                if any(part.keys() <= {"description"} for part in (form, *form.get("anyOf", ())))}
    assert anything == {"guardrails.*.usual"}  # whatever a limit of that guardrail is written as


@pytest.mark.parametrize(("file", "text"), documented(), ids=lambda value: re.sub(r"\W+", "-", value)[:40])
def test_what_the_docs_show_is_accepted(file: str, text: str) -> None:
    """Whole files, and parts of one: of these, what else the file needs is left aside."""
    assert [fault for fault in faults(file, text) if "is a required property" not in fault or "." in fault] == []


def test_this_repositorys_files_are_accepted() -> None:
    """Whole."""
    presets = [("preset", path) for path in (ROOT / "alertd" / "presets").glob("*.yaml")]
    assert len(presets) > 20
    for file, path in (("routing", "routing.yaml"), ("rules", "rules/production.yaml"), *presets):
        assert faults(file, (ROOT / path).read_text()) == [], path


@pytest.mark.parametrize(("file", "text"), [
    ("rules", "thresholds: {cpu_utilization: 0.7}"),
    ("rules", "thresholds: {cpu: 70%}"),
    ("rules", "thresholds: {response_time: 70%}"),
    ("rules", "thresholds: {error_rate: [{above: 1%, severity: page}]}"),
    ("rules", "services: {a: {metrics: prometheus-http}}"),
    ("rules", 'services: {a: {metrics: prometheus-http, selector: job="a", slos: {b: {target: 99%}}}}'),
    ("rules", 'services: {a: {metrics: prometheus-http, selector: job="a", slos: {b: {objective: 99%, window: 30}}}}'),
    ("rules", 'services: {a: {metrics: prometheus-http, selector: job="a", slos: {b: {objective: 99%, of: [c]}}}}'),
    ("routing", BASE["routing"] + "escalation: {critical: {after: 5m, to: a}}"),
    ("routing", BASE["routing"] + "heartbeats: [{match: [a=b], every: 2 fortnights, to: a}]"),
    ("routing", BASE["routing"] + "overrides: [{match: ['a=\"b\"']}]"),
    ("routing", BASE["routing"] + "storm: {over: 1}"),
    ("routing", BASE["routing"] + "flapping: sometimes"),
    ("routing", BASE["routing"] + "access: {users: {jane: {role: queen}}}"),
    ("routing", BASE["routing"] + "maintenance: [{name: a, mode: drop, every: 'SUN 02:00-04:00'}]"),
    ("routing", BASE["routing"].replace("slack:", "slak:")),
    ("routing", BASE["routing"].replace("{slack:", "{style: poet, slack:")),
    ("routing", BASE["routing"].replace("{slack:", "{digest: {at: noon, log: {}}, slack:")),
    ("routing", "receivers: {a: {log: {}}}"),
    ("web", "basic_auth_users: {jane: secret}"),
    ("web", "http_server_config: {headers: {Server: alertd}}"),
])
def test_a_mistake_is_refused_by_both(file: str, text: str, tmp_path: Path) -> None:
    """By the schema while one writes, by alertd when it reads."""
    assert faults(file, text)
    assert refused(file, text, tmp_path)


@pytest.mark.parametrize(("file", "text"), [
    ("routing", BASE["routing"]), ("rules", BASE["rules"]),
    ("web", "rate_limit: {interval: 100ms, burst: 50}\nhttp_server_config: {headers: {X-Frame-Options: DENY}}"),
    ("web", f"basic_auth_users: {{jane: $2b$10${'a' * 53}}}"),
    ("routing", BASE["routing"].replace("{slack:", "{hold: 2, late: 1m, log: {}, slack:")),
    ("routing", BASE["routing"] + "storm: off\nflapping: {changes: 3}\nretention: 1d\nincident_by: [a]\n"),
    ("routing", BASE["routing"].replace("critical:", "CRITICAL:") + "severities: {page: Critical, odd: none}\n"),
    ("routing", BASE["routing"] + "escalation: {warning: [{after: 1h, to: [a], repeat: 1h}]}"),
    ("routing", "receivers:\n  a:\n    log:\nroutes: {critical: a, warning: a, info: a}"),
    ("rules", "thresholds: {response_time: 1 second, error_rate: [{above: 1%, severity: Warning, for: 0}]}"),
    ("rules", 'services: {a: {metrics: grpc, selector: a="b", buckets: [1], slos: {b: {objective: 99 %, by: m}}}}'),
])
def test_what_alertd_takes_is_accepted(file: str, text: str, tmp_path: Path) -> None:
    """Short forms and odd spellings too."""
    assert not refused(file, text, tmp_path)
    assert faults(file, text) == []


@given(st.text("0123456789ymwdhs .%", max_size=9) | st.sampled_from(["1 second", "5 weeks", "0", "7 ms", "1d2h"]))
def test_the_pattern_of_a_duration_is_the_readers(text: str) -> None:
    """Whatever is written; a percentage likewise."""
    for form, read in ((DURATION, units.duration), (SHARE, units.percentage)):
        try:
            read(text)
        except ValueError as error:
            if not re.search("longer than|more than", str(error)):  # too much of something is another matter
                assert not jsonschema.Draft7Validator(form).is_valid(text)
        else:
            assert jsonschema.Draft7Validator(form).is_valid(text)


@pytest.mark.parametrize(("file", "path"), [("routing", "routing.yaml"), ("rules", "rules/production.yaml")])
def test_the_printed_schema_serves_another_tool(file: str, path: str, tmp_path: Path) -> None:
    """One that reads YAML and patterns in its own way, as editors do."""
    (tmp_path / "schema.json").write_text(CliRunner().invoke(command, [file]).stdout)
    done = subprocess.run([Path(sys.executable).parent / "check-jsonschema", "--schemafile", tmp_path / "schema.json",
                           ROOT / path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "schema.json").read_text())["title"].startswith(file)
