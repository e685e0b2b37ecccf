"""A configuration read: evaluations that can be run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...problems import check
from ..evaluation import Evaluation
from .build import Builder
from .choose import chosen
from .merge import merged
from .request import Request


@dataclass(frozen=True)
class Plan:
    """What a configuration comes to, and what a person should know of it."""

    evaluations: tuple[Evaluation, ...]
    remarks: tuple[str, ...]


def read_config(request: Request | Path | str) -> Plan:
    """The evaluations of a configuration. Raises a UsageError with all that is wrong with it, by file and line."""
    asked = request if isinstance(request, Request) else Request(config=Path(request))
    out = merged(asked)
    entries = chosen(out, asked)
    builder = Builder(out.problems, out.remarks, request=asked, defined=out.defined)
    made = [builder.evaluation(e) for e in entries]
    seen: dict[str, None] = dict.fromkeys(map(str, builder.problems))  # parts that several entries share
    check([next(p for p in builder.problems if str(p) == text) for text in seen], asked.where)
    return Plan(tuple(e for e in made if e is not None), tuple(builder.remarks))
