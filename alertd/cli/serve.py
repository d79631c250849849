"""`alertd serve`: the daemon."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("serve")
@click.option("--config", type=click.Path(path_type=Path), default=Path("routing.yaml"), show_default=True,
              help="Who is told.")
@click.option("--rules", type=click.Path(path_type=Path), default=Path("rules"), show_default=True,
              help="What is watched: the objectives whose budgets are kept.")
@click.option("--store", default="sqlite:///alertd.db", show_default=True, help="Where everything is kept.")
@click.option("--store.connections", "connections", type=click.IntRange(4, 100), default=5, show_default=True,
              help="To PostgreSQL, at most; two write, one listens to the other replicas, the others read.")
@click.option("--web.listen-address", "listen", default="127.0.0.1:9097", show_default=True, metavar="HOST:PORT",
              help="Where webhooks and people come in; port 0 takes a free one.")
@click.option("--web.config.file", "web_config", type=click.Path(path_type=Path), metavar="FILE",
              help="Passwords, certificates and TLS, as Prometheus and Alertmanager read them; read again when it "
                   "changes.")
@click.option("--web.external-url", "external_url", metavar="URL",
              help="How people reach this alertd; messages link to it.")
@click.option("--prometheus", metavar="URL", help="Where rules/generated/ is evaluated, and error budgets are counted.")
@click.option("--alertmanager", metavar="URL", multiple=True,
              help="Compared with every 15 s, so that ends it never told are found; repeatable, name every one.")
@click.option("--backup.folder", "backup_folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Put a proved copy of the store there every few minutes.")
@click.option("--backup.every", "backup_every", default="5m", show_default=True, metavar="DURATION",
              help="How often; what came since the newest is what a lost disk costs.")
@click.option("--backup.recipient", "backup_recipient", metavar="AGE1…", help="Encrypt them for this key.")
@click.option("--insecure-no-auth", is_flag=True,
              help="Allow an address other than this machine's own, although nobody is asked who they are.")
@click.option("--log.format", "log_format", type=click.Choice(["logfmt", "json"]), default="logfmt",
              show_default=True)
def command(config: Path, rules: Path, store: str, connections: int, listen: str, web_config: Path | None,
            external_url: str | None, prometheus: str | None, alertmanager: tuple[str, ...],
            backup_folder: Path | None, backup_every: str, backup_recipient: str | None, insecure_no_auth: bool,
            log_format: str) -> None:
    """Run the daemon: take Alertmanager's webhooks, tell the right people, keep everything.

    SIGHUP or POST /-/reload reads the configuration again; SIGTERM ends after what is under way.
    """
    from alertd.config.units import duration
    from alertd.daemon import Options, run
    from alertd.engine.backup import Plan
    from alertd.errors import AlertdError, NoDoor

    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise click.UsageError(f"--web.listen-address takes HOST:PORT, not {listen!r}")
    local = host.strip("[]") in ("127.0.0.1", "::1", "localhost")
    try:
        plan = Plan(backup_folder, duration(backup_every), backup_recipient) if backup_folder else None
    except ValueError as error:
        raise click.UsageError(f"--backup.every: {error}") from error
    if plan and not store.startswith("sqlite"):
        raise click.UsageError("--backup.folder copies a SQLite store; for PostgreSQL's own ways see docs/running.md")
    for option, url in (("--prometheus", prometheus), *(("--alertmanager", one) for one in alertmanager)):
        if url and not url.startswith(("http://", "https://")):
            raise click.UsageError(f"{option} takes an address that begins with http:// or https://, not {url!r}")
    options = Options(config, rules, store, host.strip("[]"), int(port), external_url, log_format == "json",
                      alertmanager, web_config, not local and not insecure_no_auth, plan, connections, prometheus)
    try:
        run(options)
    except NoDoor as error:
        raise click.UsageError(str(error)) from error
    except AlertdError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"{listen}: {error.strerror or error}", err=True)
        sys.exit(1)
