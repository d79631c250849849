"""alertd: declared thresholds become Prometheus rules; Alertmanager's webhooks reach the right people."""

__version__ = "0.1.0"
