"""Every metric that alertd exports, as a Markdown table."""

from __future__ import annotations

from alertd.engine.metrics import Metrics


def metrics() -> str:
    """By name: what kind it is, the labels it has, and what its HELP line says."""
    registry = Metrics().registry
    labels = {name: getattr(collector, "_labelnames", None)
              for name, collector in registry._names_to_collectors.items()}
    rows = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for family in sorted(registry.collect(), key=lambda family: family.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        its = labels.get(family.name) or getattr(family, "_labelnames", None) or ()
        shown = ", ".join(f"`{label}`" for label in its)
        rows.append(f"| `{name}` | {family.type} | {shown} | {family.documentation} |")
    return "\n".join(rows)
