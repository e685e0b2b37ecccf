"""What a run computed: tensors in the order in which they came, with the layers that gave them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...backends.files import written_together
from ...ir.dtype import Array
from ...ir.graph import Graph, Node
from ...ir.loc import leaves
from ...passes.measure import read_npz

INPUT = "@input:"
"""What names of inputs begin with in a file of tensors."""


@dataclass
class Layer:
    """A tensor, and the layer that computes it.

    name     of the tensor
    kind     of the layer
    nodes    the framework nodes that the layer computes, in the order of the model
    seconds  that the layer took, None where that is not known
    aliases  other names of the tensor
    """

    name: str
    array: Array
    kind: str = ""
    nodes: tuple[str, ...] = ()
    seconds: float | None = None
    aliases: tuple[str, ...] = ()


@dataclass
class Trace:
    """A run: its layers by the names of their tensors. `graph` is what ran, where vinoc knows it."""

    title: str
    layers: dict[str, Layer] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    graph: Graph | None = None

    def add(self, layer: Layer) -> None:
        self.layers[layer.name] = layer


def nodes_of(node: Node) -> tuple[str, ...]:
    """The framework nodes of a node."""
    return tuple(dict.fromkeys(leaf.node for leaf in leaves(node.loc) if leaf.node))


def tensor_name(node: Node, index: int) -> str:
    """What a result is called: its own name, else that of its node."""
    return node.outputs[index].name or (f"{node.label}:{index}" if index else node.label)


def in_order(given: Mapping[str, Any], ports: Iterable[Collection[str]]) -> list[Any]:
    """What is given, in the order of ports that each have several names: found by one of them, else by place; None for
    ports that are left over."""
    ports = list(ports)
    spare = iter([a for n, a in given.items() if not any(n in names for names in ports)])
    found = ([given[n] for n in names if n in given] for names in ports)
    return [by_name[0] if by_name else next(spare, None) for by_name in found]


def dump(trace: Trace, path: Path) -> None:
    """Writes tensors and inputs as .npz. Raises VinocError."""
    kept = {n: layer.array for n, layer in trace.layers.items() if layer.array.dtype.kind != "O"}
    with written_together([path]) as (file,):
        arrays: dict[str, Any] = {INPUT + n: a for n, a in trace.inputs.items()} | kept
        np.savez(file, **arrays)


def load(path: Path) -> Trace:
    """What `dump` wrote, or any .npz of tensors by name. Raises UsageError."""
    trace = Trace(path.name)
    for name, array in read_npz(path).items():
        if name.startswith(INPUT):
            trace.inputs[name.removeprefix(INPUT)] = array
        else:
            trace.add(Layer(name, array))
    return trace
