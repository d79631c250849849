"""The tables. Times are integer milliseconds UTC; label sets are JSON text.

The one description for both databases; `migrations/` turns an older file into this, and a test holds them together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

# One message received, as it came. `result`: accepted, repeat, rejected (then `reason` says why it is no webhook), or
# healed: none came, the end was found by comparing with Alertmanager, and `raw` is what was compared.
# `raw` is its body, deflated.
webhooks = Table(
    "webhooks", metadata,
    Column("id", String(16), primary_key=True),
    Column("received_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("truncated", Integer, nullable=False),
    Column("result", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
Index("webhooks_rejected", webhooks.c.received_at, sqlite_where=text("result = 'rejected'"),
      postgresql_where=text("result = 'rejected'"))

# One firing episode. Only one per (source, fingerprint) is open: `decide` sees to that.
alerts = Table(
    "alerts", metadata,
    Column("id", String(24), primary_key=True),
    Column("source", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("incident", String(24)),
    Column("severity", String(8), nullable=False),
    Column("labels", Text, nullable=False),
    Column("annotations", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("newest_start", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("generator_url", Text, nullable=False),
    Column("muted", Text),
)
# On fingerprints only where several processes write: live.py says why, and is what the other two are for.
Index("alerts_open", alerts.c.fingerprint, alerts.c.source, unique=True,
      postgresql_where=text("closed_at IS NULL")).ddl_if(dialect="postgresql")
Index("alerts_lately", alerts.c.fingerprint, alerts.c.closed_at,
      postgresql_where=text("closed_at IS NOT NULL")).ddl_if(dialect="postgresql")
Index("alerts_firing", alerts.c.id, sqlite_where=text("closed_at IS NULL")).ddl_if(dialect="sqlite")
Index("alerts_ended", alerts.c.closed_at,
      sqlite_where=text("closed_at IS NOT NULL"), postgresql_where=text("closed_at IS NOT NULL"))
Index("alerts_by_incident", alerts.c.incident)

incidents = Table(
    "incidents", metadata,
    Column("id", String(24), primary_key=True),
    Column("key", String(24), nullable=False),
    Column("source", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("firing", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("acknowledged_by", Text),
    Column("acknowledged_until", BigInteger),
    Column("escalated", Integer, nullable=False, server_default="0"),
    Column("escalate_at", BigInteger),
    Column("remind_at", BigInteger),
    Column("report_at", BigInteger),
    Column("team", Text, nullable=False, server_default=""),
    Column("swings", Text, nullable=False, server_default=""),
    Column("quiet_at", BigInteger),
)
Index("incidents_flapping", incidents.c.quiet_at,
      sqlite_where=text("quiet_at IS NOT NULL"), postgresql_where=text("quiet_at IS NOT NULL"))
Index("incidents_reminding", incidents.c.remind_at,
      sqlite_where=text("remind_at IS NOT NULL"), postgresql_where=text("remind_at IS NOT NULL"))
Index("incidents_reporting", incidents.c.report_at,
      sqlite_where=text("report_at IS NOT NULL"), postgresql_where=text("report_at IS NOT NULL"))
Index("incidents_escalating", incidents.c.escalate_at,
      sqlite_where=text("escalate_at IS NOT NULL"), postgresql_where=text("escalate_at IS NOT NULL"))
Index("incidents_acknowledged", incidents.c.acknowledged_until,
      sqlite_where=text("state = 'acknowledged'"), postgresql_where=text("state = 'acknowledged'"))
# By the end, at which an index only grows: what people ask about yesterday must not read ninety days.
Index("incidents_ended", incidents.c.resolved_at,
      sqlite_where=text("resolved_at IS NOT NULL"), postgresql_where=text("resolved_at IS NOT NULL"))
# Of what is over, the same before: written once for an incident, when it ends.
Index("incidents_same", incidents.c.key,
      sqlite_where=text("state = 'resolved'"), postgresql_where=text("state = 'resolved'"))
# One of a key at a time: `decide` sees to that. On SQLite the keys, which are hashes, are in memory (live.py).
Index("incidents_open", incidents.c.key, unique=True,
      postgresql_where=text("state <> 'resolved'")).ddl_if(dialect="postgresql")
Index("incidents_burning", incidents.c.id, sqlite_where=text("state <> 'resolved'")).ddl_if(dialect="sqlite")

# When incidents that ended lately began and ended, by their key: whether the next one of it flaps.
swings = Table(
    "swings", metadata,
    Column("key", String(24), primary_key=True),
    Column("swings", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("swings_by_time", swings.c.at)

# One intended message. `seq` is the order of creation; `lease` fences off a worker that lost its claim.
notifications = Table(
    "notifications", metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(24), nullable=False),
    Column("incident", String(24)),
    Column("kind", String(12), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("style", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ambiguous", Integer, nullable=False),
    Column("digest", String(64)),
    Column("lease", String(32)),
    Column("lease_until", BigInteger),
    Column("settled_at", BigInteger),
    Column("team", Text, nullable=False, server_default=""),
)
# Unique within its incident: incident ids grow with time, so the index grows at its end, as a hash alone would not.
Index("notifications_key", notifications.c.incident, notifications.c.id, unique=True)
# SQLite uses a partial index only where it can prove its condition from the query's: `state = 'queued'` alone, and
# `settled_at IS NULL` for what is queued, claimed or held.
_QUEUED = "state = 'queued'"
Index("notifications_due", notifications.c.receiver, notifications.c.channel, notifications.c.target,
      notifications.c.rank.desc(), notifications.c.team, notifications.c.seq,
      sqlite_where=text(_QUEUED), postgresql_where=text(_QUEUED))
Index("notifications_ahead", notifications.c.incident, notifications.c.seq,
      sqlite_where=text("settled_at IS NULL"), postgresql_where=text("settled_at IS NULL"))
# What is of no use any more after a day: looked for every minute, beside a queue of any length.
_FLEETING = f"{_QUEUED} AND kind IN ('update', 'reminder', 'flapping')"
Index("notifications_fleeting", notifications.c.created_at,
      sqlite_where=text(_FLEETING), postgresql_where=text(_FLEETING))
Index("notifications_leased", notifications.c.lease_until,
      sqlite_where=text("state = 'claimed'"), postgresql_where=text("state = 'claimed'"))
Index("notifications_held", notifications.c.receiver,
      sqlite_where=text("state = 'held'"), postgresql_where=text("state = 'held'"))
Index("notifications_folded", notifications.c.digest, notifications.c.incident,
      sqlite_where=text("digest IS NOT NULL"), postgresql_where=text("digest IS NOT NULL"))
Index("notifications_sent", notifications.c.settled_at,
      sqlite_where=text("state = 'sent'"), postgresql_where=text("state = 'sent'"))
_CALLS = "state = 'sent' AND kind = 'firing' AND severity = 'critical'"
Index("notifications_calls", notifications.c.settled_at, sqlite_where=text(_CALLS), postgresql_where=text(_CALLS))
Index("notifications_dead", notifications.c.seq,
      sqlite_where=text("state = 'dead'"), postgresql_where=text("state = 'dead'"))

# One try to send a notification.
attempts = Table(
    "attempts", metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("notification", String(24), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Column("event", String(12), nullable=False),
    Column("detail", Text, nullable=False),
)
Index("attempts_by_notification", attempts.c.notification)

# The vendor's reference of an incident's first message at an outlet: a Slack channel and ts.
roots = Table(
    "roots", metadata,
    Column("incident", String(24), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("root", Text, nullable=False),
)

# A vendor's "slower" (Retry-After), kept over restarts.
throttles = Table(
    "throttles", metadata,
    Column("receiver", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
)

# Why each incident was told to whom, or not: what `explain` prints.
decisions = Table(
    "decisions", metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("webhook", String(16)),
    Column("incident", String(24), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("why", Text, nullable=False),
)
Index("decisions_by_incident", decisions.c.incident)

# A digest that went out: once per receiver and local date, whatever restarts or replicas do.
digests = Table(
    "digests", metadata,
    Column("receiver", Text, primary_key=True),
    Column("date", String(10), primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("made_at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=False, server_default=""),
)

# What people did, each row with the hash of the one before it, so that none can be changed, moved or taken out unseen.
audit = Table(
    "audit", metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("object", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
# It is kept for ever: neither an incident's page nor the figures of weeks may read it from its beginning.
Index("audit_by_object", audit.c.object)
_TAKEN = "action = 'acknowledge'"
Index("audit_taken", audit.c.at, audit.c.object, sqlite_where=text(_TAKEN), postgresql_where=text(_TAKEN))

# The newest row of the audit once more, in one row. Whoever adds to the audit holds it, so that there is one chain
# however many write; and a record whose end was cut off does not reach it any more.
audit_head = Table(
    "audit_head", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Which Alertmanager, by the address it is asked at, has shown that it speaks for which source.
voices = Table(
    "voices", metadata,
    Column("address", Text, primary_key=True),
    Column("source", Text, primary_key=True),
)

# Which Alertmanagers are one cluster: by address or source, its name; see alertd.clusters.
clusters = Table(
    "clusters", metadata,
    Column("source", Text, primary_key=True),
    Column("cluster", Text, nullable=False),
)

# Alerts that keep others quiet while they fire, under the keys of alertd.inhibiting; `both`: targets of the rule too.
inhibitors = Table(
    "inhibitors", metadata,
    Column("key", Text, primary_key=True),
    Column("alert", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("both", Boolean, nullable=False),
)

# Alerts that are kept quiet; what still burns when nothing does so any longer is told.
inhibited = Table("inhibited", metadata, Column("alert", Text, primary_key=True))

# Maintenance windows that people made, once each. One that is ended early keeps when, and by whom.
windows = Table(
    "windows", metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("matchers", Text, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("creator", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("notices", Integer, nullable=False),
    Column("exclude_from_budget", Integer, nullable=False),
    Column("ended_by", Text),
)
Index("windows_by_end", windows.c.ends_at)

# Texts about no single incident: that maintenance began or ended, and what still burns then.
notices = Table(
    "notices", metadata,
    Column("id", String(24), primary_key=True),
    Column("made_at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
)

# How much each outlet was lately told to begin, and the newest storm there; see alertd.storm.
gauges = Table(
    "gauges", metadata,
    Column("receiver", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("level", Float, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("half_at", BigInteger, nullable=False),
    Column("storm", String(24), nullable=False),
)

# Storms: what is folded into one names it in `digest`, and its message's text is in `notices`.
storms = Table(
    "storms", metadata,
    Column("id", String(24), primary_key=True),
    Column("receiver", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("style", String(16), nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("calm_at", BigInteger),
    Column("over_at", BigInteger),
    Column("revision", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("told_at", BigInteger, nullable=False),
)

# The last beat of each heartbeat at each source; `silent_since` while its silence is told.
pulses = Table(
    "pulses", metadata,
    Column("matchers", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("beat_at", BigInteger, nullable=False),
    Column("silent_since", BigInteger),
)

# The ids of vendors' callbacks that were acted on: PagerDuty sends one at least once.
callbacks = Table(
    "callbacks", metadata,
    Column("id", String(128), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# The objectives that rules/ declares and declared: a change ends the row and begins another. `objective` is the ratio
# of good events as it was written, `split` the labels it holds for apart.
slos = Table(
    "slos", metadata,
    Column("service", String(100), primary_key=True),
    Column("slo", String(100), primary_key=True),
    Column("since", BigInteger, primary_key=True),
    Column("objective", Text, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("split", Text, nullable=False),
    Column("ended_at", BigInteger),
    Column("calendar", Text, nullable=False, server_default=""),
)

# What is counted apart: an objective, or one group of one that is split by labels. `known_until`: the newest moment
# that anything is known of.
slo_series = Table(
    "slo_series", metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("service", String(100), nullable=False),
    Column("slo", String(100), nullable=False),
    Column("labels", Text, nullable=False),
    Column("known_until", BigInteger, nullable=False),
)
Index("slo_series_key", slo_series.c.service, slo_series.c.slo, slo_series.c.labels, unique=True)

# The ledger: an hour of a series, kept for ever. `known` and `excluded` are shares of the hour; `objective` is the one
# in force then; `slots` are the twelve counts of five minutes, where something bad happened; `source` is where they are
# from: the rows that Prometheus recorded, or the raw series. By the hour first, for what is written and summed is all
# series of some hours.
slo_hours = Table(
    "slo_hours", metadata,
    Column("hour", BigInteger, primary_key=True),
    Column("series", Integer, primary_key=True),
    Column("events", Float, nullable=False),
    Column("bad", Float, nullable=False),
    Column("known", Float, nullable=False),
    Column("objective", Float, nullable=False),
    Column("excluded", Float, nullable=False),
    Column("excluded_events", Float, nullable=False),
    Column("excluded_bad", Float, nullable=False),
    Column("source", String(4), nullable=False),
    Column("slots", LargeBinary),
    sqlite_with_rowid=False,
)

# The hours whose rows were read in full, of every objective there was then.
slo_reads = Table(
    "slo_reads", metadata,
    Column("hour", BigInteger, primary_key=True),
    Column("read_at", BigInteger, nullable=False),
)

# From when to when the hours of an objective have their rows, or were looked for in its raw series.
slo_fills = Table(
    "slo_fills", metadata,
    Column("service", String(100), primary_key=True),
    Column("slo", String(100), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

# Of the Prometheus that is asked: when it last answered in full, and since when and why it does not.
slo_source = Table(
    "slo_source", metadata,
    Column("url", Text, primary_key=True),
    Column("answered_at", BigInteger),
    Column("failing_since", BigInteger),
    Column("problem", Text, nullable=False),
)

# Stretches of time that budgets leave out. `origin`: the maintenance window it comes from, '' where a person made it.
exclusions = Table(
    "exclusions", metadata,
    Column("id", String(24), primary_key=True),
    Column("matchers", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("creator", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("undone_at", BigInteger),
    Column("undone_by", Text),
)
Index("exclusions_by_end", exclusions.c.ends_at)

# Processes that serve from this store, one row a start; `seen_at` tells who is there. `outlets`: where their files
# know to send; `config` and `version`: whether they agree.
replicas = Table(
    "replicas", metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("config", String(64), nullable=False),
    Column("outlets", Text, nullable=False),
)

# The oldest revision whose alertd can still work with these tables: one row, raised by a migration that takes away
# what older ones need.
floors = Table("floors", metadata, Column("revision", String(8), primary_key=True))

# What is done now and then, and when it is next; whoever of several replicas moves that on does it.
chores = Table(
    "chores", metadata,
    Column("name", String(32), primary_key=True),
    Column("due_at", BigInteger, nullable=False),
)

# Which hours and days (by their length) of what is over have been counted, so that nobody has to read them again.
# `token` and `claimed_at`: who counts it now, and since when. One whose history changed is not counted any more.
tallies = Table(
    "tallies", metadata,
    Column("length", BigInteger, primary_key=True),
    Column("begins", BigInteger, primary_key=True),
    Column("counted", Integer, nullable=False),
    Column("token", String(32), nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
)

# Of the incidents that ended in an hour: what happened to them in which quarter of an hour; see statistics/tally.py.
tally_slots = Table(
    "tally_slots", metadata,
    Column("hour", BigInteger, primary_key=True),
    Column("slot", BigInteger, primary_key=True),
    Column("opened", BigInteger, nullable=False),
    Column("acknowledged", BigInteger, nullable=False),
    Column("to_acknowledge", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("to_resolve", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The critical starts that were told in an hour: by whom, and to whom those of them had been told before.
tally_calls = Table(
    "tally_calls", metadata,
    Column("hour", BigInteger, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("slot", BigInteger, nullable=False),
    Column("team", Text, nullable=False),
    Column("whom", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The alerts that ended in an hour or day, by their kind; `flapped` has a bit for each hour of the day.
tally_kinds = Table(
    "tally_kinds", metadata,
    Column("length", BigInteger, primary_key=True),
    Column("begins", BigInteger, primary_key=True),
    Column("kind", BigInteger, primary_key=True),
    Column("ended", BigInteger, nullable=False),
    Column("gone_soon", BigInteger, nullable=False),
    Column("incidents", BigInteger, nullable=False),
    Column("never_acknowledged", BigInteger, nullable=False),
    Column("flapped", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The kinds of alerts, under a hash of name and service; `labels` are those of one alert, `seen_at` an hour it ended in.
kinds = Table(
    "kinds", metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
