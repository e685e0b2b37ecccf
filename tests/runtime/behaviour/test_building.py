"""Nodes, factories and models made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .calls import REFUSED, Raises, checked

CALLS: dict[str, Any] = {
    "p.get_type_name()": "Parameter",
    "p.friendly_name": "p",
    "p.get_friendly_name()": "p",
    "list(p.shape)": [1, 3, 6, 6],
    "p.get_element_type() == ov.Type.f32": True,
    "p.element_type == ov.Type.f32": True,
    "str(p.partial_shape)": "[1,3,6,6]",
    "str(p.get_partial_shape())": "[1,3,6,6]",
    "p.get_attributes()": {"shape": [1, 3, 6, 6], "element_type": "f32"},
    'repr(conv).replace(conv.friendly_name, "c")': "<Convolution: 'c' ([1,2,4,4])>",
    "conv.get_type_name()": "Convolution",
    "conv.get_attributes()": {
        "strides": [1, 1],
        "dilations": [1, 1],
        "pads_begin": [0, 0],
        "pads_end": [0, 0],
        "auto_pad": "explicit",
    },
    "list(conv.get_output_shape(0))": [1, 2, 4, 4],
    "list(conv.shape)": [1, 2, 4, 4],
    "conv.get_output_size()": 1,
    "conv.get_input_size()": 2,
    "list(conv.get_input_shape(1))": [2, 3, 3, 3],
    "str(conv.get_input_partial_shape(0))": "[1,3,6,6]",
    "conv.get_input_element_type(0) == ov.Type.f32": True,
    "conv.get_output_element_type(0) == ov.Type.f32": True,
    "str(conv.get_output_partial_shape(0))": "[1,2,4,4]",
    "len(conv.inputs())": 2,
    "len(conv.outputs())": 1,
    "list(conv.input(1).get_shape())": [2, 3, 3, 3],
    "conv.input(1).get_index()": 1,
    "conv.input(0).get_node() == conv": True,
    "conv.input_value(0) == p.output(0)": True,
    "conv.input_value(0).get_node() == p": True,
    "[o.get_node().get_type_name() for o in conv.input_values()]": ["Parameter", "Constant"],
    "conv.input(0).get_source_output().get_node().friendly_name": "p",
    "conv.input(7)": Raises(RuntimeError),
    "conv.output(3)": Raises(RuntimeError),
    "len(conv.output(0).get_target_inputs())": 1,
    "[i.get_node().get_type_name() for i in relu.input_value(0).get_target_inputs()]": ["Relu"],
    "conv.output(0).get_index()": 0,
    "conv.output(0).get_names()": set(),
    "set_names(conv)": ["a", "b", "c"],
    "conv.output(0).get_any_name()": Raises(RuntimeError),
    "conv.output(0).get_tensor().get_names()": set(),
    "list(conv.output(0).tensor.shape)": [1, 2, 4, 4],
    "conv.get_output_tensor(0).get_element_type() == ov.Type.f32": True,
    "conv.type_info.name": "Convolution",
    "conv.get_type_info().version_id": "opset1",
    "isinstance(conv.get_rt_info(), object)": True,
    "noted(conv)": "here",
    "renamed(relu)": ["one", "two"],
    "isinstance(relu.get_name(), str)": True,
    "isinstance(relu.name, str)": True,
    "relu == relu": True,
    "relu == conv": False,
    "hash(relu) == hash(relu.output(0).get_node())": True,
    "split.get_output_size()": 3,
    "split.shape": Raises(RuntimeError),
    "list(split.output(2).shape)": [1, 1, 6, 6],
    "[list(o.shape) for o in split.outputs()]": [[1, 1, 6, 6], [1, 1, 6, 6], [1, 1, 6, 6]],
    "ops.constant([1, 2, 3]).data": [1, 2, 3],
    "ops.constant(np.array([[1.5, 2]], np.float32)).get_vector()": [1.5, 2.0],
    "ops.constant([1, 2], dtype=np.float32).data.dtype.name": "float32",
    "ops.constant([1, 2], ov.Type.u8).get_element_type() == ov.Type.u8": True,
    "ops.constant(np.ones(2, np.float16)).get_byte_size()": 4,
    "ops.constant([1, 2, 3]).get_value_strings()": ["1", "2", "3"],
    "ops.constant(2.5).get_output_shape(0) == ov.Shape([])": True,
    "list(ops.constant(np.ones((2, 3), np.float32)).strides)": [12, 4],
    "list(ops.constant(np.ones((2, 3), np.float32)).get_tensor_view().shape)": [2, 3],
    "ops.constant([1, 2, 3]).data.flags.writeable": False,
    "copied_constant(ops)": [0.0, 0.0],
    "ov.op.Constant(ov.Type.f32, ov.Shape([2, 2]), [1, 2, 3, 4]).data": [[1.0, 2.0], [3.0, 4.0]],
    "ov.op.Constant(np.array([1, 2], np.int32)).data": [1, 2],
    "ov.op.Constant(ov.Type.i64, ov.Shape([2]), [7]).data": [7, 7],
    "ov.op.Constant(np.array([1.0], np.float32)).get_data(dtype=np.int32).dtype.name": "int32",
    "list(ov.op.Parameter(ov.Type.f32, ov.Shape([1, 2])).shape)": [1, 2],
    "ov.op.Parameter(ov.Type.i32, ov.PartialShape([-1, 2])).get_element_type() == ov.Type.i32": True,
    "ov.op.Result(relu.output(0)).get_type_name()": "Result",
    'ops.result(relu, name="out").friendly_name': "out",
    "str(ops.parameter([-1, 3, ov.Dimension(1, 4)], np.int8).partial_shape)": "[?,3,1..4]",
    "str(ops.parameter(ov.PartialShape.dynamic()).partial_shape)": "[...]",
    "ops.parameter([2], ov.Type.f16).get_element_type() == ov.Type.f16": True,
    'ops.parameter([2], np.dtype("int16")).get_element_type() == ov.Type.i16': True,
    "ops.parameter([2]).get_element_type() == ov.Type.f32": True,
    "typed_later(ov, ops)": "i32",
    "shaped_later(ov, ops)": [6],
    "laid_out(ov, ops)": "[N,C,H,W]",
    "value(p + np.ones((1, 3, 6, 6), np.float32))": 324.0,
    "value(p - p)": 0.0,
    "value(p * np.full((1, 3, 6, 6), 2, np.float32))": 432.0,
    "value(p / np.full((1, 3, 6, 6), 2, np.float32))": 108.0,
    "value(np.full((1, 3, 6, 6), 2, np.float32) * p)": 432.0,
    "value(np.full((1, 3, 6, 6), 2, np.float32) - p)": 0.0,
    "value(np.full((1, 3, 6, 6), 3, np.float32) / p)": 162.0,
    "value(ops.add(p, np.float32(1)))": 324.0,
    "value(ops.relu(-1 * np.ones((1, 3, 6, 6), np.float32) * p))": 0.0,
    "ops.add(ops.parameter([2], np.float32), ops.parameter([2], np.int32))": Raises(RuntimeError),
    "ops.matmul(ops.parameter([1, 3]), ops.parameter([2, 3]), False, False)": Raises(RuntimeError),
    "ops.softmax(p)": REFUSED,
    "ops.relu(p, nope=1)": REFUSED,
    "ops.nope(p)": Raises(AttributeError),
    "ops.concat([p, p], axis=1).get_output_shape(0)[1]": 6,
    "list(ops.relu(split.output(1)).shape)": [1, 1, 6, 6],
    'ops.relu(p, name="mine").friendly_name': "mine",
    'ov.Model([relu], [p], "m").friendly_name': "m",
    'ov.Model(relu, [p], "m").friendly_name': "m",
    'ov.Model([relu.output(0)], [p], "m").get_friendly_name()': "m",
    'ov.Model([ops.result(relu)], [p], "m").friendly_name': "m",
    'ov.Model(results=[ops.result(relu)], parameters=[p], name="m").friendly_name': "m",
    'ov.Model([ops.result(relu)], [], [p], "m").friendly_name': "m",
    'ov.Model([relu.output(0)], [], [p], "m").friendly_name': "m",
    'ov.Model(split.outputs(), [p], "m").get_output_size()': 3,
    'ov.Model([relu], [], "m")': Raises(RuntimeError),
    'ov.Model([relu], "m")': REFUSED,
    "ov.Model(3, [p])": REFUSED,
    "[n.get_type_name() for n in ov.Model([relu], [p]).get_ordered_ops()]": [
        "Parameter",
        "Constant",
        "Convolution",
        "Relu",
        "Result",
    ],
    "[i.any_name for i in ov.Model([relu], [p]).inputs]": ["p"],
    '[i.any_name for i in ov.Model([relu], [p, ops.parameter([2], name="q")]).inputs]': ["p", "q"],
    "[o.any_name for o in ov.Model([named(relu)], [p]).outputs]": ["answer"],
    "model_names(ov, ops)": ["first", "last"],
    "compiled_output(ov, relu, p)": ["answer", 0.0],
    "saved_and_read(ov, relu, p, folder)": ["built", "p", ["Convolution", "Parameter", "Relu", "Result"]],
    "reshaped(ov, ops)": [[3, 4], [3, 4]],
    "extended(ov, ops)": [0.0, 6.0],
    "replaced(ov, ops)": [2.0, -4.0],
    "rewired(ov, ops)": [4.0, 7.0],
    "argument_set(ov, ops)": [9.0, 12.0],
    "attribute_set(ov, ops)": 0.5,
    "with_sinks(ov, ops)": [["Assign"], 1, "m"],
    "lenet(ov, ops)": [[1, 10], 9, 0.204],
    "friendly_in_model(ov, ops)": ["after"],
    "same_node_in_two_models(ov, ops)": [[0.0, 2.0], [0.0, 2.0]],
    "evaluated(ov, ops)": [True, [4.0, 6.0]],
    "validated(ops)": [2, 3],
    "sorted(ov.opset1.__dict__)[:0]": [],
    "callable(ov.opset8.slice)": True,
    'hasattr(ov.opset3, "gelu") and hasattr(ov.opset7, "gelu")': True,
    'hasattr(ov.opset1, "gelu")': False,
    "sinks_added(ov, ops)": [1, 0, 0],
}


CPU = {"INFERENCE_PRECISION_HINT": "f32"}


def run(ov: Any, model: Any, *data: Any) -> Any:
    return ov.Core().compile_model(model, "CPU", CPU)(list(data))[0]


def set_names(node: Any) -> list[str]:
    node.output(0).set_names({"a", "b"})
    node.output(0).add_names({"c"})
    return sorted(node.output(0).get_names())


def noted(node: Any) -> Any:
    node.get_rt_info()["note"] = "here"
    return node.get_rt_info()["note"]


def renamed(node: Any) -> list[str]:
    node.set_friendly_name("one")
    first = node.friendly_name
    node.friendly_name = "two"
    return [first, node.get_friendly_name()]


def copied_constant(ops: Any) -> list[float]:
    array = np.zeros(2, np.float32)
    constant = ops.constant(array)
    array[0] = 5
    return list(constant.data)


def typed_later(ov: Any, ops: Any) -> str:
    p = ops.parameter([2])
    p.set_element_type(ov.Type.i32)
    model = ov.Model([ops.abs(p)], [p])
    model.validate_nodes_and_infer_types()
    return str(model.outputs[0].element_type.get_type_name())


def shaped_later(ov: Any, ops: Any) -> list[int]:
    p = ops.parameter([2])
    p.set_partial_shape(ov.PartialShape([5]))
    p.partial_shape = ov.PartialShape([6])
    model = ov.Model([ops.abs(p)], [p])
    model.validate_nodes_and_infer_types()
    return list(model.outputs[0].shape)


def laid_out(ov: Any, ops: Any) -> str:
    p = ops.parameter([1, 3, 4, 4])
    p.set_layout(ov.Layout("NCHW"))
    return str(p.get_layout())


def named(node: Any) -> Any:
    node.output(0).tensor.set_names({"answer"})
    return node


def model_names(ov: Any, ops: Any) -> list[str]:
    """Inputs and outputs without tensor names are found by the names of their nodes."""
    p = ops.parameter([1, 2], name="first")
    model = ov.Model([ops.result(ops.relu(p), name="last")], [p])
    return [model.input("first").any_name, model.output("last").any_name]


def compiled_output(ov: Any, node: Any, p: Any) -> list[Any]:
    node.output(0).set_names({"answer"})
    compiled = ov.Core().compile_model(ov.Model([node], [p]), "CPU", CPU)
    results = compiled({"p": np.full((1, 3, 6, 6), -1, np.float32)})
    return [compiled.output("answer").any_name, round(float(results["answer"].sum()), 2)]


def saved_and_read(ov: Any, node: Any, p: Any, folder: Path) -> list[Any]:
    path = folder / f"built_{ov.__name__}.xml"
    ov.save_model(ov.Model([node], [p], "built"), path)
    again = ov.Core().read_model(path)
    kinds = sorted(n.get_type_name() for n in again.get_ops() if n.get_type_name() not in ("Constant", "Convert"))
    return [again.friendly_name, again.inputs[0].any_name, kinds]


def reshaped(ov: Any, ops: Any) -> list[Any]:
    p = ops.parameter([1, 4], name="p")
    model = ov.Model([ops.softmax(p, 1)], [p])
    model.reshape([3, 4])
    return [list(model.outputs[0].shape), list(run(ov, model, np.zeros((3, 4), np.float32)).shape)]


def extended(ov: Any, ops: Any) -> list[Any]:
    """A model made of another one's nodes and a new one."""
    p = ops.parameter([2], name="p")
    old = ov.Model([ops.relu(p)], [p], "old")
    source = old.get_results()[0].input_value(0)
    new = ov.Model([ops.multiply(source, np.float32(3))], old.get_parameters(), "new")
    return list(run(ov, new, np.array([-1, 2], np.float32)))


