"""Nodes, their inputs and outputs as programs see them, under OpenVINO's names; models made of nodes.

Everything here is a view of `vinoc.ir`: a graph knows nothing of it.
"""

from __future__ import annotations

from .kinds import Constant, Parameter, Result
from .node import DiscreteTypeInfo, Node
from .ports import Input, Output, TensorDescriptor, view

__all__ = ["Constant", "DiscreteTypeInfo", "Input", "Node", "Output", "Parameter", "Result", "TensorDescriptor", "view"]
