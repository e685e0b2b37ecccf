"""Single nodes computed by their definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.errors import UsageError
from ...ir.graph import Node
from ...ir.op import as_tuple


def compute(node: Node, outputs: Sequence[Any], inputs: Sequence[Any]) -> None:
    """Fills the tensors `outputs` with what the node gives for the tensors `inputs`.

    Raises UsageError for a wrong number of tensors, EvaluationError where the node needs a model around it.
    """
    if len(inputs) != len(node.inputs) or len(outputs) > len(node.outputs):
        wanted = f"{len(node.inputs)} inputs and at most {len(node.outputs)} outputs"
        raise UsageError(f"{len(inputs)} inputs and {len(outputs)} outputs are given, expected {wanted}", node.where)
    if node.bodies:
        raise UsageError("nodes with bodies cannot be computed alone", node.where, "compile a model of it")
    results = as_tuple(node.op.evaluate(*[t.elements() for t in inputs]))
    for tensor, result in zip(outputs, results, strict=False):
        tensor.set_elements(np.asarray(result))
