"""Nodes that are made by their classes: constants, inputs and outputs of models, variables, bodies."""

from .runtime.nodes.kinds import Constant, Parameter, Result
from .runtime.opsets import control
from .runtime.opsets.special import assign, read_value

if_op = control.IfNode
loop = control.LoopNode
tensor_iterator = control.TensorIteratorNode

__all__ = ["Constant", "Parameter", "Result", "assign", "if_op", "loop", "read_value", "tensor_iterator"]
