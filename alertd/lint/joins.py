"""Binary operators whose two sides can never meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promql_parser import BinaryExpr, BinModifier, LabelModifierType

from alertd import expressions
from alertd.errors import Finding
from alertd.lint import Rule, Setting, _labels
from alertd.lint._labels import Labels


def label_mismatch(rules: Sequence[Rule], setting: Setting) -> Iterator[Finding]:
    """Both sides of an operator meet where all labels that are compared agree. A label that one side is written to
    have and the other cannot have, or has with another value, makes the whole give nothing, for ever."""
    for rule in rules:
        for part in expressions.walk(rule.expr) if rule.expr else ():
            if not isinstance(part, BinaryExpr) or str(part.op) == "or":
                continue
            left, right = _labels.of(part.lhs), _labels.of(part.rhs)
            if left is None or right is None:
                continue
            if reason := _never_meet(left, right, part.modifier):
                yield rule.finding(f"the two sides of `{part.op}` in {rule.called} never meet: {reason}",
                                   "match on labels that both have, with on(…) or ignoring(…)",
                                   near=f" {part.op} " if str(part.op).isalpha() else str(part.op))


def _never_meet(left: Labels, right: Labels, modifier: BinModifier | None) -> str | None:
    matching = modifier.matching if modifier else None
    on = frozenset(matching.labels) if matching and matching.type == LabelModifierType.Include else frozenset()
    for label in sorted((left.meant | right.meant | on) - {"__name__"}):
        if matching and (label in matching.labels) != (matching.type == LabelModifierType.Include):
            continue  # not compared
        for one, other, side in ((left, right, "right"), (right, left, "left")):
            if (label in one.meant or (label in on and one.possible(label))) and not other.possible(label):
                return f"the {side} one has no label {label!r}"
        values = dict(left.fixed).get(label), dict(right.fixed).get(label)
        if None not in values and values[0] != values[1]:
            return f'{label}="{values[0]}" on the left, "{values[1]}" on the right'
    return None
