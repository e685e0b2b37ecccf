"""Nodes that are made by their classes: constants, inputs and outputs of models, variables."""

from .runtime.nodes.kinds import Constant, Parameter, Result
from .runtime.opsets.special import assign, read_value

__all__ = ["Constant", "Parameter", "Result", "assign", "read_value"]
