"""alertd itself: whether webhooks come in, messages go out, and what waits. Only metrics that the daemon exports."""

from __future__ import annotations

from alertd.dashboards.grafana import Dashboard, Kind, Panel, Query, Row, Step, Unit, uid

_GOOD = (Step(None, "red"), Step(1, "green"))  # of what is 1 while all is well
_NONE = (Step(None, "green"), Step(1, "red"))  # of what should be nothing
_QUEUE = (Step(None, "green"), Step(60, "yellow"), Step(300, "red"))  # seconds a due message has waited


def dashboard() -> Dashboard:
    """The same for everybody: it depends on nothing that is declared."""
    return Dashboard(uid("own"), "alertd itself", "Whether alertd takes in, decides and delivers.", (
        Row("Now", _now()), Row("In", _in()), Row("Out", _out()), Row("Kept", _kept()), Row("Budgets", _budgets())))


def _number(title: str, description: str, unit: Unit, expr: str, steps: tuple[Step, ...] = ()) -> Panel:
    return Panel(title, description, unit, (Query(expr),), Kind.NUMBER, 4, 4, steps)


def _lines(title: str, description: str, unit: Unit, *queries: Query, steps: tuple[Step, ...] = ()) -> Panel:
    return Panel(title, description, unit, queries, steps=steps)


def _now() -> tuple[Panel, ...]:
    return (
        _number("Store", "Whether the last commit succeeded. While it does not, webhooks are answered 503 and critical "
                "incidents are told straight.", Unit.YES, "min(alertd_store_up)", _GOOD),
        _number("Configuration", "Whether the newest routing.yaml is in force. No: the log and POST /-/reload say what "
                "is wrong with it.", Unit.YES, "min(alertd_config_last_reload_successful)", _GOOD),
        _number("Dead letters", "Messages that will not be sent unless somebody retries them: alertd notifications "
                "list --state dead.", Unit.COUNT,
                _counted('max(sum by (instance) (alertd_notifications{state="dead"}))'), _NONE),
        _number("Oldest waiting", "How long the oldest message that is due has waited.", Unit.SECONDS,
                "max(alertd_oldest_queued_seconds)", _QUEUE),
        _number("Open, critical", "Critical incidents that are open, acknowledged ones too.", Unit.COUNT,
                _counted('max(alertd_incidents_open{severity="critical"})'), _NONE),
        _number("Replicas", "Processes that serve from this store; 1 on SQLite.", Unit.COUNT, "max(alertd_replicas)"),
    )


def _in() -> tuple[Panel, ...]:
    return (
        _lines("Webhooks", "By what became of them. refused: answered 503, and sent again by Alertmanager; rejected: "
               "no webhook of version 4.", Unit.PER_SECOND,
               Query("sum by (result) (rate(alertd_webhooks_total[5m]))", "{{result}}")),
        _lines("From last byte to commit", "How long Alertmanager waits for its answer.", Unit.SECONDS,
               *_quantiles("alertd_intake_seconds")),
        _lines("Alerts", "What the reported alerts did.", Unit.PER_SECOND,
               Query("sum by (verdict) (rate(alertd_alerts_total[5m]))", "{{verdict}}"),
               Query("sum(rate(alertd_unknown_severities_total[5m]))", "without a known severity")),
        _lines("Waiting for a commit", "Writes that wait. Where it grows the store is too slow, and 503 is near.",
               Unit.COUNT, Query("sum by (instance) (alertd_intake_backlog)", "{{instance}}")),
        _lines("Not let in", "Requests of strangers, or of who may not.", Unit.PER_SECOND,
               Query("sum by (reason) (rate(alertd_requests_refused_total[5m]))", "{{reason}}")),
        _lines("Compared with Alertmanager", "How old its last answer is. Ends that no webhook tells are found in "
               "these; over a minute something is wrong.", Unit.SECONDS,
               Query("time() - (alertd_reconcile_last_success_timestamp_seconds > 0)", "{{alertmanager}}")),
    )


def _out() -> tuple[Panel, ...]:
    return (
        _lines("Messages", "By where they stand: queued and claimed are on their way, held wait for a digest or the "
               "end of maintenance.", Unit.COUNT,
               Query("max by (channel, state) (alertd_notifications)", "{{channel}} {{state}}")),
        _lines("Oldest waiting", "How long the oldest message that is due has waited.", Unit.SECONDS,
               Query("max(alertd_oldest_queued_seconds)", "oldest"), steps=_QUEUE),
        _lines("Attempts", "By channel and outcome.", Unit.PER_SECOND,
               Query("sum by (channel, outcome) (rate(alertd_attempts_total[5m]))", "{{channel}} {{outcome}}")),
        _lines("From intended to taken", "Of 95 in 100 messages: until the vendor took it.", Unit.SECONDS,
               Query("histogram_quantile(0.95, sum by (channel, le) (rate(alertd_delivery_seconds_bucket[5m])))",
                     "{{channel}}")),
        _lines("Storms and maintenance", "Storms fold messages into one; maintenance holds them.", Unit.COUNT,
               Query("max by (receiver, channel) (alertd_storms_active)", "storm {{receiver}} {{channel}}"),
               Query("max(alertd_maintenance_active)", "maintenance")),
        _lines("Told without a store", "Messages of critical incidents sent straight while nothing could be stored.",
               Unit.COUNT, Query("sum by (channel, outcome) (increase(alertd_emergencies_total[1h]))",
                                 "{{channel}} {{outcome}}"), steps=_NONE),
    )


def _kept() -> tuple[Panel, ...]:
    return (
        _lines("Age of backup, digest, heartbeat", "Since the newest of each was made; none where it is not set up.",
               Unit.SECONDS,
               Query("time() - (alertd_backup_last_success_timestamp_seconds > 0)", "backup {{instance}}"),
               Query("time() - max by (receiver) (alertd_digest_last_success_timestamp_seconds > 0)",
                     "digest {{receiver}}"),
               Query("time() - (alertd_heartbeat_out_last_success_timestamp_seconds > 0)", "heartbeat {{instance}}")),
        _number("Audit", "Whether the record of what people did is whole. No: alertd audit verify names the row.",
                Unit.YES, "min(alertd_audit_whole)", _GOOD),
        _number("Same files", "No while replicas have read different routing files or are of different versions.",
                Unit.YES, "1 - max(alertd_replicas_disagree)", _GOOD),
        _number("Somebody on call", "No while a rota has nobody; unknown where there is no rota.", Unit.YES,
                "min(alertd_rota_covered)", _GOOD),
        Panel("Version", "Of each process.", Unit.COUNT,
              (Query("count by (version) (alertd_build_info)", "processes"),), Kind.TABLE, 12, 4),
    )


def _budgets() -> tuple[Panel, ...]:
    return (
        _lines("Objectives", "By how their budgets stand. unknown is no good sign: GET /api/v1/slos says why.",
               Unit.COUNT, Query("max by (state) (alertd_slos)", "{{state}}")),
        _lines("Questions to Prometheus", "By kind and outcome; partial answers leave budgets unknown.",
               Unit.PER_SECOND, Query("sum by (kind, outcome) (rate(alertd_ledger_queries_total[5m]))",
                                      "{{kind}} {{outcome}}")),
    )


def _counted(expr: str) -> str:
    """Of what has no series while there is none of it: 0 where alertd is scraped, and unknown where it is not."""
    return f"{expr} or 0 * max(alertd_build_info)"


def _quantiles(histogram: str) -> tuple[Query, ...]:
    return tuple(Query(f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket[5m])))", name)
                 for share, name in (("0.5", "half within"), ("0.99", "99 in 100 within")))