def replaced(ov: Any, ops: Any) -> list[Any]:
    """A node's output replaced by another one's."""
    p = ops.parameter([2], name="p")
    relu = ops.relu(p)
    model = ov.Model([ops.multiply(relu, np.float32(2))], [p])
    negative = ops.negative(p)
    for target in relu.output(0).get_target_inputs():
        target.replace_source_output(negative.output(0))
    model.validate_nodes_and_infer_types()
    return list(run(ov, model, np.array([-1, 2], np.float32)))


def rewired(ov: Any, ops: Any) -> list[Any]:
    p = ops.parameter([2], name="p")
    relu = ops.relu(p)
    model = ov.Model([relu], [p])
    relu.input(0).replace_source_output(ops.add(p, np.float32(5)).output(0))
    return list(run(ov, model, np.array([-1, 2], np.float32)))


def argument_set(ov: Any, ops: Any) -> list[Any]:
    p = ops.parameter([2], name="p")
    add = ops.add(p, np.float32(1))
    add.set_argument(1, ops.constant(np.float32(10)).output(0))
    return list(run(ov, ov.Model([add], [p]), np.array([-1, 2], np.float32)))


def attribute_set(ov: Any, ops: Any) -> Any:
    node = ops.elu(ops.parameter([2]), 1.0)
    node.set_attribute("alpha", 0.5)
    return node.get_attributes()["alpha"]


