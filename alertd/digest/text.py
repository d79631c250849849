"""A digest as plain text: for a terminal, for a mail's plain part, and for channels that know nothing better."""

from __future__ import annotations

from alertd.digest.model import BudgetLine, Digest

WIDTH = 10  # of a bar


def render(digest: Digest) -> str:
    """The whole of it, in lines."""
    lines = [digest.verdict, ""]
    if digest.act.lines:
        lines += _headed(digest.act.heading, digest.act.lines, digest.act.more)
    if digest.budgets:
        wide = max(len(line.name) for line in digest.budgets)
        lines += _headed("Error budgets", [budget(line, wide) for line in digest.budgets], digest.more_budgets, "")
    for section in digest.sections:
        lines += _headed(section.heading, section.lines, section.more)
    return "\n".join([*lines, f"{digest.period}. {digest.footer}", ""])


def budget(line: BudgetLine, wide: int = 0) -> str:
    """Such as `checkout availability  ███████░░░  72 %  -3 points  at risk`."""
    change = f"  {line.change * 100:+.0f} points" if line.change is not None and abs(line.change) >= 0.005 else ""
    state = "" if line.state == "ok" else f"  {line.state.replace('_', ' ')}"
    note = f": {line.note}" if line.note else ""
    return f"{line.name:<{wide}}  {bar(line.left)}  {share(line.left)}{change}{state}{note}"


def bar(left: float | None) -> str:
    """The share that is left, as a bar; an empty one where it is not known."""
    if left is None:
        return "·" * WIDTH
    full = round(max(0.0, min(1.0, left)) * WIDTH)
    return "█" * full + "░" * (WIDTH - full)


def share(left: float | None) -> str:
    """As a number."""
    return "unknown" if left is None else f"{left * 100:.0f} %"


def _headed(heading: str, lines: tuple[str, ...] | list[str], more: int, mark: str = "* ") -> list[str]:
    found = [heading, "-" * len(heading)]
    found += [f"  {line}" if line.startswith("  ") else f"{mark}{line}" for line in lines]
    return [*found, *([f"+{more} more"] if more else []), ""]
