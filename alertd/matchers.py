"""Alertmanager's matchers (`service="payments"`, `code=~"5.."`), parsed and applied."""

from __future__ import annotations

import dataclasses
import re

from alertd.model import Labels


@dataclasses.dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. `op` is one of = != =~ !~; a missing label counts as the empty text, and
    regular expressions must match the whole value, both as in Alertmanager."""

    label: str
    op: str
    value: str
    pattern: re.Pattern[str] | None = dataclasses.field(default=None, compare=False)

    def matches(self, labels: Labels) -> bool:
        have = labels.get(self.label, "")
        same = self.pattern.fullmatch(have) is not None if self.pattern else have == self.value
        return same if self.op in ("=", "=~") else not same

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{self.value}"'
