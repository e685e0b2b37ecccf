"""`Model`: ports, nodes, reshaping, batch, copies, added and removed outputs, rt_info."""

# a call stands in one piece

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from .calls import REFUSED, Raises, checked

CALLS: dict[str, Any] = {
    "one(ov).friendly_name": "one",
    "one(ov).get_friendly_name()": "one",
    "renamed(model)": "second",
    "isinstance(model.name, str)": True,
    "isinstance(model.get_name(), str)": True,
    "[i.any_name for i in model.inputs]": ["data"],
    "[o.any_name for o in model.outputs]": ["features", "prob"],
    "model.input().any_name": "data",
    'model.input("data").any_name': "data",
    "model.input(0).any_name": "data",
    'model.output("prob").any_name': "prob",
    "model.output(1).any_name": "prob",
    'model.output("nope")': Raises(RuntimeError),
    "model.output(7)": REFUSED,
    "model.output()": Raises(RuntimeError),
    "list(model.input(0).shape)": [1, 3, 4, 4],
    "list(model.input(0).get_shape())": [1, 3, 4, 4],
    "str(model.output(0).partial_shape)": "[1,2,4,4]",
    "str(model.output(1).get_partial_shape())": "[1,2]",
    "model.input(0).element_type == ov.Type.f32": True,
    "model.input(0).get_element_type().get_type_name()": "f32",
    "model.input(0).get_names()": {"data"},
    "model.input(0).names": {"data"},
    "model.input(0).get_index()": 0,
    "model.output(1).get_index()": 0,
    "model.input(0).get_node().get_type_name()": "Parameter",
    "model.output(0).get_node().get_type_name()": "Result",
    "model.output(0).node.get_type_name()": "Result",
    "model.input(0).get_node().get_friendly_name()": "data",
    "sorted(n.get_type_name() for n in one(ov).get_ops())": ["Parameter", "Relu", "Result"],
    "[n.get_type_name() for n in one(ov).get_ordered_ops()]": ["Parameter", "Relu", "Result"],
    "len(model.get_ops()) == len(model.get_ordered_ops())": True,
    "[p.friendly_name for p in model.get_parameters()]": ["data"],
    "[p.get_friendly_name() for p in model.parameters]": ["data"],
    "len(model.get_results())": 2,
    "len(model.results)": 2,
    "model.get_result().get_type_name()": Raises(RuntimeError),
    "one(ov).get_result().get_type_name()": "Result",
    "model.get_sinks()": [],
    "model.sinks": [],
    "model.get_variables()": [],
    "model.is_dynamic()": False,
    "model.dynamic": False,
    "dynamic.is_dynamic()": True,
    "model.get_output_size()": 2,
    "list(model.get_output_shape(0))": [1, 2, 4, 4],
    "str(model.get_output_partial_shape(1))": "[1,2]",
    "model.get_output_element_type(0) == ov.Type.f32": True,
    "model.get_output_op(0).get_type_name()": "Result",
    "model.get_parameter_index(model.get_parameters()[0])": 0,
    "model.get_result_index(model.get_results()[1])": 1,
    "model.get_result_index(model.output(1))": 1,
    "reshaped(model, [2, 3, 4, 4])": ["[2,3,4,4]", "[2,2,4,4]", "[2,2]"],
    'reshaped(model, {"data": [2, 3, 4, 4]})': ["[2,3,4,4]", "[2,2,4,4]", "[2,2]"],
    "reshaped(model, {0: [2, 3, 4, 4]})": ["[2,3,4,4]", "[2,2,4,4]", "[2,2]"],
    "reshaped(model, {model.input(0): ov.PartialShape([2, 3, 4, 4])})": ["[2,3,4,4]", "[2,2,4,4]", "[2,2]"],
    "reshaped(model, ov.PartialShape([-1, 3, 4, 4]))": ["[?,3,4,4]", "[?,2,4,4]", "[?,2]"],
    'reshaped(model, {"data": "?,3,4,4"})': ["[?,3,4,4]", "[?,2,4,4]", "[?,2]"],
    'reshaped(model, "1..4,3,4,4")': ["[1..4,3,4,4]", "[1..4,2,4,4]", "[1..4,2]"],
    "reshaped(model, (5, 3, 2, 2))": ["[5,3,2,2]", "[5,2,2,2]", "[5,2]"],
    "reshaped(model, [(1, 3), 3, 4, 4])": ["[1..3,3,4,4]", "[1..3,2,4,4]", "[1..3,2]"],
    'reshaped(model, {"data": [ov.Dimension(1, 3), 3, 4, 4]})': ["[1..3,3,4,4]", "[1..3,2,4,4]", "[1..3,2]"],
    "model.reshape([1, 2, 4, 4])": Raises(RuntimeError),
    'model.reshape({"nope": [1, 3, 4, 4]})': Raises(RuntimeError),
    "model.reshape({7: [1, 3, 4, 4]})": REFUSED,
    'reshaped(two, {"x": [3, 2], 1: [3, 2]})': ["[3,2]", "[3,2]", "[3,2]"],
    "two.reshape([3, 2])": Raises(RuntimeError),
    "batch(ov, model)": 1,
    "batch_set(ov, model, 4)": ["[4,3,4,4]", "[4,2,4,4]", "[4,2]"],
    "batch_set(ov, model, ov.Dimension(-1))": ["[?,3,4,4]", "[?,2,4,4]", "[?,2]"],
    "batch_without_layout(ov, two)": Raises(RuntimeError),
    "cloned(model)": [[1, 3, 4, 4], [2, 3, 4, 4], True],
    "copied(ov, model)": [True, 2],
    "deep_copied(model)": [1, 3, 4, 4],
    "type(model.clone()).__name__": "Model",
    '[o.any_name for o in added(model, "conv_out")]': ["conv_out"],
    '[o.any_name for o in added(model, ["conv_out"])]': ["conv_out"],
    '[o.any_name for o in added(model, [("conv", 0)])]': ["conv_out"],
    '[o.any_name for o in added(model, ("conv", 0))]': ["conv_out"],
    '[o.any_name for o in added(model, [of_type(model, "Convolution").output(0)])]': ["conv_out"],
    'model.add_outputs("nope")': Raises(RuntimeError),
    'model.add_outputs(("nope", 0))': Raises(RuntimeError),
    'model.add_outputs(("conv", 5))': Raises(RuntimeError),
    'len(model.add_outputs(["prob"]))': 1,
    "type(model.get_rt_info()).__name__": "RTMap",
    "rt_info(model)": [True, "dog"],
    "rt_info_path(model)": [True, "42", False],
    'model.has_rt_info("nope")': False,
    'model.get_rt_info("nope")': Raises(RuntimeError),
    "removed_result(model)": ["prob"],
    "added_result(ov, model)": [3, 2, [1, 2, 4, 4]],
    "replaced_parameter(ov, model)": ["new", [2, 2, 4, 4]],
    "removed_parameter(ov)": 1,
    "names_set(model)": ["picture", "chance", ["picture"]],
    "names_added(model)": [["data", "picture"], ["data", "picture"]],
    "layouts(ov, model)": ["[N,C,H,W]", "[N,C,H,W]", "[N,...]"],
    "evaluated(ov)": [True, [[0.0, 2.0]]],
    "model.validate_nodes_and_infer_types()": None,
    "repr(one(ov)).splitlines()[0]": "<Model: 'one'",
    "with_model(ov, onnx)": 2,
    "model == model": True,
    'model.get_variable_by_id("nope")': None,
    'model.inputs[0] == model.input("data")': True,
    "results_known(ov)": [["b", "[N,H,W,C]"], ["c", "[N,...]"], "[N,...]"],
}


