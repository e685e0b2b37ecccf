"""Passes: rewrite rules, the manager that runs them, and pipeline strings."""

from .base import Context, Pass, graph_pass
from .manager import Instrument, PassManager, StepResult
from .pattern import Const, Match
from .pipeline import Pipeline, parse
from .rewrite import Decline, Group, Rewrite, rewrite

__all__ = [
    "Const",
    "Context",
    "Decline",
    "Group",
    "Instrument",
    "Match",
    "Pass",
    "PassManager",
    "Pipeline",
    "Rewrite",
    "StepResult",
    "graph_pass",
    "parse",
    "rewrite",
]
