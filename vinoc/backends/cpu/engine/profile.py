"""Times of the steps of all schedules that a model consists of: its stages and the bodies of control flow, too."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .program import Program


class Profile:
    """Schedules that time what they run."""

    def __init__(self) -> None:
        self._programs: list[weakref.ref[Program]] = []

    def add(self, program: Program) -> None:
        """A schedule that takes part, from now on."""
        program.timed = True
        self._programs = [r for r in self._programs if r() is not None]
        self._programs.append(weakref.ref(program))

    def clear(self) -> None:
        """Forgets all times."""
        for program in self._alive():
            program.forget_times()

    def read(self) -> list[tuple[Program, list[float]]]:
        """The schedules that have run since, in the order in which they were made; seconds of each step, all runs."""
        return [(program, program.times()) for program in self._alive() if program.runs]

    def _alive(self) -> list[Program]:
        return [p for p in (r() for r in self._programs) if p is not None]
