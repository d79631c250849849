"""The values that travel through alertd: webhook, alert, incident, notification, and a notification's states.

Times are integer milliseconds since 1970 UTC. Everything here is immutable and knows nothing of files, clocks or
networks, so that a decision made from these values can be made again, and explained.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import NewType, TypeVar, dataclass_transform

Labels = Mapping[str, str]
Millis = int

WebhookId = NewType("WebhookId", str)
AlertId = NewType("AlertId", str)
IncidentId = NewType("IncidentId", str)
NotificationId = NewType("NotificationId", str)

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR

Value = TypeVar("Value")

MANAGEMENT = "management"  # the style of a receiver whose people read plain words


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def value(cls: type[Value]) -> type[Value]:
    """A frozen dataclass, of which every webhook makes dozens: mypy alone refuses to set its fields. Where Python
    refuses it too, making one takes four times as long, which was a third of all deciding."""
    return dataclasses.dataclass(slots=True, unsafe_hash=True)(cls)


class Severity(enum.StrEnum):
    """How much it matters, in the words of the labels. `none` is kept and shown and told to nobody. `rank` is 0 for
    none to 3 for critical; a rise in rank is told again."""

    rank: int

    def __new__(cls, word: str, rank: int = 0) -> Severity:
        severity = str.__new__(cls, word)
        severity._value_ = word
        severity.rank = rank
        return severity

    NONE = "none", 0
    INFO = "info", 1
    WARNING = "warning", 2
    CRITICAL = "critical", 3


class AlertState(enum.StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class IncidentState(enum.StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Kind(enum.StrEnum):
    """What a notification says: it began (or rose, or nobody took care of it in time), it changed, somebody takes care
    of it, it still burns (hourly, or before an acknowledgement ends), it comes and goes (or has stopped to, and burns
    on), it ended, it is a day's summary, a maintenance window began or ended (with all that still burns), or how a
    storm stands."""

    FIRING = "firing"
    UPDATE = "update"
    ACKNOWLEDGED = "acknowledged"
    REMINDER = "reminder"
    FLAPPING = "flapping"
    RESOLVED = "resolved"
    DIGEST = "digest"
    NOTICE = "notice"
    STORM = "storm"


class State(enum.StrEnum):
    """Where a notification stands. `ARROWS` holds every way from one to the next; there are no others."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    HELD = "held"
    FOLDED = "folded"
    DEAD = "dead"


class Event(enum.StrEnum):
    """What can happen to a notification."""

    CLAIM = "claim"  # a worker takes it under a lease
    ACCEPT = "accept"  # the vendor took it
    TRY_LATER = "try_later"  # not now: back in the queue with a stored time
    LEASE_LOST = "lease_lost"  # its worker died: back in the queue, marked ambiguous, never failed
    REJECT = "reject"  # the vendor will never take it
    SUPERSEDE = "supersede"  # its incident moved on before anything was sent
    EXPIRE = "expire"  # an update nobody needs a day later
    # it became a line of a digest, or of the one message at the end of a maintenance window; what is made in a storm is
    # folded from the start
    FOLD = "fold"
    RETRY = "retry"  # a person wants a dead letter tried again
    DROP = "drop"  # a person says that nobody needs a dead letter any more


ARROWS: Mapping[tuple[State, Event], State] = {
    (State.QUEUED, Event.CLAIM): State.CLAIMED,
    (State.CLAIMED, Event.ACCEPT): State.SENT,
    (State.CLAIMED, Event.TRY_LATER): State.QUEUED,
    (State.CLAIMED, Event.LEASE_LOST): State.QUEUED,
    (State.CLAIMED, Event.REJECT): State.DEAD,
    (State.QUEUED, Event.SUPERSEDE): State.SUPERSEDED,
    (State.QUEUED, Event.EXPIRE): State.EXPIRED,
    (State.QUEUED, Event.REJECT): State.DEAD,  # its receiver left routing.yaml: nobody could ever send it
    (State.HELD, Event.FOLD): State.FOLDED,
    (State.HELD, Event.SUPERSEDE): State.SUPERSEDED,
    (State.DEAD, Event.RETRY): State.QUEUED,
    (State.DEAD, Event.DROP): State.EXPIRED,
}

FINAL = frozenset({State.SENT, State.SUPERSEDED, State.EXPIRED, State.FOLDED, State.DEAD})


@value
class ReportedAlert:
    """One alert as a webhook tells it. `ends_at` is None while it fires (Alertmanager sends the year 1)."""

    state: AlertState
    fingerprint: str
    labels: Labels
    annotations: Labels
    starts_at: Millis
    ends_at: Millis | None
    generator_url: str = ""


@value
class Webhook:
    """One message of Alertmanager (webhook version 4): the whole unmuted state of one group.

    `source` is its externalURL; `truncated` counts alerts that max_alerts cut off.
    """

    id: WebhookId
    source: str
    group_key: str
    group_labels: Labels
    alerts: tuple[ReportedAlert, ...]
    truncated: int
    received_at: Millis


