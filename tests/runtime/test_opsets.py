"""The factories `vinoc.opset1` to `vinoc.opset16`, beside OpenVINO's: names, arguments, types, shapes and results."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import openvino
import pytest

import vinoc
from vinoc.ir.op import registry
from vinoc.runtime.opsets.factory import forms
from vinoc.runtime.opsets.missing import MISSING

from .opset_cases import CASES, F

OPSETS = range(1, 17)
UNSEEN = {
    "assign": "test_variables",
    "read_value": "test_variables",
    "if_op": "test_bodies",
    "loop": "test_bodies",
    "tensor_iterator": "test_bodies",
    "fake_convert": "OpenVINO's CPU lacks it: test_only_here",
    "multinomial": "random",
    "random_uniform": "random",
}
"""Factories without a case: where they are tested, or why there is no result to compare."""
MORE_OUTPUTS = {"max_pool@1", "non_max_suppression@1", "non_max_suppression@3"}
"""Older forms that have the further outputs of the newer one here."""
FREE_DEFAULTS = {("roi_pooling", "output_size"), ("constant", "tensor")}


def theirs(opset: int) -> dict[str, Any]:
    module = importlib.import_module(f"openvino.opset{opset}")
    return {k: v for k, v in vars(module).items() if not k.startswith("_") and callable(v)}


def shapes_and_types(model: Any) -> list[tuple[list[int], str]]:
    """Of the outputs; a dynamic dimension is -1."""
    out = []
    for port in model.outputs:
        dims = [d.get_length() if d.is_static else -1 for d in port.partial_shape]
        out.append((dims, port.element_type.get_type_name()))
    return out


class Inputs:
    """Makes inputs of a model, and remembers them and their values."""

    def __init__(self, module: Any, ops: Any) -> None:
        self.module, self.ops = module, ops
        self.parameters: list[Any] = []
        self.data: list[Any] = []

    def __call__(self, shape: list[int], dtype: str = "f32", low: float = -1, high: float = 1) -> Any:
        rng = np.random.default_rng(len(self.data))
        parameter = self.ops.parameter(shape, getattr(self.module.Type, dtype), name=f"x{len(self.data)}")
        self.parameters.append(parameter)
        if dtype == "f32":
            self.data.append(rng.uniform(low, high, shape).astype(np.float32))
        elif dtype == "boolean":
            self.data.append(rng.random(shape) < 0.5)
        else:
            self.data.append(rng.integers(int(low), int(high), shape).astype(np.dtype(_NUMPY[dtype])))
        return parameter


_NUMPY = {"i32": "int32", "i64": "int64", "u8": "uint8"}


def built(module: Any, case: str) -> tuple[Any, list[Any]]:
    """The model of a case, and its inputs."""
    name, _, number = case.partition("@")
    ops = importlib.import_module(f"{module.__name__}.opset{number or 13}")
    inputs = Inputs(module, ops)
    node = CASES[case](ops, inputs)
    results = [node] if node.get_type_name() == "Result" else list(node.outputs())
    return module.Model(results, inputs.parameters, name), inputs.data


def run(module: Any, model: Any, data: list[Any], device: str) -> list[Any]:
    config = {"INFERENCE_PRECISION_HINT": "f32"} if device == "CPU" else {}
    compiled = module.Core().compile_model(model, device, config)
    results = compiled(data)
    return [np.array(results[i]) for i in range(len(compiled.outputs))]


@pytest.mark.parametrize("case", CASES)
def test_same_model_same_results(case: str) -> None:
    """Names of nodes, types, shapes and results of one factory in both libraries."""
    model, data = built(vinoc, case)
    expected_model, expected_data = built(openvino, case)
    for ours, other in zip(data, expected_data, strict=True):
        np.testing.assert_array_equal(ours, other)
    found, wanted = shapes_and_types(model), shapes_and_types(expected_model)
    assert len(found) == len(wanted) or case in MORE_OUTPUTS
    assert [t for _, t in found[: len(wanted)]] == [t for _, t in wanted]
    for (ours, _), (other, _) in zip(found, wanted, strict=False):
        assert len(ours) == len(other)
        assert all(o in (-1, t) or t == -1 for o, t in zip(ours, other, strict=True)), (ours, other)
    expected = run(openvino, expected_model, expected_data, "CPU")
    actual = run(vinoc, model, data, "TEMPLATE")
    for a, e in zip(actual, expected, strict=False):
        assert a.shape == e.shape
        assert a.dtype == e.dtype
        tolerance = 1 if a.dtype == np.uint8 else 1e-4
        np.testing.assert_allclose(a.astype(np.float64), e.astype(np.float64), rtol=1e-4, atol=tolerance)


def test_every_factory_has_a_case() -> None:
    covered = {case.partition("@")[0] for case in CASES} | set(UNSEEN)
    assert sorted(set(forms()) - covered) == []


@pytest.mark.parametrize("opset", OPSETS)
def test_all_factories_are_there_or_listed(opset: int) -> None:
    """What OpenVINO's opset has is here under the same name, or its absence has a reason; never both."""
    module = importlib.import_module(f"vinoc.opset{opset}")
    for name in theirs(opset):
        if name in MISSING:
            with pytest.raises(AttributeError, match=MISSING[name]):
                getattr(module, name)
            assert name not in dir(module)
        else:
            assert callable(getattr(module, name)), name
            assert name in dir(module)


