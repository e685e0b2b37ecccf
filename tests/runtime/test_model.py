"""Models: shapes, batch, outputs, runtime information, copies; vinoc and OpenVINO alike."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import vinoc
from vinoc.ir.text import parse_graph

A = np.arange(6, dtype=np.float32).reshape(2, 3)
CHAIN = """
graph chain(x: f32[?,3] as ("x", "also_x"), b: f32[3]) -> (y as ("y")) {
  r = ReLU(x)
  y = Add(r, b)
}
"""


@pytest.fixture
def model(ov: Any, tmp_path: Path) -> Any:
    path = tmp_path / "chain.xml"
    vinoc.save_model(vinoc.Model(parse_graph(CHAIN)), path, compress_to_fp16=False)
    return ov.Core().read_model(str(path))


@pytest.fixture
def single(ov: Any, model_files: dict[str, Path]) -> Any:
    return ov.Core().read_model(str(model_files["relu"]))


def shapes(ports: Any) -> list[str]:
    return [str(p.partial_shape) for p in ports]


def test_names_and_facts(ov: Any, model: Any) -> None:
    assert model.friendly_name == model.get_friendly_name() == "chain"
    model.friendly_name = "other"
    assert model.friendly_name == "other"  # of OpenVINO's the other accessors do not see it
    model.set_friendly_name("third")
    assert model.get_friendly_name() == "third"
    assert model.is_dynamic()
    assert model.dynamic
    assert model.get_output_size() == 1
    assert model.get_output_partial_shape(0) == model.output().partial_shape
    assert model.get_output_element_type(0) == ov.Type.f32
    assert (
        repr(model)
        == (
            "<Model: 'third'\ninputs[\n<ConstOutput: names[also_x, x] shape[?,3] type: f32>,\n"
            "<ConstOutput: names[b] shape[3] type: f32>\n]\noutputs[\n<ConstOutput: names[y] shape[?,3] type: f32>\n]>"
        )
        or ov is not vinoc
    )


def test_inputs_and_outputs(model: Any) -> None:
    assert [p.any_name for p in model.inputs] == ["also_x", "b"]
    assert model.input("x") == model.input("also_x") == model.input(0) == model.inputs[0]
    assert model.output() == model.output("y") == model.output(0)
    assert model.input(0).names == {"x", "also_x"}
    for wrong in (model.input, lambda: model.input("z"), lambda: model.output("z")):
        with pytest.raises(RuntimeError):
            wrong()
    with pytest.raises((RuntimeError, IndexError)):
        model.input(5)
    assert model.input(0) != model.input(1)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"x": [2, 3]}, ["[2,3]", "[3]", "[2,3]"]),
        ({"also_x": (4, 3)}, ["[4,3]", "[3]", "[4,3]"]),
        ({0: [5, 3], 1: [3]}, ["[5,3]", "[3]", "[5,3]"]),
        ({"x": "1..4,3"}, ["[1..4,3]", "[3]", "[1..4,3]"]),
        ({"x": [(1, 5), 3]}, ["[1..5,3]", "[3]", "[1..5,3]"]),
        ({"x": [[1, 5], 3]}, ["[1..5,3]", "[3]", "[1..5,3]"]),
        ({"x": [-1, 3]}, ["[?,3]", "[3]", "[?,3]"]),
        ({"x": ["?", 3]}, ["[?,3]", "[3]", "[?,3]"]),
        ({"x": [2, 1]}, ["[2,1]", "[3]", "[2,3]"]),
        ({"x": [6, 2, 3]}, ["[6,2,3]", "[3]", "[6,2,3]"]),
    ],
)
def test_reshape(model: Any, wanted: Any, expected: list[str]) -> None:
    before, after = model.input(0), model.output(0)
    model.reshape(wanted)
    assert shapes([*model.inputs, *model.outputs]) == expected
    assert shapes([before, after]) == [expected[0], expected[2]]  # ports are of the model as it is


def test_reshape_by_port_and_again(ov: Any, model: Any) -> None:
    model.reshape({model.input(0): ov.PartialShape([7, 3])})
    assert model.output().shape == [7, 3]
    assert not model.is_dynamic()
    model.reshape({"x": [1, 3]})
    assert model.output().shape == [1, 3]
    model.reshape({"x": ov.PartialShape([-1, 3])})
    assert model.is_dynamic()
    for wrong, error in (
        ({"x": [2, 4]}, RuntimeError),
        ({"nope": [1, 3]}, RuntimeError),
        ({9: [1, 3]}, (RuntimeError, IndexError)),
        ({1.5: [1]}, TypeError),
        ({"x": 5}, TypeError),
        ([1, 3], RuntimeError),
        (5, TypeError),
    ):
        with pytest.raises(error):
            model.reshape(wrong)


@pytest.mark.parametrize("shape", [[1, 3], (1, 3), "1,3", "[1, 3]"])
def test_reshape_of_the_only_input(ov: Any, single: Any, shape: Any) -> None:
    single.reshape(shape)
    assert single.output().shape == [1, 3]
    single.reshape(ov.PartialShape(shape))
    np.testing.assert_array_equal(ov.compile_model(single, "CPU")(A[:1])[0], A[:1])


def test_the_batch(ov: Any, model: Any) -> None:
    for call in (lambda: ov.get_batch(model), lambda: ov.set_batch(model, 2)):
        with pytest.raises(RuntimeError):
            call()
    model.get_parameters()[0].set_layout(ov.Layout("NC"))
    assert ov.get_batch(model) == -1
    ov.set_batch(model, 4)
    assert ov.get_batch(model) == 4
    assert shapes([*model.inputs, *model.outputs]) == ["[4,3]", "[3]", "[4,3]"]
    ov.set_batch(model, ov.Dimension(1, 5))
    assert model.input(0).partial_shape[0] == ov.Dimension(1, 5)
    ov.set_batch(model)
    assert model.input(0).partial_shape[0].is_dynamic
    assert ov.get_batch(model.clone()) == -1
    with pytest.raises(TypeError):
        ov.set_batch(model, "x")


def test_outputs_are_added(model: Any) -> None:
    name = model.get_ordered_ops()[2].output(0).any_name
    (added,) = model.add_outputs(name)
    assert added.any_name == name
    assert [p.any_name for p in model.outputs] == ["y", name]
    for again in (name, [name], (model.get_ordered_ops()[2].friendly_name, 0), model.get_ordered_ops()[2].output(0)):
        assert model.add_outputs(again)[0].any_name == name
    assert len(model.outputs) == 2
    for wrong, error in (("nope", RuntimeError), (5, TypeError)):
        with pytest.raises(error):
            model.add_outputs(wrong)
    model.remove_result(model.results[-1])
    assert [p.any_name for p in model.outputs] == ["y"]
    assert model.get_result_index(model.results[0]) == model.get_result_index(model.output()) == 0
    assert model.get_parameter_index(model.parameters[1]) == 1
    assert model.result.friendly_name == model.get_result().friendly_name == model.get_output_op(0).friendly_name
    model.validate_nodes_and_infer_types()


def test_what_is_added_is_computed(ov: Any, model: Any) -> None:
    model.add_outputs(model.get_ordered_ops()[2].output(0))
    y, r = ov.compile_model(model, "CPU")([-A, np.ones(3, np.float32)]).to_tuple()
    np.testing.assert_array_equal(r, np.maximum(-A, 0))
    np.testing.assert_array_equal(y, np.maximum(-A, 0) + 1)


def test_runtime_information(ov: Any, model: Any, tmp_path: Path) -> None:
    model.set_rt_info("1", "a")
    model.set_rt_info(5, ["b", "c"])
    model.set_rt_info([1, 2, 3], ["b", "l"])
    model.set_rt_info(["x", "y"], ["b", "words"])
    model.set_rt_info(True, ["b", "t"])
    assert model.get_rt_info("a") == "1"
    assert model.get_rt_info("a").value == "1"
    assert model.get_rt_info(["b", "c"]).value == model.get_rt_info(["b", "c"]).get() == 5
    assert model.get_rt_info(["b", "c"]).astype(str) == "5"
    assert model.get_rt_info(["b", "l"])[1] == 2
    assert model.has_rt_info(["b", "c"])
    assert not model.has_rt_info("c")
    assert "b" in model.rt_info
    assert model.rt_info["a"].value == "1"
    with pytest.raises(RuntimeError):
        model.get_rt_info("zz")
    assert model.clone().get_rt_info(["b", "c"]).value == 5
    ov.save_model(model, str(tmp_path / "saved.xml"))
    for reader in (ov, vinoc):
        back = reader.Core().read_model(str(tmp_path / "saved.xml"))
        assert back.get_rt_info(["b", "c"]).value == "5"
        assert back.get_rt_info(["b", "c"]).astype(int) == 5
        assert back.get_rt_info(["b", "l"]).aslist(int) == [1, 2, 3]
        assert back.get_rt_info(["b", "words"]).aslist(str) == ["x", "y"]
        assert back.get_rt_info(["b", "t"]).astype(bool) is True
        assert back.get_rt_info("b").value["c"] == "5"
        assert back.rt_info["b"]["c"].value == "5"
    with pytest.raises(RuntimeError):
        ov.OVAny("x").astype(int)


def test_copies(model: Any) -> None:
    for made in (model.clone(), copy.deepcopy(model)):
        made.reshape({"x": [1, 3]})
        made.friendly_name = "copy"
        made.add_outputs(made.get_ordered_ops()[2].output(0))
        assert (len(made.outputs), len(model.outputs)) == (2, 1)
    assert model.friendly_name == "chain"
    assert model.is_dynamic()
    with pytest.raises(TypeError):
        copy.copy(model)


def test_a_model_is_evaluated_by_definition(ov: Any, model: Any) -> None:
    model.reshape({"x": [2, 3]})
    out = ov.Tensor(ov.Type.f32, [2, 3])
    assert model.evaluate([out], [ov.Tensor(-A), ov.Tensor(np.ones(3, np.float32))])
    np.testing.assert_array_equal(out.data, np.maximum(-A, 0) + 1)


def test_variables(ov: Any, model_files: dict[str, Path]) -> None:
    model = ov.Core().read_model(str(model_files["counter"]))
    (variable,) = model.get_variables()
    assert variable.info.variable_id == model.variables[0].get_info().variable_id == "v"
    assert variable.info.data_shape == [1]
    assert variable.info.data_type == ov.Type.f32
    assert model.get_variable_by_id("v").info.variable_id == "v"
    assert len(model.get_sinks()) == len(model.sinks) == 1


def test_names_of_ports_are_changed(ov: Any, model: Any) -> None:
    model.input(0).set_names({"k"})
    assert model.input(0).names == {"k"}
    model.input("k").add_names({"k2"})
    assert model.input("k2").names == {"k", "k2"}
    compiled = ov.compile_model(model, "CPU")
    np.testing.assert_array_equal(compiled({"k2": A, "b": np.zeros(3, np.float32)})["y"], A)


# vinoc alone


def made(text: str) -> vinoc.Model:
    return vinoc.Model(parse_graph(text))


def test_a_failed_reshape_changes_nothing() -> None:
    model = made(CHAIN)
    with pytest.raises(vinoc.UsageError, match=r"input 'x' cannot be f32\[2,4\](.|\n)*Add"):
        model.reshape({"x": [2, 4]})
    assert shapes(model.inputs) == ["[?,3]", "[3]"]
    with pytest.raises(vinoc.UsageError, match="did you mean 'also_x'"):
        model.reshape({"alsox": [1, 3]})
    with pytest.raises(vinoc.UsageError, match="needs a rank"):
        model.reshape({"x": "..."})
    with pytest.raises(vinoc.UsageError, match=r"input 'x'|'x' f32.*layout \[...\](.|\n)*set_layout"):
        model.get_batch()
    with pytest.raises(vinoc.UsageError, match="did you mean 'r'"):
        model.add_outputs("rr")
    model.set_rt_info(1, "a")
    with pytest.raises(vinoc.UsageError, match=r"there is: a"):
        model.get_rt_info("b")
    assert not model.has_rt_info(["a", "c"])


def test_open_dimensions_stay_known_to_be_equal() -> None:
    model = made("graph two(x: f32[1,3], y: f32[1,3]) -> (z) {\n  z = Concat(x, y) {axis=0}\n}\n")
    model.reshape({"x": [-1, 3], "y": [(1, 4), 3]})
    assert str(model.output().partial_shape) == "[1..,3]"
    assert "x_0_" in str(model.output().type)
    model.reshape({"x": [2, 3], "y": [3, 3]})
    for parameter in model.parameters:
        parameter.set_layout(vinoc.Layout("NC"))
    with pytest.raises(vinoc.UsageError, match="not have one batch"):
        vinoc.get_batch(model)


def test_variables_get_other_shapes() -> None:
    model = made(
        "graph c(x: f32[1,2]) -> (y) {\n  r = ReadValue(x) {variable_id=v, variable_type=f32, variable_shape=[1,2]}\n"
        "  y = Add(r, x)\n  a = Assign(y) {variable_id=v}\n}\n"
    )
    with pytest.raises(vinoc.UsageError, match="no variable 'w'"):
        model.reshape({"x": [1, 2]}, {"w": [1]})
    with pytest.raises(vinoc.UsageError, match=r"variable 'v' cannot be \[3\]"):
        model.reshape([1, 2], {"v": [3]})


def test_results_and_parameters_come_and_go() -> None:
    model = made(CHAIN)
    relu = model.get_ordered_ops()[2]
    model.add_results([vinoc.op.Result(relu)])
    assert len(model.outputs) == 2
    model.add_parameters([vinoc.op.Parameter(vinoc.Type.f32, [3])])
    assert len(model.inputs) == 3
    model.remove_parameter(model.parameters[2])
    with pytest.raises(vinoc.VinocError, match="in use"):
        model.remove_parameter(model.parameters[0])
    with pytest.raises(vinoc.UsageError, match="2 outputs"):
        model.get_result()
    assert model.get_parameter_index(vinoc.op.Parameter(vinoc.Type.f32, [3])) == -1
    with pytest.raises(TypeError):
        model.remove_result(5)


def test_results_are_found_by_ports_of_the_model() -> None:
    model = made(CHAIN)
    compiled = vinoc.compile_model(model)
    request = compiled.create_infer_request()
    x, b = model.inputs
    results = request.infer({x: A, b: np.zeros(3, np.float32)})
    np.testing.assert_array_equal(results[model.output()], A)
    assert request.get_tensor(model.output("y")).shape == [2, 3]
    assert request.get_tensor(x).shape == [2, 3]
    copied = model.clone()
    np.testing.assert_array_equal(results[copied.output()], A)


HEAD = """
graph head(x: f32[1,2,4,4]) -> (y) {{
  s = Constant() : i64[3] = {}
  r = Reshape(x, s) {{special_zero=false}}
  y = ReLU(r)
}}
"""


def test_shapes_in_the_file_mean_what_they_say(ov: Any, tmp_path: Path) -> None:
    vinoc.save_model(made(HEAD.format([1, -1, 8])), tmp_path / "head.xml")
    model = ov.Core().read_model(str(tmp_path / "head.xml"))
    model.reshape([3, 2, 4, 4])
    assert model.output().shape == [1, 12, 8]


def test_shapes_that_cannot_be_meant_follow_the_batch() -> None:
    model = made(HEAD.format([1, 4, 8]))
    model.reshape([3, 2, 4, 4])
    assert model.output().shape == [3, 4, 8]
    x = np.arange(96, dtype=np.float32).reshape(3, 2, 4, 4)
    np.testing.assert_array_equal(vinoc.compile_model(model)(x)[0], x.reshape(3, 4, 8))
    model.reshape([-1, 2, 4, 4])
    assert str(model.output().partial_shape) == "[?,4,8]"
    model = made(HEAD.format([1, 4, 8]))
    model.reshape([-1, 2, 4, 4])  # that one alone fits is not contradicted
    model.reshape([3, 2, 4, 4])
    assert model.output().shape == [3, 4, 8]
    text = "graph g(x: f32[2,3,4]) -> (y) {\n  s = Constant() : i64[2] = [6,-1]\n  y = Reshape(x, s)\n}\n"
    model = made(text)
    with pytest.raises(vinoc.UsageError, match=r"(?s)cannot be f32\[5,1,1\].*Reshape"):
        model.reshape([5, 1, 1])
    assert model.output().shape == [6, 4]


def test_numbers_have_no_batch() -> None:
    """A Reshape of a number to one element is not taken for one of a batch of one."""
    text = """graph g(x: f32[1,3]) -> (y) {
      axes = Constant() : i64[2] = [0,1]
      sum = ReduceSum(x, axes) {keep_dims=false}
      s = Constant() : i64[1] = [1]
      y = Reshape(sum, s)
    }"""
    model = made(text)
    model.reshape([2, 3])
    assert model.output().shape == [1]
    model.reshape([-1, 3])
    assert model.output().shape == [1]


def test_shapes_that_the_model_computes_follow_the_batch(ov: Any, tmp_path: Path) -> None:
    """Reading makes them constants for vinoc; they are not taken for those of the file."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["t"], axis=0),
        helper.make_node("Reshape", ["x", "t"], ["y"]),
    ]
    values = [onnx.numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("zero", [0]), ("rest", [-1, 8]))]
    graph = helper.make_graph(nodes, "net", [x], [y], values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    model = ov.Core().read_model(str(tmp_path / "m.onnx"))
    for batch in (3, 1, 5):
        model.reshape([batch, 2, 4, 4])
        assert model.output().shape == [batch, 4, 8]
    model.reshape([-1, 2, 4, 4])
    assert model.output().partial_shape[0].is_dynamic
    x = np.arange(64, dtype=np.float32).reshape(2, 2, 4, 4)
    np.testing.assert_array_equal(ov.compile_model(model, "CPU")(x)[0], x.reshape(2, 4, 8))