def renamed(model: Any) -> str:
    model.set_friendly_name("second")
    return str(model.get_friendly_name())


def one(ov: Any) -> Any:
    """A model with one output."""
    ops = ov.opset13
    x = ops.parameter([1, 2], name="x")
    return ov.Model([ops.relu(x, name="r")], [x], "one")


def of_type(model: Any, kind: str) -> Any:
    return next(n for n in model.get_ops() if n.get_type_name() == kind)


def reshaped(model: Any, shape: Any) -> list[str]:
    model.reshape(shape)
    return [str(p.partial_shape) for p in (*model.inputs, *model.outputs)]


def batch(ov: Any, model: Any) -> int:
    model.get_parameters()[0].set_layout(ov.Layout("NCHW"))
    return int(ov.get_batch(model).get_length())


def batch_set(ov: Any, model: Any, size: Any) -> list[str]:
    model.get_parameters()[0].set_layout(ov.Layout("NCHW"))
    ov.set_batch(model, size)
    return [str(p.partial_shape) for p in (*model.inputs, *model.outputs)]


def batch_without_layout(ov: Any, model: Any) -> Any:
    return ov.get_batch(model)


def cloned(model: Any) -> list[Any]:
    copy = model.clone()
    copy.reshape([2, 3, 4, 4])
    return [list(model.input(0).shape), list(copy.input(0).shape), copy.friendly_name == model.friendly_name]


