"""Names that programs see: of nodes (`friendly_name`) and of tensors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from weakref import WeakKeyDictionary

from ...ir.graph import Graph, Node, Value
from ...ir.loc import Loc
from ...ir.op import Op

_TYPE_NAMES = {"ReLU": "Relu", "PReLU": "PRelu", "SoftMax": "Softmax"}
"""What OpenVINO's classes are called where IR spells the type otherwise."""

_serial = count(1)
_LABELS: WeakKeyDictionary[Graph, dict[Node, str]] = WeakKeyDictionary()
_RESULTS: WeakKeyDictionary[Graph, list[str]] = WeakKeyDictionary()
_TENSORS: WeakKeyDictionary[Value, tuple[str, ...]] = WeakKeyDictionary()


def type_name(op: Op) -> str:
    """The type of a node, as OpenVINO's Python API calls it."""
    return _TYPE_NAMES.get(op.kind, op.kind)


def fresh_name(kind: str) -> str:
    """A name that no node has yet: the kind with a number."""
    return f"{kind}_{next(_serial)}"


def node_name(node: Node) -> str:
    """The name that was given to a node, else the one under which OpenVINO IR would have it."""
    loc, graph = node.loc, node.graph
    if isinstance(loc, Loc) and loc.node and not loc.file:
        return loc.node
    if graph is None:
        from ...backends.openvino.naming import origin

        return origin(node) or node.label
    labels = _LABELS.get(graph)
    if labels is None or node not in labels:
        from ...backends.openvino.naming import Unique, layer_names

        labels = _LABELS[graph] = layer_names(graph, Unique())
    return labels[node]


def name_node(node: Node, name: str) -> None:
    node.loc = Loc("", name, type_name(node.op))
    if node.graph is not None:
        _LABELS.pop(node.graph, None)


def parameter_name(value: Value) -> str:
    """The name of a graph's input as a node."""
    return value.name or next(iter(tensor_names(value)), "") or f"input_{value.index}"


def result_name(graph: Graph, index: int) -> str:
    """The name of a graph's output as a node."""
    given = _names_of_results(graph, index)[index]
    if given:
        return given
    first = next(iter(graph.output_names[index]), "") or graph.outputs[index].name or f"output_{index}"
    return f"{first}/sink_port_0"


def name_result(graph: Graph, index: int, name: str) -> None:
    """Gives an output of a graph a name as a node."""
    _names_of_results(graph, index)[index] = name


def forget_result(graph: Graph, index: int) -> None:
    """An output is taken away: those behind it count one less."""
    del _names_of_results(graph, index)[index]


def _names_of_results(graph: Graph, index: int) -> list[str]:
    """The names that outputs were given, up to one at least; an empty one: none was."""
    known = _RESULTS.setdefault(graph, [])
    known += [""] * (index + 1 - len(known))
    return known


def tensor_names(value: Value) -> tuple[str, ...]:
    """The names of a tensor: public ones of an input or output of a model, else those that it has itself."""
    found: dict[str, None] = {}
    if isinstance(value.owner, Graph):
        found.update(dict.fromkeys(value.owner.input_names[value.index]))
    for owner, index in value.uses:
        if isinstance(owner, Graph):
            found.update(dict.fromkeys(owner.output_names[index]))
    if found or isinstance(value.owner, Graph):
        return tuple(found)
    return _TENSORS.get(value) or ((value.name,) if value.name else ())


def name_tensor(value: Value, names: Iterable[str]) -> None:
    """Gives a tensor other names; where it is an input or output of a model, that is found by them from now on."""
    given = tuple(sorted(names))
    if isinstance(value.owner, Graph):
        value.owner.input_names[value.index] = given
    else:
        value.name = given[0] if given else ""
        _TENSORS[value] = given
    for owner, index in value.uses:
        if isinstance(owner, Graph):
            owner.output_names[index] = given
