"""Models with one fault at one node, each of which ONNX's rules forbid. A reader should refuse it and name the node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper

HUGE = 1 << 62


class Faulty(NamedTuple):
    """A damaged model, the name of the node that is at fault, and what was done to it."""

    model: ModelProto
    node: str
    fault: str


class Place:
    """A node of a model, and what the faults need to know of it."""

    def __init__(self, model: ModelProto, node: NodeProto, graph: Any) -> None:
        self.model, self.node, self.graph = model, node, graph
        version = max(o.version for o in model.opset_import if o.domain == node.domain)
        known = defs.has(node.op_type, node.domain)
        self.schema = defs.get_schema(node.op_type, version, node.domain) if known else None

    def attribute(self, *kinds: int) -> AttributeProto | None:
        """The first attribute of one of the kinds."""
        return next((a for a in self.node.attribute if a.type in kinds), None)

    def named(self, *names: str) -> AttributeProto | None:
        return next((a for a in self.node.attribute if a.name in names), None)

    def tensor(self) -> tuple[int, TensorProto] | None:
        """The first input that is an initializer, as one of its own that no other node reads."""
        stored = {t.name: t for t in self.model.graph.initializer}
        for i, name in enumerate(self.node.input):
            if name in stored:
                own = self.model.graph.initializer.add()
                own.CopyFrom(stored[name])
                own.name = self.node.input[i] = f"{name}_alone"
                return i, own
        return None


Fault = Callable[[Place], bool]
"""Changes the node, and tells whether there was anything to change."""


def unknown_operator(p: Place) -> bool:
    p.node.op_type = "Convolve"
    return True


def unknown_domain(p: Place) -> bool:
    p.node.domain = "my.own"
    return True


def undefined_input(p: Place) -> bool:
    if p.node.input:
        p.node.input[-1] = "absent"
    return bool(p.node.input)


def inputs_missing(p: Place) -> bool:
    if p.schema is None or p.schema.min_input == 0:
        return False
    del p.node.input[:]
    return True


def first_input_left_out(p: Place) -> bool:
    """An empty name, where the input is not optional."""
    single = defs.OpSchema.FormalParameterOption.Single
    if p.schema is None or p.schema.min_input == 0 or p.schema.inputs[0].option != single:
        return False
    p.node.input[0] = ""
    return True


def too_many_inputs(p: Place) -> bool:
    if p.schema is None or p.schema.max_input > 100 or not p.node.input:
        return False
    p.node.input.extend([p.node.input[0]] * (p.schema.max_input + 1 - len(p.node.input)))
    return True


def too_many_outputs(p: Place) -> bool:
    if p.schema is None or p.schema.max_output > 100:
        return False
    p.node.output.extend(f"more_{i}" for i in range(p.schema.max_output + 1 - len(p.node.output)))
    return True


def own_output_read(p: Place) -> bool:
    if p.node.input:
        p.node.input[0] = p.node.output[0]
    return bool(p.node.input)


def output_of_another(p: Place) -> bool:
    """A name that an earlier node of the graph computes."""
    first = p.graph.node[0]
    if first is p.node or first.name == p.node.name:
        return False
    p.node.output[0] = first.output[0]
    return True


def attribute_missing(p: Place) -> bool:
    required = {n for n, a in p.schema.attributes.items() if a.required} if p.schema else set()
    at = next((i for i, a in enumerate(p.node.attribute) if a.name in required), None)
    if at is None:
        return False
    del p.node.attribute[at]
    return True


def attribute_of_another_kind(p: Place) -> bool:
    a = p.attribute(AttributeProto.INT, AttributeProto.INTS, AttributeProto.STRING, AttributeProto.FLOAT)
    if a is None:
        return False
    made = helper.make_attribute(a.name, [1.5, 2.5] if a.type == AttributeProto.STRING else "words")
    a.CopyFrom(made)
    return True


def axis_out_of_range(p: Place) -> bool:
    a = p.named("axis", "axes", "perm")
    if a is None:
        return False
    if a.type == AttributeProto.INT:
        a.i = 99
    else:
        a.ints[0] = 99
    return True


def enormous_axis(p: Place) -> bool:
    a = p.named("axis", "batch_axis", "num_scan_inputs", "hidden_size", "blocksize")
    if a is not None:
        a.i = HUGE
    return a is not None


def list_of_another_length(p: Place) -> bool:
    a = p.named("strides", "pads", "dilations", "kernel_shape", "perm", "output_padding")
    if a is not None:
        a.ints.append(1)
    return a is not None


def number_of_nothing(p: Place) -> bool:
    """Strides, groups, sizes of blocks and windows of 0."""
    a = p.named("strides", "group", "blocksize", "hidden_size", "kernel_shape", "dilations")
    if a is None:
        return False
    if a.type == AttributeProto.INT:
        a.i = 0
    else:
        a.ints[:] = [0] * len(a.ints)
    return True


def unknown_word(p: Place) -> bool:
    a = p.named("mode", "auto_pad", "direction", "equation", "coordinate_transformation_mode", "activations")
    if a is None:
        return False
    a.CopyFrom(helper.make_attribute(a.name, ["Nonsense"] if a.type == AttributeProto.STRINGS else "nonsense"))
    return True


def unknown_element_type(p: Place) -> bool:
    a = p.named("to")
    if a is not None:
        a.i = 77
    return a is not None


def data_cut(p: Place) -> bool:
    found = p.tensor()
    if found is None or not found[1].raw_data:
        return False
    found[1].raw_data = found[1].raw_data[:-1]
    return True


def data_too_long(p: Place) -> bool:
    found = p.tensor()
    if found is None:
        return False
    found[1].raw_data += bytes(16)
    return True


def enormous_tensor(p: Place) -> bool:
    found = p.tensor()
    if found is None:
        return False
    found[1].dims[:] = [1 << 40, *found[1].dims]
    return True


def negative_dimension(p: Place) -> bool:
    found = p.tensor()
    if found is None:
        return False
    found[1].dims[:] = [-1, *found[1].dims]
    return True


def data_outside(p: Place) -> bool:
    found = p.tensor()
    if found is None:
        return False
    found[1].ClearField("raw_data")
    found[1].data_location = TensorProto.EXTERNAL
    found[1].external_data.add(key="location", value="../../secret.bin")
    return True


def tensor_of_another_type(p: Place) -> bool:
    """Of a type that the port does not take at all, or not together with the node's other inputs."""
    found = p.tensor() if p.schema is not None else None
    if found is None or p.schema is None:
        return False
    at, tensor = found
    ports = list(p.schema.inputs)
    port = ports[min(at, len(ports) - 1)]
    alike = [
        i for i, name in enumerate(p.node.input) if name and ports[min(i, len(ports) - 1)].type_str == port.type_str
    ]
    allowed = {t for c in p.schema.type_constraints if c.type_param_str == port.type_str for t in c.allowed_type_strs}
    wrong = [d for n, d in _TYPES.items() if f"tensor({n})" not in (allowed or {port.type_str})]
    array = numpy_helper.to_array(tensor)
    if not wrong and len(alike) < 2:
        return False
    dtype = wrong[0] if wrong else np.float64 if array.dtype != np.float64 else np.float32
    tensor.CopyFrom(numpy_helper.from_array(array.astype(dtype), tensor.name))
    return True


