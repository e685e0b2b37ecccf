"""The command line: `vinoc MODEL [options]` compiles, `vinoc VERB ...` does something else.

Verbs come in through the entry-point group `vinoc.commands`; an entry point names a click command.
Exit codes: 0, 1 (the model or what was asked of it), 2 (usage), 70 (a fault in vinoc), 130 (interrupted).
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence

from .faults import report


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code; never raises."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    _open_streams()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        _mute_stdout()
        return 141
    except BaseException as error:
        code = report(error, debug="--debug" in argv)
        _drop_output()
    if arguments is None:
        gc.freeze()  # the process ends: there is nothing to collect
    return code


def _run(argv: list[str]) -> int:
    """Finds the command and invokes it; click's own handling of errors is left aside."""
    from click.exceptions import Exit

    from .verbs import DEFAULT, command, route

    verb, rest = route(argv)
    chosen = command(verb)
    try:
        with chosen.make_context("vinoc" if verb == DEFAULT else f"vinoc {verb}", rest) as context:
            outcome = chosen.invoke(context)
    except Exit as end:
        return end.exit_code
    return outcome if isinstance(outcome, int) else 0


def _open_streams() -> None:
    """What a shell has closed (`>&-`) is None in Python: what is printed there goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the process ends


def _drop_output() -> None:
    """Behind an error: what cannot be printed, because the disk is full, is not tried again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        _mute_stdout()


def _mute_stdout() -> None:
    """Keeps the interpreter from complaining when it flushes at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
