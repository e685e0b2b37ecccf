"""Operators of ONNX Runtime's quantizer beside ONNX Runtime, and what becomes of weights that are integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import vinoc
from vinoc.compiler.config import CPU_PASSES
from vinoc.ir import dtype as dt
from vinoc.ir.errors import ConversionError
from vinoc.ir.graph import Graph
from vinoc.ir.types import Shape
from vinoc.passes.manager import PassManager

from .onnx_util import check, compare, floats, make_model, read, run_graph, run_reference

MS = "com.microsoft"
RNG = np.random.default_rng(5)
STEP = np.float32(0.02)


def levels(kind: type, *shape: int) -> np.ndarray:
    info = np.iinfo(kind)
    return RNG.integers(info.min, info.max + 1, shape).astype(kind)


@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("columns", [False, True], ids=["one scale", "a scale for each column"])
def test_q_attention(columns: bool, causal: int) -> None:
    scale = np.abs(floats(24)) * STEP if columns else STEP
    zero = np.zeros(24, np.int8) if columns else np.int8(3)
    lengths = np.array([3, 5], np.int32)
    inputs: list[Any] = [
        levels(np.uint8, 2, 5, 8),
        levels(np.int8, 8, 24),
        floats(24),
        STEP,
        scale,
        lengths,
        np.uint8(120),
        zero,
    ]
    check("QAttention", inputs, 20, constant=range(1, 8), symbolic=False, domain=MS, rtol=1e-4, atol=1e-4, num_heads=2,
          unidirectional=causal)  # fmt: skip


@pytest.mark.parametrize("segments", [False, True])
def test_q_embed_layer_normalization(segments: bool) -> None:
    ids, mask = np.array([[3, 1, 0], [2, 6, 6]], np.int32), np.array([[1, 1, 0], [1, 1, 1]], np.int32)
    kinds = np.array([[0, 1, 1], [0, 0, 1]], np.int32) if segments else None
    sizes = [(7, 8), (4, 8), (2, 8) if segments else None, (8,), (8,)]
    tables: list[Any] = [None if s is None else levels(np.uint8, *s) for s in sizes]
    scales = [None if s is None else STEP for s in sizes]
    zeros = [None if s is None else np.uint8(120 + i) for i, s in enumerate(sizes)]
    inputs: list[Any] = [ids, kinds, *tables, mask, *scales, *zeros]
    constant = [i for i in range(2, 18) if inputs[i] is not None and i != 7]
    check("QEmbedLayerNormalization", inputs, 20, 2, constant, symbolic=False, domain=MS, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("counted", [0, 1])
def test_qlinear_average_pool(counted: int) -> None:
    inputs: list[Any] = [levels(np.uint8, 1, 3, 6, 7), STEP, np.uint8(90), np.float32(0.015), np.uint8(100)]
    check("QLinearAveragePool", inputs, 20, constant=range(1, 5), symbolic=False, domain=MS, kernel_shape=[3, 2],
          strides=[2, 1], pads=[1, 0, 1, 1], count_include_pad=counted)  # fmt: skip


AVERAGE = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1], "channels_last": 1}
WINDOW = {"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 0, 1, 2]}


@pytest.mark.parametrize(
    ("name", "attributes"), [("QLinearAveragePool", AVERAGE), ("QLinearGlobalAveragePool", {"channels_last": 1})]
)
def test_pools_with_channels_last(name: str, attributes: dict[str, Any]) -> None:
    inputs: list[Any] = [levels(np.uint8, 2, 6, 7, 3), STEP, np.uint8(90), np.float32(0.015), np.uint8(100)]
    check(name, inputs, 20, constant=range(1, 5), symbolic=False, domain=MS, **attributes)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_max_pool_with_channels_last(kind: type) -> None:
    check("NhwcMaxPool", [levels(kind, 2, 6, 7, 3)], 20, symbolic=False, domain=MS, **WINDOW)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("last", [0, 1])
def test_q_linear_conv(last: int, groups: int) -> None:
    x, filters = levels(np.uint8, *((1, 6, 7, 4) if last else (1, 4, 6, 7))), levels(np.int8, 8, 4 // groups, 3, 3)
    bias = RNG.integers(-500, 500, 8).astype(np.int32)
    scales = (0.01 + 0.01 * RNG.random(8)).astype(np.float32)
    inputs = [x, STEP, np.uint8(120), filters, scales, np.zeros(8, np.int8), np.float32(0.2), np.uint8(111), bias]
    check("QLinearConv", inputs, 20, constant=range(1, 9), symbolic=False, domain=MS, channels_last=last, group=groups,
          **WINDOW)  # fmt: skip


def on_cpu(model: onnx.ModelProto, given: dict[str, np.ndarray]) -> list[Any]:
    compiled = vinoc.compile_model(model.SerializeToString(), "CPU")
    return [compiled(given)[k] for k in range(len(model.graph.output))]


PARAMETERS = [(np.uint8, False), (np.int8, True), (np.uint8, True), (np.int8, False)]


@pytest.mark.parametrize(("kind", "columns"), PARAMETERS)
@pytest.mark.parametrize("given", ["weights", "both"])
@pytest.mark.parametrize("depth", [8, 700])
def test_products_of_quantized_data_are_exact(kind: type, columns: bool, given: str, depth: int) -> None:
    """Sums are those of ONNX Runtime's own integers, bit for bit: between them and the result are two roundings."""
    scale = (0.01 + np.abs(floats(7))).astype(np.float32) if columns else np.float32(0.013)
    zero = levels(kind, 7) if columns else kind(3)
    constants = {"w": levels(kind, depth, 7), "s": np.atleast_1d(scale), "z": np.atleast_1d(zero), "b": floats(7)}
    feeds = {"x": floats(2, 5, depth)}
    dynamic = helper.make_node("DynamicQuantizeMatMul", ["x", "w", "s", "z", "b"], ["y"], domain=MS)
    quantized = helper.make_node("MatMulIntegerToFloat", ["q", "w", "xs", "s", "xz", "z", "b"], ["v"], domain=MS)
    nodes = [dynamic, helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "xs", "xz"]), quantized]
    if given == "both":
        feeds |= {"w": constants.pop("w")}
    model = make_model(nodes, feeds, 20, constants, ["y", "v"], domain=MS)
    expected = run_reference(model, feeds)
    for found in (run_graph(read(model), list(feeds.values())), on_cpu(model, feeds)):
        compare(found, expected, rtol=1e-6, atol=1e-6)