@value
class Alert:
    """One firing episode of a fingerprint at a source, from firing to resolved.

    `starts_at` is the earliest start told (it may move back), `newest_start` the latest: a resolve that ended
    before it belongs to an earlier episode. `closed_at` is when alertd learnt of the end. `muted` says by what
    Alertmanager keeps it quiet (a silence, an inhibition), None when by nothing.
    """

    id: AlertId
    source: str
    fingerprint: str
    incident: IncidentId | None
    severity: Severity
    labels: Labels
    annotations: Labels
    starts_at: Millis
    newest_start: Millis
    ends_at: Millis | None
    closed_at: Millis | None
    generator_url: str = ""
    muted: str | None = None

    @property
    def firing(self) -> bool:
        return self.closed_at is None


@value
class Incident:
    """The alerts that belong together; what people are told of and acknowledge.

    `key` names what belongs together (source and group labels without severity); one incident per key is open.
    `severity` only rises while it is open; `epoch` counts how often people were called anew (a rise, an acknowledgement
    that ran out, an escalation), and `revision` every change worth telling.
    `alerts` counts its episodes so far, `firing` those that have not ended. While it is acknowledged, until
    `acknowledged_until` (None: until it ends), `acknowledged_by` takes care of it; afterwards it is the last who did.
    `escalated` counts the steps taken because nobody did, and the next is due at `escalate_at` (None: there is none).
    At `remind_at` it is said that the acknowledgement will end, at `report_at` management hears that it still burns.
    `swings` are the times at which it, or one before it with its key, lately began and ended. While it flaps it stays
    open though nothing fires, until `quiet_at` if it swings no more.
    `team` is whose it is, by the first alert's labels: at an outlet that several teams share, they take turns.
    """

    id: IncidentId
    key: str
    source: str
    labels: Labels
    severity: Severity
    epoch: int
    revision: int
    state: IncidentState
    opened_at: Millis
    firing: int = 0
    alerts: int = 0
    acknowledged_at: Millis | None = None
    resolved_at: Millis | None = None
    acknowledged_by: str | None = None
    acknowledged_until: Millis | None = None
    escalated: int = 0
    escalate_at: Millis | None = None
    remind_at: Millis | None = None
    report_at: Millis | None = None
    team: str = ""
    swings: tuple[Millis, ...] = ()
    quiet_at: Millis | None = None

    @property
    def flapping(self) -> bool:
        """Whether it comes and goes, so that its swings are told to nobody."""
        return self.quiet_at is not None

    @property
    def to_acknowledge(self) -> bool:
        """Whether somebody may take care of it now: nobody does, or who does was reminded that it will end."""
        return self.state is IncidentState.OPEN or (
            self.state is IncidentState.ACKNOWLEDGED and self.acknowledged_until is not None and self.remind_at is None)


@value
class Outlet:
    """Where one message goes: one channel of one receiver, and its target there (a Slack channel, an address)."""

    receiver: str
    channel: str
    target: str

    def __str__(self) -> str:
        return f"{self.receiver} by {self.channel}" + (f" to {self.target}" if self.target else "")


@value
class Notification:
    """One intended message about one incident to one outlet: a durable row.

    `key` is unique and holds no clock, so that the same intent made twice is one row. `seq` is the order of
    creation: per incident and outlet messages leave in this order. `next_at` is the earliest time of the next
    attempt. `ambiguous` says that an earlier attempt may have arrived. `team` is the incident's.
    """

    id: NotificationId
    key: str
    incident: IncidentId | None
    kind: Kind
    severity: Severity
    epoch: int
    outlet: Outlet
    style: str
    state: State
    reason: str
    created_at: Millis
    next_at: Millis
    attempts: int = 0
    ambiguous: bool = False
    seq: int = 0
    digest: str | None = None
    team: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class DigestText:
    """A finished digest, or a notice: subject and plain text, as kept with its row. `data` is what a digest says as
    values (alertd.digest.model), "" for a notice."""

    subject: str
    text: str
    data: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """Everything one attempt needs to know.

    `alerts` are the incident's alerts, firing before resolved, most severe first, cut to what the channel asked
    for; `firing` and `resolved` count all of them. `root` is the vendor's reference of the first message to this
    outlet about this incident, as the channel returned it. `epochs` are the severity epochs this outlet was told
    of, this one last. `link` is alertd's page for the incident, when it has an address.
    """

    notification: Notification
    incident: Incident | None
    alerts: tuple[Alert, ...] = ()
    firing: int = 0
    resolved: int = 0
    root: Mapping[str, str] | None = None
    epochs: tuple[int, ...] = (1,)
    link: str | None = None
    digest: DigestText | None = None