_TYPES: dict[str, Any] = {"bool": np.bool_, "float": np.float32, "int64": np.int64, "double": np.float64}
_SHAPES = {"Conv": (1, 1), "ConvTranspose": (1, 0), "MatMul": (1, 0), "Gemm": (1, 1), "BatchNormalization": (1, 0),
           "LSTM": (1, 2), "GRU": (1, 2), "RNN": (1, 2)}  # fmt: skip
"""Operator -> the input whose dimension at an axis is given by the data."""


def weights_of_another_shape(p: Place) -> bool:
    at, axis = _SHAPES.get(p.node.op_type, (-1, 0))
    tensor = next((t for t in p.model.graph.initializer if at > 0 and t.name == p.node.input[at]), None)
    if tensor is None:
        return False
    array = numpy_helper.to_array(tensor)
    longer = np.concatenate([array, array.take([0], axis)], axis)
    p.model.graph.initializer.append(numpy_helper.from_array(longer, f"{tensor.name}_longer"))
    p.node.input[at] = f"{tensor.name}_longer"
    return True


def damaged_constant(p: Place) -> bool:
    a = p.attribute(AttributeProto.TENSOR)
    if a is None:
        return False
    a.t.CopyFrom(TensorProto(data_type=TensorProto.FLOAT, dims=[4], raw_data=bytes(15)))
    return True


def subgraph_missing(p: Place) -> bool:
    at = next((i for i, a in enumerate(p.node.attribute) if a.type == AttributeProto.GRAPH), None)
    if at is None:
        return False
    del p.node.attribute[at]
    return True


FAULTS: tuple[Fault, ...] = (
    unknown_operator, unknown_domain, undefined_input, inputs_missing, first_input_left_out, too_many_inputs,
    too_many_outputs, own_output_read, output_of_another, attribute_missing, attribute_of_another_kind,
    axis_out_of_range, enormous_axis, list_of_another_length, number_of_nothing, unknown_word, unknown_element_type,
    data_cut, data_too_long, enormous_tensor, negative_dimension, data_outside, tensor_of_another_type,
    weights_of_another_shape, damaged_constant, subgraph_missing,
)  # fmt: skip


def prepared(model: ModelProto) -> ModelProto:
    """A copy in which every node has a name of its own, and an output of the model depends on every node."""
    out = ModelProto()
    out.CopyFrom(model)
    for i, (node, _) in enumerate(_nodes(out)):
        node.name = f"{node.op_type.lower()}_number_{i}"
    read = {n for node, graph in _nodes(out) if graph is out.graph for n in node.input}
    read |= {v.name for v in out.graph.output} | {n for node, _ in _nodes(out) for n in node.input}
    ends = [n for node in out.graph.node for n in node.output[:1] if n not in read and not set(node.output) & read]
    out.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in ends)
    return out


def _nodes(model: ModelProto) -> Iterator[tuple[NodeProto, Any]]:
    """All nodes with the graph or function they are in."""
    stack: list[Any] = [*model.functions, model.graph]
    while stack:
        graph = stack.pop()
        for node in graph.node:
            yield node, graph
            stack.extend(a.g for a in node.attribute if a.type == AttributeProto.GRAPH)


def faulty_models(model: ModelProto) -> Iterator[Faulty]:
    """Every fault at every node at which it is possible."""
    whole = prepared(model)
    count = sum(1 for _ in _nodes(whole))
    for at in range(count):
        for fault in FAULTS:
            copy = onnx.ModelProto()
            copy.CopyFrom(whole)
            node, graph = list(_nodes(copy))[at]
            if fault(Place(copy, node, graph)):
                yield Faulty(copy, node.name, fault.__name__)