def test_constant_weights_of_quantized_products_are_packed_as_integers() -> None:
    constants = {"w": levels(np.int8, 8, 7), "s": STEP, "z": np.int8(0)}
    node = helper.make_node("DynamicQuantizeMatMul", ["x", "w", "s", "z"], ["y"], domain=MS)
    model = make_model(node, {"x": floats(5, 8)}, 20, constants, domain=MS)
    graph = read(model)
    PassManager(CPU_PASSES).run(graph)
    assert "ByteMatMul" in {n.kind for n in graph}


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, "u4", "i4"])
def test_gather_block_quantized(kind: Any, zeros: bool) -> None:
    """Codes of four bits, two in a byte or of a type of their own."""
    if kind is np.uint8:
        codes, zero = levels(np.uint8, 9, 20), levels(np.uint8, 9, 2)
    else:
        info = onnx.helper.tensor_dtype_to_np_dtype(getattr(onnx.TensorProto, "UINT4" if kind == "u4" else "INT4"))
        codes, zero = ((levels(np.uint8, 9, n) & 7).astype(info) for n in (40, 3))
    where = np.array([[3, 0, 8], [1, 1, 2]])
    inputs: list[Any] = [codes, where, floats(9, 3), zero if zeros else None]
    constant = (0, 2, 3) if zeros else (0, 2)
    check("GatherBlockQuantized", inputs, 21, constant=constant, symbolic=False, domain=MS, bits=4, block_size=16)


def test_what_is_arranged_for_one_processor_is_refused() -> None:
    node = helper.make_node("ReorderInput", ["x"], ["y"], domain="com.microsoft.nchwc")
    model = make_model(node, {"x": floats(1, 16, 3, 3)}, 20, domain="com.microsoft.nchwc")
    with pytest.raises(ConversionError, match="ORT_ENABLE_EXTENDED"):
        read(model)