def test_what_is_listed_is_really_missing() -> None:
    """OpenVINO has it, and no operation here has become it."""
    everything = set().union(*(theirs(n) for n in OPSETS))
    assert set(MISSING) <= everything
    declared = {kind.lower() for kind, cls in registry().items() if not cls.internal}
    assert not [name for name in MISSING if name.replace("_", "") in declared]


def _pairs() -> Iterator[tuple[int, str]]:
    for opset in OPSETS:
        for name, function in theirs(opset).items():
            if name not in MISSING and inspect.isfunction(inspect.unwrap(function)):
                yield opset, name


def test_arguments_have_the_same_order_names_and_defaults() -> None:
    """Of every factory in every opset: a call with any of OpenVINO's arguments means the same."""
    wrong = []
    for opset, name in _pairs():
        function = getattr(importlib.import_module(f"vinoc.opset{opset}"), name)
        ours = dict(inspect.signature(function).parameters)
        for i, (key, p) in enumerate(inspect.signature(theirs(opset)[name]).parameters.items()):
            if (name, key) in FREE_DEFAULTS:
                continue
            mine = ours.get(key)
            if mine is None or (list(ours).index(key) != i and p.kind is p.POSITIONAL_OR_KEYWORD):
                wrong.append(f"opset{opset}.{name}: no argument {i} '{key}'")
            elif mine.default != p.default:
                wrong.append(f"opset{opset}.{name}: {key} is {mine.default!r}, not {p.default!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", [vinoc, openvino], ids=["vinoc", "openvino"])
@pytest.mark.parametrize("opset", [3, 13])
def test_variables(module: Any, opset: int) -> None:
    """A sum over inferences: a variable that is read, added to and set; the Assign is a sink of the model."""
    ops = importlib.import_module(f"{module.__name__}.opset{opset}")
    x = ops.parameter([1, 2], name="x")
    total = ops.add(ops.read_value(np.zeros((1, 2), np.float32), "total"), x)
    model = module.Model([ops.result(total)], [ops.assign(total, "total")], [x], "sums")
    assert [n.get_type_name() for n in model.get_sinks()] == ["Assign"]
    compiled = module.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    for expected in (1, 2, 3):
        request.infer([np.ones((1, 2), np.float32)])
        np.testing.assert_array_equal(request.results[0], np.full((1, 2), expected))
    request.reset_state()
    request.infer([np.ones((1, 2), np.float32)])
    np.testing.assert_array_equal(request.results[0], [[1, 1]])