def with_sinks(ov: Any, ops: Any) -> list[Any]:
    p = ops.parameter([1, 2], name="p")
    total = ops.add(ops.read_value(np.zeros((1, 2), np.float32), "v"), p)
    model = ov.Model([ops.result(total)], [ops.assign(total, "v")], [p], "m")
    return [[s.get_type_name() for s in model.get_sinks()], len(model.get_results()), model.friendly_name]


def sinks_added(ov: Any, ops: Any) -> list[Any]:
    p = ops.parameter([1, 2], name="p")
    total = ops.add(ops.read_value(np.zeros((1, 2), np.float32), "v"), p)
    model = ov.Model([ops.result(total)], [p], "m")
    sink = ops.assign(total, "v")
    model.add_sinks([sink])
    found = [len(model.get_sinks()), model.get_sink_index(sink)]
    model.remove_sink(sink)
    return [*found, len(model.get_sinks())]


def lenet(ov: Any, ops: Any) -> list[Any]:
    """A small convolutional network, built with factories and run."""
    rng = np.random.default_rng(1)

    def weights(*shape: int) -> Any:
        return ops.constant(rng.uniform(-0.5, 0.5, shape).astype(np.float32))

    data = ops.parameter([1, 1, 12, 12], np.float32, name="data")
    x = ops.convolution(data, weights(4, 1, 3, 3), [1, 1], [0, 0], [0, 0], [1, 1])
    x = ops.relu(ops.add(x, weights(1, 4, 1, 1)))
    x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], "ceil", None).output(0)
    x = ops.reshape(x, np.array([1, 100]), False)
    x = ops.softmax(ops.matmul(x, weights(10, 100), False, True), 1)
    x.set_friendly_name("digits")
    result = run(ov, ov.Model([x], [data], "lenet"), rng.uniform(0, 1, (1, 1, 12, 12)).astype(np.float32))
    return [list(result.shape), int(result.argmax()), round(float(result.max()), 3)]