def lstm(kind: type, rows: bool, both: bool) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """DynamicQuantizeLSTM of 6 hidden units, with a scale and a zero point for each direction or each row of gates."""
    d = 2 if both else 1
    given = {"x": floats(4, 2, 5), "h": floats(d, 2, 6) * 0.3, "c": floats(d, 2, 6) * 0.3}
    weights = {"w": levels(kind, d, 5, 24), "r": levels(kind, d, 6, 24), "b": floats(d, 48)}
    middle = 128 if kind is np.uint8 else 0
    for name in "wr":
        shape = (d, 24) if rows else (d,)
        weights[name + "s"] = (0.002 + 0.002 * RNG.random(shape)).astype(np.float32)
        weights[name + "z"] = np.full(shape, middle, kind)
    names = ["x", "w", "r", "b", "", "h", "c", "", "ws", "wz", "rs", "rz"]
    node = helper.make_node("DynamicQuantizeLSTM", names, ["y", "yh", "yc"], domain=MS, hidden_size=6,
                            direction="bidirectional" if both else "forward")  # fmt: skip
    return make_model(node, given, 20, weights, domain=MS), given


CASES = [(np.int8, False, False), (np.int8, True, True), (np.uint8, False, True)]


@pytest.mark.parametrize(("kind", "rows", "both"), CASES, ids=["i8", "i8 rows both", "u8 both"])
def test_dynamic_quantize_lstm(kind: type, rows: bool, both: bool) -> None:
    """ONNX Runtime rounds data to 8 bits, in its own way: half a step of 1/100 or so is between the two."""
    model, given = lstm(kind, rows, both)
    graph = read(model)
    compare(run_graph(graph, list(given.values())), run_reference(model, given), rtol=0, atol=2e-2)


def stored(graph: Graph) -> Iterator[tuple[dt.DType, Shape | None]]:
    """Of the weights of sequences: the type that they are stored in, and the shape of their scale."""
    node = next(n for n in graph if n.kind == "LSTMSequence")
    for port in (4, 5):
        scaled = node.operand(port).node
        assert scaled.kind == "Multiply"
        yield scaled.operand(0).node.operand(0).dtype, scaled.operand(1).shape


@pytest.mark.parametrize("rows", [False, True])
def test_weights_of_an_lstm_stay_integers(rows: bool) -> None:
    """As the kernels of recurrent layers read them: i8, and a scale for each row."""
    assert list(stored(read(lstm(np.int8, rows, True)[0]))) == [(dt.i8, (2, 24, 1))] * 2


def test_dequantized_weights_of_an_lstm_stay_integers() -> None:
    given = {"x": floats(4, 2, 5)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "ws", "z"], ["wf"], axis=1),
        helper.make_node("DequantizeLinear", ["r", "rs"], ["rf"]),
        helper.make_node("LSTM", ["x", "wf", "rf"], ["y"], hidden_size=6),
    ]
    weights: dict[str, Any] = {
        "w": levels(np.int8, 1, 24, 5),
        "r": levels(np.int8, 1, 24, 6),
        "z": np.zeros(24, np.int8),
    }
    weights |= {"ws": np.abs(floats(24)) * STEP, "rs": STEP}
    model = make_model(nodes, given, 17, weights)
    graph = read(model)
    assert list(stored(graph)) == [(dt.i8, (1, 24, 1))] * 2
    compare(run_graph(graph, list(given.values())), run_reference(model, given), rtol=1e-4, atol=1e-5)


def test_dynamic_quantize_linear_of_an_unknown_rank() -> None:
    """A branch of unknown shape, as exporters leave them."""
    shapes = {"x": floats(2, 3), "shape": np.array([3, 2], np.int64)}
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["free"]),
        helper.make_node("DynamicQuantizeLinear", ["free"], ["y", "scale", "zero"]),
    ]
    model = make_model(nodes, shapes, 17)
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_param = "rank"
    graph = read(model)
    assert next(n for n in graph if n.kind == "Reshape").output.rank is None
    compare(run_graph(graph, list(shapes.values())), run_reference(model, shapes))
