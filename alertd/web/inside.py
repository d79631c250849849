"""What the HTTP face sees of the daemon."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from alertd.engine.acts import Acts
from alertd.engine.budgets import Budgets
from alertd.engine.clock import Clock
from alertd.engine.digests import Digests
from alertd.engine.intake import Intake
from alertd.engine.maintenance import Maintenance
from alertd.engine.metrics import Metrics
from alertd.engine.setting import Current
from alertd.model import Millis
from alertd.store.writer import Writer
from alertd.web.guard import Door


@dataclasses.dataclass(slots=True)
class Inside:
    """`reload` raises BadInput when the new file is refused."""

    intake: Intake
    writer: Writer
    reader: AsyncEngine
    current: Current
    clock: Clock
    metrics: Metrics
    reload: Callable[[], Awaitable[None]]
    acts: Acts
    maintenance: Maintenance
    door: Door
    budgets: Budgets
    digests: Digests
    started_at: Millis = 0
    external_url: str | None = None
    worst_budgets: dict[int, tuple[object, object]] = dataclasses.field(default_factory=dict)  # see budgets.worst

    @property
    def ready(self) -> bool:
        """Webhooks can be taken. A vendor that fails does not show here: it must not stop the intake."""
        return not self.intake.draining and self.writer.failing_since is None

    def answered(self) -> dict[str, Millis]:
        """When each Alertmanager that is asked last said what it lists; 0 for never."""
        return self.metrics.answers()
