"""Progress of measurements, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .measure import Tick


@contextmanager
def progress(title: str) -> Iterator[Tick]:
    """A bar on the terminal that errors go to; nothing where there is none.

    It is drawn when the measurement says so, by no thread of its own, which would take turns with what is measured.
    """
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, auto_refresh=False) as shown:
        task = shown.add_task(title, total=1.0)
        yield lambda share: shown.update(task, completed=share, refresh=True)
