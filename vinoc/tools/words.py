"""Command lines in the style of OpenVINO's tools: `-niter 5`, `--number_iterations=5`, `-i a b c`, `-pc`, `-pc False`.

One dash or two, dashes or underscores inside: all the same. click does most of it; this is what it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from ..ir.errors import UsageError, did_you_mean

TRUE, FALSE = ("true", "yes", "1", "on", "t", "y"), ("false", "no", "0", "off", "f", "n")


WORDS = "vinoc.words"


def words() -> list[str]:
    """The command line of the command that runs, as it was given."""
    return list(click.get_current_context().meta[WORDS])


class ToolCommand(click.Command):
    """A command whose options may take several words (`many`) or a truth value that may be left out (`switches`)."""

    many: frozenset[str] = frozenset()
    switches: frozenset[str] = frozenset()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = list(args)
        known = {plain(o): p for p in self.get_params(ctx) for o in (*p.opts, *p.secondary_opts)}
        options = {name for name, p in known.items() if isinstance(p, click.Option)}
        check_known(args, options)
        many = {name for name in options if known[name].name in self.many}
        switches = {name for name in options if known[name].name in self.switches}
        return super().parse_args(ctx, joined(spread(args, many), switches))


class ToolOption(click.Option):
    """An option with many spellings; help shows the short one and the long one."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        every = self.opts
        short = [o for o in every if not o.startswith("--")][:1]
        self.opts = list(
            dict.fromkeys([*short, *(every[-1:] if every[-1].lstrip("-") != short[0].lstrip("-") else [])])
        )
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every


def spelled(*names: str, **given: Any) -> Callable[[Any], Any]:
    """An option under all its names, with one dash and with two; the last name is the parameter that takes it."""
    *spellings, dest = names
    both = dict.fromkeys(dash + name for name in spellings for dash in (("-",) if len(name) == 1 else ("-", "--")))
    return click.option(*both, dest, cls=ToolOption, **given)


def plain(word: str) -> str:
    """The name of an option: without dashes in front, underscores inside."""
    return word.partition("=")[0].lstrip("-").replace("-", "_")


def is_option(word: str) -> bool:
    """Whether a word of a command line is an option, not a value such as -1."""
    return bool(re.match(r"--?[A-Za-z]", word))


def check_known(args: Sequence[str], known: Iterable[str]) -> None:
    """Raises UsageError, with the nearest, for an option that there is not."""
    names = set(known)
    for word in args:
        if not is_option(word) or plain(word) in names or re.fullmatch(r"-[a-zA-Z][\d.]+", word):
            continue
        near = did_you_mean(plain(word), names).replace("mean '", "mean '-")
        raise UsageError(f"no option '{word.partition('=')[0]}'", help=near or None)


def spread(args: Sequence[str], many: Iterable[str]) -> list[str]:
    """`-i a b` as `-i a -i b`, for the options that take several words."""
    names, out, current = set(many), [], ""
    first = False
    for word in args:
        if is_option(word):
            current, first = (word if plain(word) in names and "=" not in word else ""), True
        elif current:
            out += [] if first else [current]
            first = False
        out.append(word)
    return out


def joined(args: Sequence[str], switches: Iterable[str]) -> list[str]:
    """`-pc`, `-pc False` and `-pc=no` as `-pc=true`, `-pc=false`: their value is optional, and a file is none."""
    names, out = set(switches), []
    words = iter(range(len(args)))
    for i in words:
        word = args[i]
        if is_option(word) and plain(word) in names and "=" not in word:
            value = args[i + 1].lower() if i + 1 < len(args) else ""
            if value in (*TRUE, *FALSE):
                next(words)
            word = f"{word}={'false' if value in FALSE else 'true'}"
        out.append(word)
    return out
