"""docs/guardrails.md names every guardrail, and every number of the production environment with what keeps it."""

from __future__ import annotations

import re
from pathlib import Path

from alertd.config import preset_file, rules_file
from alertd.rulegen.declared import Watched

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "guardrails.md").read_text(encoding="utf-8")
DOCUMENT = (Path(__file__).parent / "fixtures" / "production-environment.md").read_text(encoding="utf-8")
TABLE = [line.strip("| ").split(" | ") for line in PAGE.split("## The production environment's numbers")[1].splitlines()
         if line.startswith("| `")]
DECLARED = rules_file.load(ROOT / "rules").declared


def test_every_guardrail_is_on_the_page() -> None:
    """With its alert and its severity."""
    for preset in preset_file.load(Path("none"))[0].values():
        for name, guardrail in preset.guardrails.items():
            row = next((line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | {guardrail.alert}: ")), "")
            assert row.endswith(f" | {guardrail.severity} |"), name


def test_every_setting_of_the_document_has_its_row() -> None:
    """Every key with a value and every item of a list, and no row says what the document does not."""
    rows = {said.strip("`") for said, _, _ in TABLE}
    said = [line for line in DOCUMENT.splitlines() if re.match(r"  \w+: |- ", line)]
    assert not any(re.search(r"\d", line) for line in DOCUMENT.splitlines() if line not in said)
    lines = {line.strip().removeprefix("- ") for line in said}
    assert rows == lines


def test_what_a_row_names_is_there() -> None:
    """Its guardrail in rules/ with the document's limit, its threshold, its files."""
    watched = {each.name for each in DECLARED.guardrails}
    for said, by, proof in TABLE:
        kinds = re.findall(r"guardrails? `(\w+)`(?: and `(\w+)`)?", by)
        for name in filter(None, (name for pair in kinds for name in pair)):
            assert name in watched, said
            assert (ROOT / "rules" / "generated" / f"guardrail-{name}.test.yaml").exists(), said
        for name in re.findall(r"threshold `(\w+)`", by):
            assert Watched(name) in DECLARED.thresholds, said
        for path in re.findall(r"`((?:deploy|rules|tests)/[\w./-]+)`", by + proof):
            assert (ROOT / path).exists(), f"{said}: {path}"
        assert kinds or re.search(r"threshold|routing\.yaml|alertd|people|rules|autoscaler", by), said


def test_production_declares_the_documents_own_limits() -> None:
    """Where document and rules have the same key, the text is the same."""
    production = (ROOT / "rules" / "production.yaml").read_text(encoding="utf-8")
    for said, by, _ in TABLE:
        key, _, value = said.strip("`").partition(": ")
        if f"guardrail `{key}`" in by and key != "backup_validation":
            plain = re.sub(r'["\s]', "", value)
            assert f"{key}:{plain}" in re.sub(r'["\s]', "", production), said
