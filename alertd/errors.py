"""The errors alertd raises. The docstring of each class is its message; fields fill it in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


class AlertdError(Exception):
    """Something alertd could not do."""

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__((type(self).__doc__ or "").format(**fields))


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault in a file a person wrote: where it is, what is wrong, what to do.

    `line` and `column` count from 1; 0 means the whole file. `level` is "error" (nothing may be built or
    served from this) or "remark" (worth a look, changes no exit code of serve).
    """

    file: str
    line: int
    column: int
    what: str
    fix: str = ""
    id: str = "invalid"
    level: str = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.what}" + (f"; {self.fix}" if self.fix else "")


class BadInput(AlertdError):
    """{text}"""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__(text="\n".join(str(finding) for finding in self.findings))


class StoreUnavailable(AlertdError):
    """the store cannot take this now: {reason}"""


class StoreLocked(AlertdError):
    """{path} is in use by another alertd (process {pid}); SQLite serves one daemon at a time. \
Stop that one, give this one its own --store, or use postgresql:// for several replicas."""


class BadBackup(AlertdError):
    """{file}: {reason}"""


class NoDoor(AlertdError):
    """{address} can be reached from outside this machine, and nobody is asked who they are. Name a file with \
passwords or certificates (--web.config.file), or keys under `access:` in routing.yaml, or bind 127.0.0.1 behind a \
proxy that asks, or say --insecure-no-auth."""


class CannotMove(AlertdError):
    """the store was not moved: {reason}"""


class Rejected(AlertdError):
    """{reason}"""

    # The vendor will never take this message, however often it is sent: the notification is dead at once.

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)


class TryLater(AlertdError):
    """{reason}"""

    # Not taken now. `after` (seconds) is what the vendor asked for, None when it asked for nothing.
    # `throttled` is the vendor's word for "slower": the whole target waits and no attempt is counted.
    # `ambiguous` says that the vendor may have taken it all the same (a timeout after the request was written).

    def __init__(self, reason: str, *, after: float | None = None, throttled: bool = False, ambiguous: bool = False):
        self.reason = reason
        self.after = after
        self.throttled = throttled
        self.ambiguous = ambiguous
        super().__init__(reason=reason)
