"""Exceptions as messages and exit codes. The last line on stderr says what matters, for scripts."""

from __future__ import annotations

import errno
import sys
import traceback
from types import TracebackType
from typing import TextIO

from ...ir.errors import ConversionError, VinocError

INTERRUPTED, FAULT = 130, 70

MACHINE = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
"""Errors of the system that no program can foresee: a disk that is full, for one."""

REQUEST = (
    "this is a fault of vinoc, not of your model: please report it with the output of the same command and --debug"
)


def report(error: BaseException, debug: bool = False, stream: TextIO | None = None) -> int:
    """Prints an exception to stderr; returns the exit code. A traceback is printed only for `debug`."""
    out = stream or sys.stderr
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if debug:
        traceback.print_exception(error, file=out)
    try:
        return _report(error, out)
    except BrokenPipeError:
        return 141


def _report(error: BaseException, out: TextIO) -> int:
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=out)
        return INTERRUPTED
    if isinstance(error, ConversionError):
        return _conversion(error, out)
    if isinstance(error, VinocError):
        _message(error.where, error.what, error.help, out)
        return error.exit_code
    usage = _usage(error)
    if usage is not None:
        context = getattr(error, "ctx", None)
        verb = context.command_path if context is not None else "vinoc"
        _message(None, usage, f"`{verb} --help` lists all options", out)
        return 2
    notes = list(getattr(error, "__notes__", ()))
    where = "; ".join([*notes, *_node(error.__traceback__)]) or None
    if isinstance(error, MemoryError):
        _message(where, "out of memory", "free some memory, or take a machine with more", out)
        return 1
    if isinstance(error, OSError) and error.errno in MACHINE:
        _message(
            error.filename, error.strerror or "", "make room on the disk, or raise the limits of this process", out
        )
        return 1
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, RecursionError):
        what = "the model nests too deeply: Python's recursion limit was reached"
    _message(where, f"internal error: {what}", REQUEST, out)
    return FAULT


def _message(where: str | None, what: str, help: str | None, out: TextIO) -> None:
    """One line for programs; for people, and where the message has several lines, help on a line of its own."""
    prefix = f"{where}: " if where else ""
    first, *more = what.split("\n")
    if out.isatty():
        from .console import in_red

        print("\n".join([f"{in_red('error:', out)} {prefix}{first}", *more]), file=out)
        if help:
            print(f"  help: {help}", file=out)
        return
    if more:
        print("\n".join([prefix + first, *more]), file=out)
    print(f"error: {prefix}{first}" + (f" (help: {_one_line(help)})" if help else ""), file=out)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _conversion(error: ConversionError, out: TextIO) -> int:
    from ..errors_table import COLUMNS, headline, rows, text

    if out.isatty():
        from .console import print_table

        print_table(COLUMNS, [r.cells() for r in rows(error.problems)], out)
    else:
        print("\n".join(text(error.problems)), file=out)
    _message(error.file, headline(error.problems), None, out)
    return error.exit_code


def _usage(error: BaseException) -> str | None:
    """The message of an error in the command line that click found."""
    click = sys.modules.get("click")
    if click is None or not isinstance(error, click.ClickException):
        return None
    return error.format_message()  # type: ignore[no-any-return]  # the module came from sys.modules


def _node(trace: TracebackType | None) -> list[str]:
    """The graph node that was being worked on when an unforeseen exception came, where the frames know one."""
    from ...ir.graph import Node

    found = None
    while trace is not None:
        node = trace.tb_frame.f_locals.get("node")
        if isinstance(node, Node):
            found = node
        trace = trace.tb_next
    if found is None:
        return []
    try:
        return [f"at {found.where}"]
    except Exception:  # the node itself may be what is broken
        return []