def chosen(module: Any, ops: Any) -> tuple[Any, list[Any]]:
    """|x| or 2 x, and what was chosen as a second output."""
    x, y, flag = ops.parameter([3], name="x"), ops.parameter([3], name="y"), ops.parameter([], np.bool_, name="flag")
    then = module.Model([ops.result(ops.abs(x)), ops.result(ops.constant(F([1])))], [x], "then")
    twice = ops.multiply(y, np.float32(2))
    other = module.Model([ops.result(twice), ops.result(ops.constant(F([0])))], [y], "else")
    data = ops.parameter([3], name="data")
    node = ops.if_op(flag.output(0))
    node.set_then_body(then)
    node.set_else_body(other)
    node.set_input(data.output(0), then.get_parameters()[0], other.get_parameters()[0])
    outs = [node.set_output(then.get_results()[i], other.get_results()[i]) for i in range(2)]
    return module.Model([ops.result(o) for o in outs], [flag, data], "m"), [np.array(False), F([-1, 0, 2])]


def summed(module: Any, ops: Any) -> tuple[Any, list[Any]]:
    """x + 1 + ... + n: the last sum, and all sums side by side."""
    so_far, number = ops.parameter([1, 2], name="so_far"), ops.parameter([], np.int64, name="number")
    step = ops.add(so_far, ops.convert(ops.add(number, ops.constant(np.int64(1))), "f32"))
    results = [ops.result(ops.constant(np.array(True))), ops.result(step)]
    body = module.Model(results, [number, so_far], "body")
    x = ops.parameter([1, 2], name="x")
    node = ops.loop(ops.constant(np.array(4)), ops.constant(np.array(True)))
    node.set_function(body)
    node.set_special_body_ports([0, 0])
    node.set_merged_input(body.get_parameters()[1], x.output(0), results[1].output(0))
    last = node.get_iter_value(results[1].output(0), -1)
    each = node.get_concatenated_slices(results[1].output(0), 0, 1, 1, -1, 0)
    return module.Model([ops.result(last), ops.result(each)], [x], "m"), [F([[1, 2]])]


def row_by_row(module: Any, ops: Any) -> tuple[Any, list[Any]]:
    """The rows of x, each with y added."""
    row, same = ops.parameter([1, 2], name="row"), ops.parameter([2], name="same")
    result = ops.result(ops.add(row, same))
    body = module.Model([result], [row, same], "body")
    x, y = ops.parameter([3, 2], name="x"), ops.parameter([2], name="y")
    node = ops.tensor_iterator()
    node.set_body(body)
    node.set_sliced_input(body.get_parameters()[0], x.output(0), 0, 1, 1, -1, 0)
    node.set_invariant_input(body.get_parameters()[1], y.output(0))
    rows = node.get_concatenated_slices(result.output(0), 0, 1, 1, -1, 0)
    return module.Model([ops.result(rows)], [x, y], "m"), [F([[1, 2], [3, 4], [5, 6]]), F([10, 20])]


@pytest.mark.parametrize("make", [chosen, summed, row_by_row])
def test_bodies(make: Any) -> None:
    """If, Loop and TensorIterator built from models, on both of vinoc's devices, beside OpenVINO."""
    import openvino.opset13 as their_ops

    from vinoc import opset13 as ops

    model, data = make(vinoc, ops)
    expected_model, _ = make(openvino, their_ops)
    assert shapes_and_types(model) == shapes_and_types(expected_model)
    expected = run(openvino, expected_model, data, "CPU")
    for device in ("CPU", "TEMPLATE"):
        for a, e in zip(run(vinoc, model, data, device), expected, strict=True):
            np.testing.assert_array_equal(a, e)


