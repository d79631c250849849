"""Every command, with its help, arguments and options, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from alertd.cli.group import group


def commands() -> str:
    """A section for each command that does something."""
    return "\n".join(line for words, command in leaves(group, "alertd") for line in _section(words, command))


def leaves(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found
            yield from leaves(found, f"{words} {name}")
    else:
        yield words, command


def _section(words: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=words)
    arguments = [part.make_metavar(context) for part in command.params if isinstance(part, click.Argument)]
    yield f"## {words}\n"
    yield f"```console\n$ {' '.join([words, *arguments])}\n```\n"
    yield _prose(command.help or "") + "\n"
    rows = [_row(option, context) for option in command.params
            if isinstance(option, click.Option) and not option.hidden]
    if rows:
        yield "| option | meaning |\n| --- | --- |"
        yield from rows
    yield ""


def _prose(text: str) -> str:
    """The help as paragraphs; the exit codes stand in one of their own. Words in capitals and options as they are."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.replace("\b", "").split("\n\n")]
    prose = "\n\n".join(paragraphs).replace(" Exit codes:", "\n\nExit codes:")
    return re.sub(r"(?<![`\w-])(--[\w.-]*\w|\w+/\*\.yaml|DIR/\*\.yaml)", r"`\1`", prose)


def _row(option: click.Option, context: click.Context) -> str:
    name, told = option.get_help_record(context) or (", ".join(option.opts), option.help or "")
    return f"| `{_cell(name)}` | {_cell(told)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
