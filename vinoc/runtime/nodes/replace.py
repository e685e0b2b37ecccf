"""Nodes that take the place of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir.errors import ArgumentTypeError, UsageError
from .node import Node
from .ports import Output


def replace_node(target: Node, replacement: Any, outputs_order: Sequence[int] | None = None) -> None:
    """Whatever reads a node reads another one, or a list of outputs, one for each of its outputs.

    `outputs_order`: which output of the replacement takes the place of each. Raises UsageError where the numbers of
    outputs differ.
    """
    if isinstance(replacement, Node):
        given = [replacement.output(i) for i in outputs_order or range(replacement.get_output_size())]
    else:
        given = list(replacement)
    if not all(isinstance(o, Output) for o in given):
        raise ArgumentTypeError("a node is replaced by a node, or by a list of outputs")
    outputs = target.outputs()
    if len(outputs) != len(given):
        raise UsageError(f"{target!r} has {len(outputs)} outputs, {len(given)} take their place")
    for old, new in zip(outputs, given):
        old.replace(new)


def replace_output_update_name(output: Output, target_output: Output) -> bool:
    """Whatever reads an output reads another one, which gets its names too. Returns whether anything was changed."""
    if output == target_output:
        return False
    names = output.names
    output.replace(target_output)
    target_output.add_names(names)
    return True
