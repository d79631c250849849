"""alertd's own metrics, all named `alertd_…`; labels hold only names from alertd's own closed sets and files."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alertd import __version__
from alertd.engine.budget_metrics import BudgetMetrics
from alertd.model import Millis

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """One set per daemon, in its own registry, so that tests can have several."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        Gauge("alertd_build_info", "Version of this alertd; always 1.", ["version"],
              registry=registry).labels(__version__).set(1)
        self.webhooks = Counter(
            "alertd_webhooks_total",
            "Webhooks by result: accepted, repeat, rejected (400), refused (503), too_large, compressed, slow.",
            ["result"], registry=registry)
        self.refused = Counter("alertd_requests_refused_total",
                               "Requests that were let in nowhere, by reason: stranger, forbidden, throttled.",
                               ["reason"], registry=registry)
        self.audit_whole = Gauge("alertd_audit_whole",
                                 "1 while the record of what people did is whole, as last looked through.",
                                 registry=registry)
        self.backup_time = Gauge("alertd_backup_last_success_timestamp_seconds", "When the newest backup was made.",
                                 registry=registry)
        self.backup_bytes = Gauge("alertd_backup_bytes", "Its size.", registry=registry)
        self.backups_failed = Counter("alertd_backup_failures_total", "Backups that could not be made or proved.",
                                      registry=registry)
        self.alerts = Counter("alertd_alerts_total", "Reported alerts by what they did: opened, closed, …",
                              ["verdict"], registry=registry)
        self.unknown_severities = Counter(
            "alertd_unknown_severities_total", "Alerts without a known severity, treated as warning.",
            registry=registry)
        self.commit_seconds = Histogram("alertd_intake_seconds", "From a webhook's last byte to its commit.",
                                        buckets=_SECONDS, registry=registry)
        self.notifications_made = Counter("alertd_notifications_created_total", "Intended messages by channel, kind.",
                                          ["channel", "kind"], registry=registry)
        self.attempts = Counter("alertd_attempts_total", "Attempts by channel and outcome.", ["channel", "outcome"],
                                registry=registry)
        self.attempt_seconds = Histogram("alertd_attempt_seconds", "How long an attempt took.", ["channel"],
                                         buckets=_SECONDS, registry=registry)
        self.delay_seconds = Histogram(
            "alertd_delivery_seconds", "From an intended message to the vendor's acceptance.", ["channel"],
            buckets=_SECONDS, registry=registry)
        self.leases_lost = Counter("alertd_leases_lost_total", "Claims given back because their worker went away.",
                                   registry=registry)
        self.digest_time = Gauge("alertd_digest_last_success_timestamp_seconds", "When the newest digest was made.",
                                 ["receiver"], registry=registry)
        self.own_beat_time = Gauge("alertd_heartbeat_out_last_success_timestamp_seconds",
                                   "When alertd's own heartbeat last went out.", registry=registry)
        self.own_beat_travel = Gauge("alertd_heartbeat_out_travel_seconds",
                                     "How long its alert took through the whole chain.", registry=registry)
        self.own_beat_failures = Counter("alertd_heartbeat_out_failures_total",
                                         "Heartbeats that did not go out.", registry=registry)
        self.digests = Counter("alertd_digests_total", "Digests made.", ["receiver"], registry=registry)
        self.reconciled = Counter(
            "alertd_reconciled_total",
            "Open alerts by what comparing with Alertmanager found: ended, overtaken, muted, unmuted.",
            ["outcome"], registry=registry)
        self.reconcile_time = Gauge(
            "alertd_reconcile_last_success_timestamp_seconds",
            "When this Alertmanager last said what it lists; 0 for never.", ["alertmanager"], registry=registry)
        self.reconcile_unmatched = Gauge(
            "alertd_reconcile_unmatched", "Open alerts of a source that no Alertmanager asked speaks for.",
            registry=registry)
        self.emergencies = Counter(
            "alertd_emergencies_total", "Messages of critical incidents sent without a store, by channel and outcome.",
            ["channel", "outcome"], registry=registry)
        self.replicas = Gauge("alertd_replicas", "Processes that serve from this store.", registry=registry)
        self.replicas_disagree = Gauge("alertd_replicas_disagree",
                                       "1 while they have read different routing files or are of different versions.",
                                       registry=registry)
        self.reload_ok = Gauge("alertd_config_last_reload_successful", "1 when the newest routing.yaml is in force.",
                               registry=registry)
        self.reload_time = Gauge("alertd_config_last_reload_success_timestamp_seconds",
                                 "When the configuration in force was read.", registry=registry)
        self.sockets = Gauge("alertd_slack_sockets", "Lines to Slack that should be (wanted) and are (connected).",
                             ["state"], registry=registry)
        self.windows = Gauge("alertd_maintenance_active", "Maintenance windows that are active.", registry=registry)
        self.storms = Gauge("alertd_storms_active", "Storms that fold messages into one.", ["receiver", "channel"],
                            registry=registry)
        self.covered = Gauge("alertd_rota_covered", "1 while somebody is on call by this rota.", ["rota"],
                             registry=registry)
        self.calendar_age = Gauge("alertd_calendar_age_seconds", "Since this rota's calendar was last read well.",
                                  ["rota"], registry=registry)
        self.budgets = BudgetMetrics()
        registry.register(self.budgets)
        self.cleaned = Counter("alertd_cleaned_rows_total", "Rows that were older than `retention` and are gone.",
                               registry=registry)
        self.ledger_queries = Counter("alertd_ledger_queries_total", "Questions to Prometheus by kind (recorded, open, "
                                      "raw) and outcome (ok, partial, failed).", ["kind", "outcome"], registry=registry)
        self.ledger_success = Gauge("alertd_ledger_last_success_timestamp_seconds",
                                    "When Prometheus last answered in full; 0 for never.", registry=registry)
        self.ledger_unread = Gauge("alertd_ledger_unread_hours", "Hours whose counts are still to be read.",
                                   registry=registry)
        self.store_bytes = Gauge("alertd_store_bytes", "The size of the store's file; absent on PostgreSQL.",
                                 ["store"], registry=registry)
        self.store_free = Gauge("alertd_store_free_ratio", "The share of its disk that is free; absent on PostgreSQL.",
                                ["store"], registry=registry)
        self.store_up = Gauge("alertd_store_up", "1 when the last commit succeeded.", registry=registry)
        self.backlog = Gauge("alertd_intake_backlog", "Writes waiting for a commit.", registry=registry)
        self.waiting = Gauge("alertd_notifications", "Messages queued, claimed, held or dead.", ["channel", "state"],
                             registry=registry)
        self.oldest = Gauge("alertd_oldest_queued_seconds", "Age of the oldest due message; 0 for none.",
                            registry=registry)
        self.open = Gauge("alertd_incidents_open", "Open incidents by severity.", ["severity"], registry=registry)

    def answers(self) -> dict[str, Millis]:
        """When each Alertmanager that is asked last said what it lists; 0 for never."""
        return {sample.labels["alertmanager"]: round(sample.value * 1000)
                for family in self.reconcile_time.collect() for sample in family.samples}
