"""`vinoc.Core` and what it gives: reading, compiling, calling, results, clear refusals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import vinoc
from vinoc.ir.text import parse_graph

TWO = """
graph two(a: f32[N,3] as ("a", "alias"), n: i64[N]) -> (s as ("sum"), t as ("twice", "double")) where N in 1..8 {
  f = Convert(n) {destination_type=f32}
  k = Constant() : i64[2] = [-1,1]
  r = Reshape(f, k) {special_zero=false}
  s = Add(a, r)
  t = Add(s, s)
}
"""
ONE = """
graph one(x: f32[2]) -> (y) {
  y = ReLU(x)
}
"""


def compiled(text: str) -> vinoc.CompiledModel:
    return vinoc.compile_model(vinoc.Model(parse_graph(text)))


@pytest.fixture
def two() -> vinoc.CompiledModel:
    return compiled(TWO)


A = np.arange(6, dtype=np.float32).reshape(2, 3)
N = np.array([10, 20], np.int64)
SUM = A + np.array([[10], [20]], np.float32)


@pytest.mark.parametrize(
    "inputs",
    [{"a": A, "n": N}, {"alias": A, 1: N}, {0: A, 1: N}, [A, N], (A, N), {"a": A.tolist(), "n": [10, 20]}],
    ids=["names", "alias and index", "indices", "list", "tuple", "lists"],
)
def test_inputs_by_name_index_and_position(two: vinoc.CompiledModel, inputs: Any) -> None:
    np.testing.assert_array_equal(two(inputs)["sum"], SUM)


def test_inputs_by_port(two: vinoc.CompiledModel) -> None:
    np.testing.assert_array_equal(two({two.input("n"): N, two.input(0): A})[0], SUM)


def test_ports_of_the_model_work_on_what_is_compiled() -> None:
    model = vinoc.Model(parse_graph(TWO))
    result = vinoc.compile_model(model)(dict(zip(model.inputs, [A, N])))
    np.testing.assert_array_equal(result[model.output("twice")], 2 * SUM)


def test_results_by_name_index_and_port(two: vinoc.CompiledModel) -> None:
    result = two([A, N])
    for key in ("twice", "double", 1, -1, two.output("double"), two.outputs[1]):
        np.testing.assert_array_equal(result[key], 2 * SUM)
    assert list(result) == two.outputs
    assert [v.shape for v in result.values()] == [(2, 3), (2, 3)]
    assert [k.any_name for k, _ in result.items()] == ["sum", "double"]  # the first of the names, sorted
    assert result.names() == ({"sum"}, {"twice", "double"})
    assert list(result.to_dict()) == two.outputs
    assert len(result.to_tuple()) == len(result) == 2
    assert result.get("nothing") is None
    assert "sum" in result
    with pytest.raises(KeyError):
        result["twic"]
    with pytest.raises(vinoc.UsageError, match=r"did you mean 'twice'\?"):
        result["twic"]
    with pytest.raises(KeyError):
        result[2]


def test_a_single_array_and_a_single_output() -> None:
    model = compiled(ONE)
    np.testing.assert_array_equal(model(np.array([-1, 2], np.float32))["y"], [0, 2])
    assert model.input().any_name == "x"
    assert model.output().get_any_name() == "y"


def test_ports_tell_names_shapes_and_types(two: vinoc.CompiledModel) -> None:
    a, n = two.inputs
    assert (a.names, a.any_name, a.get_names()) == ({"a", "alias"}, "a", {"a", "alias"})
    assert str(a.partial_shape) == "[1..8,3]"
    assert str(a.type) == "f32[N,3]"
    assert (a.partial_shape.is_dynamic, a.partial_shape.rank, a.partial_shape[1]) == (True, 2, 3)
    assert (a.partial_shape.get_min_shape(), a.partial_shape.get_max_shape()) == ([1, 3], [8, 3])
    with pytest.raises(vinoc.VinocError, match="dynamic"):
        _ = a.shape
    assert (a.element_type, n.element_type) == (vinoc.Type.f32, vinoc.Type("i64"))
    assert n.element_type == "i64"
    assert n.element_type.to_dtype() == np.int64
    assert compiled(ONE).input().shape == (2,)
    with pytest.raises(vinoc.UsageError, match="2 inputs"):
        two.input()
    with pytest.raises(vinoc.UsageError, match="no output 7"):
        two.output(7)


def test_shapes_and_types_from_plain_values() -> None:
    assert vinoc.PartialShape([1, -1, "?", (2, 5)]) == [1, -1, -1, (2, 5)]
    assert vinoc.PartialShape([1, 2]).to_shape() == (1, 2)
    assert vinoc.PartialShape(None).rank.is_dynamic
    assert vinoc.Type(np.float16) == vinoc.Type.f16
    with pytest.raises(vinoc.UsageError):
        vinoc.PartialShape(["x"])
    with pytest.raises(vinoc.VinocError):
        vinoc.Type("f33")


@pytest.mark.parametrize(
    ("value", "dtype"),
    [([1, 2], None), ([True, False], None), (np.array([1, 2], np.uint8), None), ([1.5, 2.5], None),
     (np.array([1, 2]), np.float64), (np.array([1, 2], ">f4"), None), (np.arange(4, dtype=np.float32)[::2], None)],
)  # fmt: skip
def test_values_are_converted_where_nothing_is_lost(value: Any, dtype: Any) -> None:
    array = np.asarray(value, dtype)
    result = compiled(ONE)({"x": value if dtype is None else array})[0]
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.maximum(array.astype(np.float64), 0))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"a": A}, "input 'n' is not given"),
        ({"a": A, "m": N}, "no input 'm'"),
        ({"aa": A, "n": N}, "no input 'aa'"),
        ({"a": A, "n": N, 0: A}, "input 'a' is given twice"),
        ({"a": A, "n": N, 2: A}, "no input 2"),
        ({"a": A, 1.5: N}, "not by float"),
        ([A], "1 inputs are given, the model has 2"),
        (A, "one array is given, the model has 2 inputs"),
        (None, "are not given"),
        ({"a": A[0], "n": N}, r"expected f32\[N,3\] \(rank 2\), got float32\[3\]"),
        ({"a": A[:, :2], "n": N}, r"got float32\[2,2\]: dimension 1 must be 3"),
        ({"a": np.zeros((9, 3), np.float32), "n": N}, r"dimension 0 must be N \(1 to 8\)"),
        ({"a": A, "n": (N + 0.5).astype(np.float32)}, "converting f32 to i64 would change values"),
        ({"a": A + 1j, "n": N}, "converting c64 to f32"),
        ({"a": A, "n": np.array([1 << 63], np.uint64)}, "converting u64 to i64"),
        ({"a": A, "n": None}, "got None"),
        ({"a": [["x"] * 3] * 2, "n": N}, "input 'a'"),
        ({"a": [[1, 2, 3], [1]], "n": N}, "input 'a'"),
    ],
)
def test_what_does_not_fit_is_refused(two: vinoc.CompiledModel, inputs: Any, message: str) -> None:
    with pytest.raises(vinoc.UsageError, match=message):
        two(inputs)


def test_symbols_must_agree(two: vinoc.CompiledModel) -> None:
    with pytest.raises(vinoc.VinocError):
        two([A, np.array([1, 2, 3])])


def test_sequences_and_optionals() -> None:
    model = compiled("graph s(x: seq<f32[2]>, o: optional<f32[2]>) -> (x, o) {\n}")
    sequence, nothing = model({"x": [np.zeros(2), [1, 2]]}).to_tuple()
    assert [v.dtype for v in sequence] == [np.float32, np.float32]
    assert nothing is None
    np.testing.assert_array_equal(model([[], [3, 4]])[1], [3, 4])
    with pytest.raises(vinoc.UsageError, match="a list of values"):
        model([np.zeros(2), None])


STATE = """
graph counter(x: f32[1]) -> (y) {
  z = Constant() : f32[1] = [0]
  r = ReadValue(z) {variable_id=v, variable_type=f32, variable_shape=[1]}
  y = Add(r, x)
  a = Assign(y) {variable_id=v}
}
"""


def test_state_belongs_to_a_request() -> None:
    model = compiled(STATE)
    one = np.ones(1, np.float32)
    assert [float(model(one)[0][0]) for _ in range(3)] == [1, 2, 3]
    request = model.create_infer_request()
    assert len(request.results) == 0
    assert float(request.infer(one)["y"][0]) == 1
    assert float(request.infer({"x": one})["y"][0]) == 2
    assert float(request.results[0][0]) == 2
    assert float(model.infer_new_request(one)[0][0]) == 1
    request.reset_state()
    assert float(request.infer(one)["y"][0]) == 1
    model.reset_state()
    assert float(model(one)[0][0]) == 1


def test_results_and_inputs_may_be_changed_in_place() -> None:
    text = "graph g(x: f32[1]) -> (x, k) {\n  k = Constant() : f32[2] = [1,2]\n}"
    x = np.ones(1, np.float32)
    model = compiled(text)
    model(x)[0][0] = 7
    model(x)[1][:] = 7
    assert x[0] == 1
    np.testing.assert_array_equal(model(x)[1], [1, 2])
    counter = compiled(STATE)
    counter(x)[0][0] = 7
    assert float(counter(x)[0][0]) == 2
    keeps = compiled(STATE.replace("Assign(y)", "Assign(x)"))
    keeps(x)
    x[0] = 50
    assert float(keeps(np.zeros(1, np.float32))[0][0]) == 1


@pytest.fixture
def onnx_model(tmp_path: Path) -> Path:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])
    nodes = [helper.make_node("Neg", ["x"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
    graph = helper.make_graph(nodes, "net", [x], [y])
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("form", ["path", "str", "bytes", "model", "model of bytes"])
def test_models_come_from_files_and_bytes(onnx_model: Path, form: str) -> None:
    core = vinoc.Core()
    source: Any = {
        "path": onnx_model,
        "str": str(onnx_model),
        "bytes": onnx_model.read_bytes(),
        "model": core.read_model(onnx_model),
        "model of bytes": core.read_model(onnx_model.read_bytes()),
    }[form]
    model = core.compile_model(source, "CPU", {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"})
    np.testing.assert_array_equal(model({"x": [[1, -2]]})["y"], [[0, 2]])


def test_compiling_does_not_change_the_model(onnx_model: Path) -> None:
    model = vinoc.read_model(onnx_model)
    before = str(model.graph)
    vinoc.compile_model(model)
    vinoc.save_model(model, onnx_model.with_suffix(".xml"))
    assert str(model.graph) == before
    assert model.is_dynamic()
    assert model.clone().graph is not model.graph


@pytest.mark.parametrize("half", [True, False])
def test_save_and_read_again(tmp_path: Path, half: bool) -> None:
    text = "graph g(x: f32[3]) -> (y) {\n  w = Constant() : f32[3] = [1.00001, 2, 3]\n  y = Multiply(x, w)\n}"
    path = tmp_path / "m.xml"
    vinoc.save_model(vinoc.Model(parse_graph(text)), path, compress_to_fp16=half)
    expected = np.array([1.0 if half else 1.00001, 2, 3], np.float32)
    model = vinoc.Core().read_model(path)
    np.testing.assert_array_equal(vinoc.compile_model(model)(np.ones(3))["y"], expected)
    xml, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    path.unlink()
    path.with_suffix(".bin").unlink()
    again = vinoc.Core().read_model(xml, weights)
    np.testing.assert_array_equal(vinoc.compile_model(again)(np.ones(3))["y"], expected)


def test_saving_elsewhere_fails_clearly(tmp_path: Path) -> None:
    model = vinoc.Model(parse_graph(ONE))
    with pytest.raises(vinoc.UsageError, match=r"saved as \.xml"):
        vinoc.save_model(model, tmp_path / "m.onnx")
    (tmp_path / "file").touch()
    with pytest.raises(vinoc.VinocError, match="file"):
        vinoc.save_model(model, tmp_path / "file" / "m.xml")
    vinoc.save_model(model, tmp_path / "new" / "m.xml")  # folders are made, as OpenVINO makes them
    assert (tmp_path / "new" / "m.bin").exists()


def test_convert_model_optimizes(onnx_model: Path) -> None:
    assert len(vinoc.convert_model(onnx_model, passes="").graph) == 2
    converted = vinoc.convert_model(onnx_model)
    np.testing.assert_array_equal(vinoc.compile_model(converted)([[[3, -4]]])[0], [[0, 4]])


def test_devices() -> None:
    core = vinoc.Core()
    assert core.available_devices == ["CPU", "TEMPLATE"]
    model = vinoc.Model(parse_graph(ONE))
    for name, device in (("CPU", "CPU"), ("cpu", "CPU"), ("TEMPLATE", "TEMPLATE"), ("AUTO", "CPU"), ("CPU.0", "CPU")):
        assert core.compile_model(model, name).get_property("EXECUTION_DEVICES") == [device]
    with pytest.raises(vinoc.UsageError, match=r"no device 'CPUU'(.|\n)*did you mean 'CPU'"):
        core.compile_model(model, "CPUU")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"INFERENCE_NUM_THREAD": 1}, "did you mean 'INFERENCE_NUM_THREADS'?"),
        ({"performance_hint": "LATENCY"}, "did you mean 'PERFORMANCE_HINT'?"),
        ({"PERFORMANCE_HINT": "LATENC"}, "did you mean 'LATENCY'?"),
        ({"INFERENCE_PRECISION_HINT": "i8"}, "is 'i8', expected f32, f16, bf16, dynamic"),
        ({"INFERENCE_PRECISION_HINT": vinoc.Type.f64}, "expected f32, f16, bf16, dynamic"),
        ({"EXECUTION_MODE_HINT": "ACCURATE"}, "did you mean 'ACCURACY'?"),
        ({"INFERENCE_NUM_THREADS": "many"}, "expected a number"),
        ({"INFERENCE_NUM_THREADS": -1}, "expected a number from 0 on"),
        ({"INFERENCE_NUM_THREADS": 10**20}, "expected a number up to 4096"),
        ({"NUM_STREAMS": "100000"}, "expected a number up to 4096"),
        ({"PERF_COUNT": "perhaps"}, "expected True or False"),
        (["PERF_COUNT"], "`config` is a list"),
    ],
)
def test_configuration_is_checked(config: Any, message: str) -> None:
    with pytest.raises(vinoc.UsageError) as caught:
        vinoc.compile_model(vinoc.Model(parse_graph(ONE)), "CPU", config)
    assert message in str(caught.value)


def test_configuration_is_kept() -> None:
    core = vinoc.Core()
    core.set_property({"NUM_STREAMS": "2"})
    core.set_property("CPU", {"PERF_COUNT": "YES"})
    model = core.compile_model(vinoc.Model(parse_graph(ONE)), "CPU", {"PERFORMANCE_HINT": "throughput"})
    values = [model.get_property(k) for k in ("NUM_STREAMS", "PERF_COUNT", "PERFORMANCE_HINT", "CACHE_DIR")]
    assert values == [2, True, "THROUGHPUT", ""]
    assert core.get_property("TEMPLATE", "PERF_COUNT") is False
    with pytest.raises(vinoc.UsageError):
        model.get_property("NUM_STREAM")


def test_missing_files_are_told() -> None:
    with pytest.raises(vinoc.VinocError, match="no such file"):
        vinoc.Core().read_model("gone.onnx")


def test_importing_vinoc_imports_nothing_heavy() -> None:
    heavy = ["numpy", "onnx", "numba", "rich", "click", "lark", "networkx", "ml_dtypes"]
    code = f"import sys, vinoc; print([m for m in {heavy} if m in sys.modules]); vinoc.Core; print(len(dir(vinoc)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[0] == "[]"


def test_compiling_imports_only_what_it_needs(tmp_path: Path, onnx_model: Path) -> None:
    unwanted = ["onnx.checker", "numba", "networkx", "ml_dtypes", "rich"]
    code = (
        f"import sys; from vinoc.compiler.cli import main; code = main([{str(onnx_model)!r}, '-o', {str(tmp_path)!r}]);"
        f"print([m for m in {unwanted} if m in sys.modules], code)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[] 0"


def test_the_public_names_are_there() -> None:
    for name in vinoc.__all__:
        assert getattr(vinoc, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = vinoc.nothing


def test_inputs_like_the_last_are_taken_at_once_and_others_are_not() -> None:
    """The second call of a kind goes another way through the runtime; what does not fit is refused as at the first."""
    graph = parse_graph("graph two(x: f32[N,3], y: f32[3]) -> (z) {\n  z = Add(x, y)\n}\n")
    graph.input_names[0] = ("x", "also_x")
    for device in ("CPU", "TEMPLATE"):
        compiled = vinoc.compile_model(vinoc.Model(graph), device)
        ones = np.ones(3, np.float32)
        for n in (2, 2, 5, 5, 2):
            given = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
            np.testing.assert_array_equal(compiled({"x": given, "y": ones})["z"], given + 1)
            np.testing.assert_array_equal(compiled({"y": ones, "also_x": given[::-1]})["z"], given[::-1] + 1)
            np.testing.assert_array_equal(compiled({"x": given.astype(">f4"), "y": ones})["z"], given + 1)
        given.flags.writeable = False
        np.testing.assert_array_equal(compiled({"x": given, "y": ones})["z"], given + 1)
        for bad in ({"x": given, "also_x": given}, {"x": given.T, "y": ones}, {"x": given, "z": ones}):
            with pytest.raises(vinoc.VinocError):
                compiled(bad)
