"""`alertd access`: keys and passwords, and the lines by which the files know them."""

from __future__ import annotations

import secrets

import click

BYTES = 32  # of a key: nobody guesses 256 random bits, so a plain SHA-256 keeps it safely
ROUNDS = 10  # of bcrypt; some 50 ms for each password that is compared


@click.group("access")
def command() -> None:
    """Make keys for programs and hashes of passwords. Neither is kept anywhere: copy what is printed."""


@command.command("key")
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "responder", "admin", "sender", "scraper"]), default="sender",
              show_default=True, help="What it may do; sender is for Alertmanager's webhooks.")
def key(name: str, role: str) -> None:
    """Make a key for a program. The key goes to stdout, once; the line for routing.yaml to stderr."""
    from alertd.access import digest_of

    made = f"alertd_{secrets.token_urlsafe(BYTES)}"
    click.echo(f"# under `access: {{keys: […]}}` of routing.yaml:\n"
               f"  - {{name: {name}, role: {role}, sha256: {digest_of(made)}}}", err=True)
    click.echo(made)


@command.command("password")
@click.argument("name")
def password(name: str) -> None:
    """Ask for a password, and print the line for `basic_auth_users:` of the file of --web.config.file."""
    import bcrypt

    given = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if len(given.encode()) > 72:
        raise click.ClickException("bcrypt looks at no more than 72 bytes: choose a shorter password")
    click.echo(f"  {name}: {bcrypt.hashpw(given.encode(), bcrypt.gensalt(ROUNDS)).decode()}")