def friendly_in_model(ov: Any, ops: Any) -> list[str]:
    """Names given to nodes before and after the model was made."""
    p = ops.parameter([2], name="p")
    relu = ops.relu(p, name="before")
    model = ov.Model([ops.abs(relu)], [p])
    relu.friendly_name = "after"
    return [n.friendly_name for n in model.get_ordered_ops() if n.get_type_name() == "Relu"]


def same_node_in_two_models(ov: Any, ops: Any) -> list[Any]:
    p = ops.parameter([2], name="p")
    relu = ops.relu(p)
    first, second = ov.Model([relu], [p]), ov.Model([ops.abs(relu)], [p])
    data = np.array([-1, 2], np.float32)
    return [list(run(ov, first, data)), list(run(ov, second, data))]


def evaluated(ov: Any, ops: Any) -> list[Any]:
    node = ops.add(ops.parameter([2]), ops.parameter([2]))
    out = ov.Tensor(ov.Type.f32, [2])
    done = node.evaluate([out], [ov.Tensor(np.array([1, 2], np.float32)), ov.Tensor(np.array([3, 4], np.float32))])
    return [done, list(out.data)]


def validated(ops: Any) -> list[int]:
    node = ops.relu(ops.parameter([2, 3]))
    node.validate_and_infer_types()
    return list(node.shape)


def world(ov: Any, folder: Path) -> dict[str, Any]:
    ops = ov.opset13
    p = ops.parameter([1, 3, 6, 6], name="p")
    weights = np.ones((2, 3, 3, 3), np.float32)
    conv = ops.convolution(p, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    relu = ops.relu(conv)
    split = ops.split(p, np.array(1), 3)

    def value(node: Any) -> float:
        """The sum of what a node gives where `p` is all twos."""
        return round(float(run(ov, ov.Model([node], [p]), np.full((1, 3, 6, 6), 2, np.float32)).sum()), 2)

    local = {"p": p, "conv": conv, "relu": relu, "split": split, "value": value, "folder": folder}
    return {**globals(), "ov": ov, "ops": ops, **local}


test_call = checked(CALLS, world)