def test_bodies_that_are_not_complete() -> None:
    from vinoc import opset13 as ops

    x, other = ops.parameter([2], name="x"), ops.parameter([2], name="other")
    body = vinoc.Model([ops.result(ops.relu(x))], [x], "body")
    node = ops.tensor_iterator()
    with pytest.raises(vinoc.UsageError, match="has no body yet"):
        node.set_invariant_input(x, other)
    with pytest.raises(TypeError, match="a body is a Model"):
        node.set_body(x)
    node.set_body(body)
    with pytest.raises(vinoc.UsageError, match="'other' is none of the body 'body'"):
        node.set_invariant_input(other, other)
    with pytest.raises(vinoc.UsageError, match="nothing feeds x of the body"):
        node.get_iter_value(body.get_results()[0].output(0))
    with pytest.raises(vinoc.UsageError, match="no outputs yet"):
        node.output(0)


def test_only_here() -> None:
    """FakeConvert, which OpenVINO's CPU device computes on some processors alone: to f8e4m3 and back."""
    from vinoc import opset13 as ops

    x = ops.parameter([4])
    model = vinoc.Model([ops.fake_convert(x, np.float32(1))], [x])
    found = vinoc.compile_model(model, "TEMPLATE")([np.array([0.3, 1.0, -2.1, 500], np.float32)])[0]
    np.testing.assert_array_equal(found, np.array([0.3125, 1, -2, 448], np.float32))


def test_random_factories_give_the_right_types() -> None:
    for module in (vinoc, openvino):
        ops = importlib.import_module(f"{module.__name__}.opset13")
        numbers = ops.random_uniform(np.array([3, 2]), np.float32(0), np.float32(1), "f32", 7, 9)
        drawn = ops.multinomial(ops.parameter([2, 5]), np.array([4]), "i32", True, False, 1, 2)
        assert list(numbers.shape) == [3, 2]
        assert drawn.get_output_element_type(0) == module.Type.i32
        assert numbers.get_attributes()["global_seed"] == 7


WRONG: dict[str, tuple[Callable[[Any, Any], Any], type[Exception], str]] = {
    "softmax(data)": (lambda o, x: o.softmax(x), TypeError, "softmax.*'axis'"),
    "relu(y=)": (lambda o, x: o.relu(x, y=1), TypeError, "relu.*'y'"),
    "channels": (
        lambda o, x: o.convolution(x, np.ones((4, 2, 3, 3), np.float32), [1, 1], [0, 0], [0, 0], [1, 1], name="c1"),
        vinoc.VinocError,
        r"'c1' \(Convolution\).*expect 2 input channels, data has 3",
    ),
    "axis": (lambda o, x: o.softmax(x, "high"), vinoc.UsageError, r"softmax\(\): attribute `axis`.*integer"),
    "padding": (
        lambda o, x: o.max_pool(x, [1], [1], [0], [0], [2], auto_pad="same"),
        vinoc.UsageError,
        r"max_pool\(\): attribute `auto_pad` is 'same', expected one of explicit",
    ),
    "operand": (lambda o, x: o.relu(None), vinoc.UsageError, r"relu\(\): `node` is None, expected a node"),
    "list": (lambda o, x: o.concat(x, 0), vinoc.UsageError, r"concat\(\): `nodes` is Parameter, expected a list"),
    "number": (
        lambda o, x: o.add(o.convert(x, "i32"), 1.5),
        vinoc.UsageError,
        r"add\(\): the number 1.5 is given where i32",
    ),
    "type": (lambda o, x: o.convert(x, "f23"), vinoc.VinocError, "no element type 'f23'"),
    "name": (lambda o, x: o.sofmax(x, 1), AttributeError, "did you mean 'softmax'"),
    "opset": (lambda o, x: o.identity(x), AttributeError, "it entered with opset16"),
    "missing": (lambda o, x: o.region_yolo(x), AttributeError, "not supported"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_names_the_operation_and_what_was_expected(name: str) -> None:
    from vinoc import opset13 as ops

    call, kind, text = WRONG[name]
    with pytest.raises(kind, match=text):
        call(ops, ops.parameter([1, 3, 8, 8], name="x"))
