"""Inputs and outputs that a model gets and gives up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..ir.errors import ArgumentTypeError, UsageError, did_you_mean
from ..ir.graph import Graph, Value
from .nodes.assemble import join
from .nodes.kinds import Parameter, Result
from .nodes.names import forget_result, node_name, tensor_names
from .nodes.ports import Output


def add_output(graph: Graph, wanted: Any) -> Output:
    """Makes a tensor an output, if it is none: by its name, by (node's name, index), or as an Output.

    Raises UsageError for an unknown name, TypeError for anything else.
    """
    if isinstance(wanted, str):
        value = _tensor_named(graph, wanted)
    elif isinstance(wanted, tuple) and len(wanted) == 2 and isinstance(wanted[0], str):
        value = _of_node(graph, *wanted)
    elif isinstance(wanted, Output):
        value = wanted._value
        home = value.owner if isinstance(value.owner, Graph) else value.owner.graph
        if home is not graph:
            raise UsageError(f"{wanted!r} is not of this model")
    else:
        raise ArgumentTypeError(
            f"an output is added by a tensor's name, (a node's name, index) or Output, not {type(wanted).__name__}"
        )
    if not any(owner is graph for owner, _ in value.uses):
        names = tensor_names(value) or (value.name,)
        graph.add_output(value, names)
    index = next(i for owner, i in value.uses if owner is graph)
    return Result.of(graph, index).output(0)


def _tensor_named(graph: Graph, name: str) -> Value:
    values = [*graph.inputs, *(v for n in graph for v in n.outputs)]
    found = next((v for v in values if name in tensor_names(v)), None)
    if found is None:
        known = [n for v in values for n in tensor_names(v)]
        raise UsageError(f"the model has no tensor '{name}'", help=did_you_mean(name, known) or None)
    return found


def _of_node(graph: Graph, name: str, index: int) -> Value:
    node = next((n for n in graph if node_name(n) == name), None)
    if node is None:
        known = [node_name(n) for n in graph]
        raise UsageError(f"the model has no node '{name}'", help=did_you_mean(name, known) or None)
    if not 0 <= index < len(node.outputs):
        raise UsageError(f"node '{name}' has {len(node.outputs)} outputs, there is no {index}")
    return node.outputs[index]


def add_sinks(graph: Graph, sinks: Iterable[Any]) -> None:
    """Takes nodes such as Assign into a model, with what they depend on."""
    from .nodes.rewire import bring

    for node in sinks:
        bring(graph, node.output(0)._value, None)


def remove_sink(graph: Graph, sink: Any) -> None:
    """Takes a sink away. Raises UsageError for one of another model, VinocError while something reads it."""
    sink_index(graph, sink)
    graph.erase(sink._node)


def sink_index(graph: Graph, sink: Any) -> int:
    """Which sink a node is. Raises UsageError for one of another model."""
    sinks = [n for n in graph if n.kind == "Assign"]
    found = next((i for i, n in enumerate(sinks) if n is sink._node), None)
    if found is None:
        raise UsageError(f"{sink!r} is no sink of the model")
    return found


def remove_result(graph: Graph, result: Any) -> None:
    """Takes an output away. Raises UsageError for one of another model."""
    if not isinstance(result, Result):
        raise ArgumentTypeError(f"expected a Result, got {type(result).__name__}")
    index = result_index(graph, result)
    graph.remove_output(index)
    forget_result(graph, index)


def add_results(graph: Graph, results: Iterable[Any]) -> None:
    """Adds outputs, made of nodes of the model or of free ones, which become its own."""
    from .nodes.rewire import bring

    for result in results:
        if not isinstance(result, Result):
            raise ArgumentTypeError(f"expected a Result, got {type(result).__name__}")
        (value,) = result._values()
        bring(graph, value, None)
        graph.add_output(value, tensor_names(value) or (result.friendly_name,))
        result.belong_to(graph, len(graph.outputs) - 1)


def add_parameters(graph: Graph, parameters: Iterable[Any]) -> None:
    """Adds inputs, of Parameters that belong to no model yet; of others a copy."""
    for parameter in parameters:
        if not isinstance(parameter, Parameter):
            raise ArgumentTypeError(f"expected a Parameter, got {type(parameter).__name__}")
        join(graph, parameter._value)


def replace_parameter(graph: Graph, index: int, parameter: Any) -> None:
    """Whatever reads an input reads another Parameter, which takes its place. Raises UsageError, InferenceError."""
    if not 0 <= index < len(graph.inputs):
        raise UsageError(f"the model has {len(graph.inputs)} inputs, there is no {index}")
    add_parameters(graph, [parameter])
    old, new = graph.inputs[index], graph.inputs[-1]
    graph.replace_uses(old, new)
    order = [i for i in range(len(graph.inputs) - 1) if i != index]
    graph.order_inputs([*order[:index], len(graph.inputs) - 1, *order[index:], index])
    graph.remove_input(len(graph.inputs) - 1)


def remove_parameter(graph: Graph, parameter: Any) -> None:
    """Takes an input away. Raises UsageError while something reads it."""
    index = parameter_index(graph, parameter)
    if index < 0:
        raise UsageError(f"{parameter!r} is no input of the model")
    graph.remove_input(index)


def parameter_index(graph: Graph, parameter: Any) -> int:
    """Which input a Parameter is; -1: none of the model's."""
    if not isinstance(parameter, Parameter):
        raise ArgumentTypeError(f"expected a Parameter, got {type(parameter).__name__}")
    return next((i for i, v in enumerate(graph.inputs) if v is parameter._value), -1)


def result_index(graph: Graph, wanted: Any) -> int:
    """Which output a Result or an Output is. Raises UsageError for one of another model."""
    if isinstance(wanted, Result):
        found = next((i for i in range(len(graph.outputs)) if Result.of(graph, i) == wanted), None)
    elif isinstance(wanted, Output):
        found = next((i for owner, i in wanted._value.uses if owner is graph), None)
    else:
        raise ArgumentTypeError(f"expected a Result or an Output, got {type(wanted).__name__}")
    if found is None:
        raise UsageError(f"{wanted!r} is no output of the model")
    return found
