"""Models made of nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from ...ir.errors import UsageError
from ...ir.graph import Graph, Node, Value
from .kinds import Parameter, Result, as_result
from .make import Loose
from .names import name_result, parameter_name, tensor_names
from .node import Node as View
from .ports import Output
from .rewire import in_order, refresh, take_in

_serial = count()


def model_graph(args: Sequence[Any], named: Mapping[str, Any]) -> Graph:
    """The graph of `Model(results, [sinks,] parameters, [variables,] [name])`, in all of OpenVINO's forms.

    Nodes that belong to no model are the new model's own; those of another model are copied. Raises UsageError for
    Parameters that are used and not declared, TypeError for other arguments.
    """
    given = _arguments(args, named)
    results = [as_result(r) for r in _listed(given["results"], "results")]
    sinks = [_node_of(s) for s in _listed(given["sinks"], "sinks")]
    parameters = _listed(given["parameters"], "parameters")
    wrong = next((p for p in parameters if not isinstance(p, Parameter)), None)
    if wrong is not None:
        raise TypeError(f"a parameter of a model is a Parameter, not {type(wrong).__name__}")
    return assemble(results, sinks, parameters, str(given["name"] or "") or f"Model{next(_serial)}")


def assemble(results: Sequence[Result], sinks: Sequence[Node], parameters: Sequence[Parameter], name: str) -> Graph:
    """A graph of everything that results and sinks depend on. Raises UsageError, InferenceError."""
    sources = [r._values()[0] for r in results]
    roots = [v.owner for v in sources if isinstance(v.owner, Node)] + list(sinks)
    nodes = in_order(roots, _feeders)
    _check_declared(nodes, sources, {p._value for p in parameters}, len(parameters))
    names = [tensor_names(v) for v in sources]
    graph = Graph(name)
    moved: dict[Value, Value] = {p._value: join(graph, p._value) for p in parameters}
    for node in nodes:
        _join_node(graph, node, moved)
    for result, source, listed in zip(results, sources, names, strict=True):
        label = result.friendly_name
        graph.add_output(moved.get(source, source), listed or (label,))
        place = len(graph.outputs) - 1
        name_result(graph, place, label)
        if result._source is not None:
            result.belong_to(graph, place)
    return graph


def _feeders(node: Node) -> Iterator[Node]:
    return (v.owner for v in node.inputs if v is not None and isinstance(v.owner, Node))


def _check_declared(nodes: Sequence[Node], sources: Sequence[Value], declared: set[Value], given: int) -> None:
    if len(declared) != given:
        raise UsageError("a parameter is given twice")
    used = {v: None for v in sources if isinstance(v.owner, Graph)}
    used.update({v: None for n in nodes for v in n.inputs if v is not None and isinstance(v.owner, Graph)})
    lacking = [parameter_name(v) for v in used if v not in declared]
    if lacking:
        raise UsageError(
            f"the model references undeclared parameters: {', '.join(lacking)}",
            help="list every Parameter that its results depend on",
        )


def join(graph: Graph, value: Value) -> Value:
    """A Parameter as an input of a graph: itself where it is free, else a copy."""
    names = tensor_names(value) or (parameter_name(value),)
    if not isinstance(value.owner, Loose):
        return graph.add_input(value.type, value.name, names)
    value.owner, value.index = graph, len(graph.inputs)
    value._uses.clear()
    graph.inputs.append(value)
    graph.input_names.append(names)
    return value


def _join_node(graph: Graph, node: Node, moved: dict[Value, Value]) -> None:
    """A node with its operands in the graph: itself where it is free, else a copy."""
    inputs = tuple([None if v is None else moved.get(v, v) for v in node.inputs])
    if node.graph is None:
        node.inputs = inputs
        refresh(node)
        take_in(graph, node)
        return
    copy = graph.insert(node.op, inputs, bodies=[b.clone() for b in node.bodies], loc=node.loc)
    copy.rt_info.update(node.rt_info)
    for old, new in zip(node.outputs, copy.outputs, strict=True):
        new.name = old.name
        moved[old] = new


_ORDERS: dict[int, tuple[str, ...]] = {
    2: ("results", "parameters"),
    3: ("results", "sinks", "parameters"),
    4: ("results", "sinks", "parameters", "variables"),
}


def _arguments(args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name."""
    given: dict[str, Any] = {"results": (), "sinks": (), "parameters": (), "variables": (), "name": ""}
    place = list(args)
    if place and isinstance(place[-1], str):
        given["name"] = place.pop()
    rest = {("results" if k == "result" else k): v for k, v in named.items()}
    order = _ORDERS.get(len(place) + sum(k in given and k != "name" for k in rest), ("results",))
    if len(order) == 3 and len(place) > 1 and _parameters_only(place[1]):
        order = "results", "parameters", "variables"
    given.update(zip([k for k in order if k not in rest], place, strict=False))
    unknown = [k for k in rest if k not in given]
    if unknown or len(place) > 4 or not (place or rest):
        what = f"unknown argument '{unknown[0]}'" if unknown else "wrong number of arguments"
        raise TypeError(f"Model: {what}; expected (results, [sinks,] parameters, [variables,] name='')")
    return {**given, **rest}


def _parameters_only(given: Any) -> bool:
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(p, Parameter) for p in given)


def _listed(given: Any, what: str) -> list[Any]:
    if isinstance(given, View | Output):
        return [given]
    if not isinstance(given, list | tuple):
        raise TypeError(f"the {what} of a model are a list of nodes, not {type(given).__name__}")
    return list(given)


def _node_of(given: Any) -> Node:
    node = given.get_node() if isinstance(given, Output) else given
    if not isinstance(node, View) or isinstance(node, Parameter | Result):
        raise TypeError(f"a sink of a model is a node such as Assign, not {type(given).__name__}")
    return node._node
