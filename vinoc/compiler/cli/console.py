"""Printing: plain aligned text to files and pipes, rich tables and progress to terminals."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from ..driver import Watch

PATIENCE = 1.0
"""Seconds of silence before progress is shown."""


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], out: TextIO | None = None) -> None:
    """A table: with rich on a terminal, else as aligned text with a head line."""
    out = out or sys.stdout
    if not out.isatty():
        from ..summary import table

        for line in table([tuple(columns), *rows]):
            print(line, file=out)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*map(_escaped, row))
    Console(file=out).print(made)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def in_red(text: str, out: TextIO) -> str:
    """Text in bold red where the stream is a terminal that wants colours."""
    import os

    return text if not out.isatty() or os.environ.get("NO_COLOR") else f"\x1b[1;31m{text}\x1b[0m"


@contextmanager
def progress(enabled: bool = True, out: TextIO | None = None) -> Iterator[Watch]:
    """A watch that shows the stage on a terminal, from the second second on."""
    out = out or sys.stderr
    if not enabled or not out.isatty():
        yield lambda stage: None
        return
    shown = _Progress(out)
    try:
        yield shown
    finally:
        shown.stop()


@contextmanager
def bars(enabled: bool = True) -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar for each title on the terminal that errors go to; nothing where there is none.

    What is given is told a title, how much of it is done, and how much there is.
    """
    if not enabled or not sys.stderr.isatty():
        yield lambda title, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as shown:
        tasks: dict[str, Any] = {}

        def tick(title: str, done: int, total: int | None) -> None:
            if title not in tasks:
                tasks[title] = shown.add_task(title, total=total)
            shown.update(tasks[title], completed=done, total=total)

        yield tick


class _Progress:
    """Shows the stage and the time that has passed, once a second of work has gone by."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.stage = ""
        self.began = time.monotonic()
        self.status: Any = None
        self.lock = threading.Lock()
        self.timer = threading.Timer(PATIENCE, self.start)
        self.timer.daemon = True
        self.timer.start()

    def __call__(self, stage: str) -> None:
        with self.lock:
            self.stage = stage
            if self.status is not None:
                self.status.update(self.text())

    def text(self) -> str:
        return f"{_escaped(self.stage)} ({time.monotonic() - self.began:.0f} s)"

    def start(self) -> None:
        from rich.console import Console

        with self.lock:
            self.status = Console(file=self.out).status(self.text())
            self.status.start()

    def stop(self) -> None:
        self.timer.cancel()
        with self.lock:
            if self.status is not None:
                self.status.stop()
