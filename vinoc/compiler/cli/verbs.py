"""Which command a command line means."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from ...ir.entries import entries
from ...ir.errors import UsageError, VinocError, nearest

GROUP = "vinoc.commands"
DEFAULT = "compile"


def route(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The verb of a command line, and what follows it. What names no verb is a model to compile.

    Raises UsageError for a word that is neither a verb nor looks like a file.
    """
    if not argv or argv[0].startswith("-"):
        return DEFAULT, list(argv)
    first, *rest = argv
    if first in entries(GROUP):
        return first, rest
    if not os.path.exists(first) and not {".", "/", "\\"} & set(first):
        help = nearest(first, sorted(entries(GROUP)), "commands are")
        raise UsageError(f"'{first}' is neither a model file nor a command", help=help)
    return DEFAULT, list(argv)


def command(verb: str) -> click.Command:
    """The click command of a verb. Raises VinocError when it cannot be loaded."""
    if verb == DEFAULT:
        from .compile import command as compile_command

        return compile_command
    entry = entries(GROUP)[verb]
    try:
        made = entry.load()
    except (ImportError, AttributeError) as error:
        raise VinocError(f"command '{verb}' ({entry.value}) cannot be loaded: {error}") from error
    if not isinstance(made, click.Command):
        raise VinocError(f"entry point '{verb}' ({entry.value}) is not a click command")
    return made


def summaries() -> list[tuple[str, str]]:
    """Every verb with a line about it; one that cannot be loaded says so."""
    out = []
    for name in sorted(entries(GROUP)):
        try:
            out.append((name, command(name).get_short_help_str(90)))
        except VinocError as error:
            out.append((name, f"({error.what})"))
    return out