def copied(ov: Any, model: Any) -> list[Any]:
    copy = ov.Model(model)
    return [copy.friendly_name == model.friendly_name, len(copy.outputs)]


def deep_copied(model: Any) -> list[int]:
    copy = deepcopy(model)
    copy.reshape([2, 3, 4, 4])
    return list(model.input(0).shape)


def added(model: Any, what: Any) -> Any:
    return model.add_outputs(what)


def rt_info(model: Any) -> list[Any]:
    model.set_rt_info("dog", "animal")
    return [model.has_rt_info("animal"), model.get_rt_info("animal").astype(str)]


def rt_info_path(model: Any) -> list[Any]:
    model.set_rt_info("42", ["answers", "life"])
    path = ["answers", "life"]
    return [model.has_rt_info(path), model.get_rt_info(path).astype(str), model.has_rt_info(["answers", "death"])]


def removed_result(model: Any) -> list[str]:
    model.remove_result(model.get_results()[0])
    return [o.any_name for o in model.outputs]


def results_known(ov: Any) -> list[Any]:
    """Names and layouts of Results stay theirs when one before them is removed, and when they share a node."""
    ops = ov.opset13
    x = ops.parameter([1, 3, 4, 4], name="x")
    y = ops.relu(x)
    results = [ops.result(v, name=n) for v, n in ((y, "a"), (y, "b"), (x, "c"))]
    for result, layout in zip(results, ("NCHW", "NHWC", "N..."), strict=True):
        result.set_layout(ov.Layout(layout))
    model = ov.Model(results, [x], "m")
    model.remove_result(results[0])
    found = [[r.friendly_name, str(r.layout)] for r in model.get_results()]
    return [*found, str(model.get_parameters()[0].layout)]


def added_result(ov: Any, model: Any) -> list[Any]:
    result = ov.opset13.result(of_type(model, "Convolution"), name="extra")
    model.add_results([result])
    return [len(model.outputs), model.get_result_index(result), list(model.outputs[2].shape)]


def replaced_parameter(ov: Any, model: Any) -> list[Any]:
    new = ov.opset13.parameter([2, 3, 4, 4], name="new")
    model.replace_parameter(0, new)
    model.validate_nodes_and_infer_types()
    return [model.get_parameters()[0].friendly_name, list(model.outputs[0].shape)]


def removed_parameter(ov: Any) -> int:
    ops = ov.opset13
    x, unused = ops.parameter([2], name="x"), ops.parameter([3], name="unused")
    model = ov.Model([ops.relu(x)], [x, unused])
    model.remove_parameter(unused)
    return len(model.inputs)


def names_set(model: Any) -> list[Any]:
    model.input(0).set_names({"picture"})
    model.outputs[1].tensor.set_names({"chance"})
    return [model.input("picture").any_name, model.output("chance").any_name, sorted(model.input(0).names)]


def names_added(model: Any) -> list[Any]:
    model.input(0).add_names({"picture"})
    return [sorted(model.input("picture").get_names()), sorted(model.input(0).tensor.names)]


def layouts(ov: Any, model: Any) -> list[str]:
    parameter, result = model.get_parameters()[0], model.get_results()[0]
    parameter.layout = ov.Layout("NCHW")
    result.set_layout(ov.Layout("N..."))
    return [str(parameter.get_layout()), str(model.get_parameters()[0].layout), str(result.layout)]


def evaluated(ov: Any) -> list[Any]:
    output = ov.Tensor(ov.Type.f32, [1, 2])
    done = one(ov).evaluate([output], [ov.Tensor(np.array([[-1, 2]], np.float32))])
    return [bool(done), output.data.tolist()]


def with_model(ov: Any, path: Path) -> int:
    with ov.Core().read_model(path) as model:
        return len(model.outputs)


def world(ov: Any, folder: Path) -> dict[str, Any]:
    core = ov.Core()
    read = {"model": "net.onnx", "two": "two.onnx", "dynamic": "two.onnx"}
    return {
        **globals(),
        "ov": ov,
        "onnx": folder / "net.onnx",
        **{k: core.read_model(folder / v) for k, v in read.items()},
    }


test_call = checked(CALLS, world)
