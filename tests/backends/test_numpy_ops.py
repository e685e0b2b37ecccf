"""Every operation as generated code: the same bits as its `evaluate`."""

from __future__ import annotations

import builtins
import dis
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.backends.numpy.codegen import Generator
from vinoc.backends.numpy.library import Library
from vinoc.backends.numpy.naming import RESERVED, Names
from vinoc.backends.numpy.opform import op_form
from vinoc.ir.buffer import Buffer
from vinoc.ir.constant import Constant
from vinoc.ir.dtype import Array, DType, from_numpy
from vinoc.ir.errors import ConversionError
from vinoc.ir.graph import Graph, Value
from vinoc.ir.op import op_class, registry
from vinoc.ir.types import TensorType

from .numpy_modules import run_here, same

T = DType.registry
RNG = np.random.default_rng(5)


def f(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> Array:
    return RNG.uniform(0.1, 0.9, shape).astype(np.float32)


def i(*values: Any, dtype: Any = np.int64) -> Array:
    return np.array(values, dtype)


def n(value: Any, dtype: Any = np.int64) -> Array:
    return np.array(value, dtype)


def each(kinds: str, value: Any) -> dict[str, Any]:
    """The same for several operations."""
    return dict.fromkeys(kinds.split(), value)


X = f(2, 3, 4)
IMAGE = f(2, 4, 7, 6)
POSITIVE = positive(2, 3, 4)
INTS = RNG.integers(-9, 9, (2, 3, 4)).astype(np.int32)
BITS = RNG.integers(0, 7, (2, 3, 4)).astype(np.int32)
BOOLS = X > 0
WINDOW = {"strides": (1, 2), "pads_begin": (1, 0), "pads_end": (1, 1), "dilations": (1, 1)}
POOL = {"strides": (2, 1), "pads_begin": (1, 0), "pads_end": (0, 1), "kernel": (3, 2)}
CELL = {"hidden_size": 5}

Case = tuple[dict[str, Any], list[Any]]

UNARY = {
    **each("Abs Negative Sign Ceiling Floor Round Erf Sin Cos Tan Sinh Cosh Tanh Asinh Atan Exp", X),
    **each("ReLU Sigmoid SoftPlus Mish HSwish HSigmoid SoftSign Swish Gelu Identity", X),
    **each("IsFinite IsNaN IsInf Dropout NonZero ShapeOf SoftMax LogSoftmax Unique Squeeze", X),
    **each("Sqrt Log Asin Acos Atanh", POSITIVE),
    "Acosh": POSITIVE + 1,
    "LogicalNot": BOOLS,
    "BitwiseNot": BITS,
    "Inverse": f(2, 3, 3),
}
BINARY = {
    **each("Add Subtract Multiply Divide Maximum Minimum SquaredDifference Mod FloorMod", (X, f(3, 1))),
    **each("Equal NotEqual Less LessEqual Greater GreaterEqual PReLU", (X, f(1, 3, 1))),
    **each("LogicalAnd LogicalOr LogicalXor", (BOOLS, X > 0.5)),
    **each("BitwiseAnd BitwiseOr BitwiseXor BitwiseLeftShift BitwiseRightShift", (BITS, BITS[:1])),
    "Power": (POSITIVE, X),
    "MatMul": (X, f(4, 5)),
    "ConvertLike": (X, INTS),
    "Tile": (X, i(1, 2)),
    "Transpose": (X, i(2, 0, 1)),
    "Unsqueeze": (X, i(0, 2)),
    "Reshape": (X, i(4, -1)),
    "Broadcast": (X, i(5, 2, 3, 4)),
    "GatherND": (X, i([1, 2], [0, 0])),
}
REDUCE = {
    **each("ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum", X),
    **each("ReduceLogicalAnd ReduceLogicalOr", BOOLS),
}
BODY = Graph("body")
_x = BODY.add_input(TensorType(T["f32"], (1, 4)), "x")
_s = BODY.add_input(TensorType(T["f32"], (1, 4)), "s")
_sum = BODY.insert(op_class("Add")(), (_s, _x)).output
_go = BODY.insert(Constant(Buffer.of(np.array(True))), ()).output
for _value in (_sum, _sum, _go):
    BODY.add_output(_value)
LOOP = {
    "slice_axis": (0, -1),
    "slice_start": (0, 0),
    "slice_end": (-1, 0),
    "slice_stride": (1, 1),
    "slice_part": (1, 1),
    "back_edge": (-1, 0),
    "out_from": (0, 1),
    "out_axis": (-1, 0),
    "out_start": (0, 0),
    "out_end": (0, -1),
    "out_stride": (1, 1),
    "out_part": (1, 1),
}


def branch(kind: str) -> Graph:
    graph = Graph(kind)
    x = graph.add_input(TensorType(T["f32"], (2, 3, 4)), "x")
    graph.add_output(graph.insert(op_class(kind)(), (x,)).output)
    return graph


CASES: dict[str, list[Case]] = {
    **{kind: [({}, [data])] for kind, data in UNARY.items()},
    **{kind: [({}, [*data])] for kind, data in BINARY.items()},
    **{kind: [({}, [data, i(0, 2)]), ({"keep_dims": True}, [data, n(1)])] for kind, data in REDUCE.items()},
    "Round": [({"mode": m}, [X]) for m in ("half_to_even", "half_away_from_zero")],
    "Gelu": [({"approximation_mode": m}, [X]) for m in ("ERF", "TANH")],
    "Swish": [({}, [X]), ({}, [X, n(0.5, np.float32)])],
    "Clamp": [({"min": -0.5, "max": 0.25}, [X]), ({"min": -np.inf, "max": 3.0}, [INTS])],
    "Elu": [({"alpha": 0.5}, [X])],
    "HardSigmoid": [({}, [X, n(0.2, np.float32), n(0.5, np.float32)])],
    "Selu": [({}, [X, n(1.6, np.float32), n(1.05, np.float32)])],
    "Convert": [({"destination_type": T[t]}, [X * 300]) for t in ("u8", "f16", "boolean", "i64")],
    "Divide": [({}, [INTS, BITS - 3]), ({"m_pythondiv": False}, [INTS, BITS - 3]), ({}, [X, X])],
    "Select": [({}, [BOOLS, X, f(4)])],
    "MatMul": [({}, [X, f(4, 5)]), ({"transpose_a": True, "transpose_b": True}, [f(4, 3), f(2, 5, 4)])],
    "Einsum": [({"equation": "abc,cd->bad"}, [X, f(4, 5)])],
    "FakeQuantize": [({"levels": 16}, [X, n(-1.0, np.float32), n(1.0, np.float32), -(f(3, 1) ** 2), f(3, 1) ** 2])],
    "Bucketize": [({"output_type": T["i32"]}, [X, i(-1, 0, 1, dtype=np.float32)])],
    "SearchSorted": [({"right_mode": True}, [np.sort(X), f(2, 3, 2)])],
    "Eye": [({"output_type": T["f32"]}, [n(3), n(4), n(1)])],
    "Range": [({"output_type": T["i64"]}, [n(1), n(9), n(2)])],
    "RandomUniform": [({"output_type": T["f32"], "global_seed": 3, "op_seed": 4}, [i(2, 3), f(1) * 0, f(1) * 0 + 2])],
    "Multinomial": [
        (
            {"convert_type": T["i32"], "with_replacement": True, "log_probs": False, "global_seed": 1, "op_seed": 2},
            [positive(2, 5), n(4)],
        )
    ],
    "Convolution": [(WINDOW, [IMAGE, f(5, 4, 3, 3)]), ({**WINDOW, "auto_pad": "same_upper"}, [IMAGE, f(5, 4, 3, 2)])],
    "GroupConvolution": [(WINDOW, [IMAGE, f(4, 1, 1, 3, 3)])],
    "ConvolutionBackpropData": [
        (WINDOW, [IMAGE, f(4, 3, 3, 3)]),
        ({**WINDOW, "output_padding": (0, 1)}, [IMAGE, f(4, 3, 3, 3)]),
    ],
    "GroupConvolutionBackpropData": [(WINDOW, [IMAGE, f(2, 2, 3, 3, 3)])],
    "MaxPool": [({**POOL, "dilations": (1, 2)}, [IMAGE])],
    "AvgPool": [({**POOL, "exclude_pad": e}, [IMAGE]) for e in (True, False)],
    "AdaptiveAvgPool": [({}, [IMAGE, i(3, 2)])],
    "AdaptiveMaxPool": [({}, [IMAGE, i(3, 2)])],
    "BatchNormInference": [({"epsilon": 1e-3}, [IMAGE, f(4), f(4), f(4), positive(4)])],
    "MVN": [({"eps": 1e-5}, [X, i(1, 2)]), ({"eps": 1e-5, "eps_mode": "OUTSIDE_SQRT"}, [X, i(2)])],
    "GroupNormalization": [({"num_groups": 2, "epsilon": 1e-3}, [IMAGE, f(4), f(4)])],
    "NormalizeL2": [({"eps": 1e-3, "eps_mode": "add"}, [X, i(1)])],
    "LRN": [({"alpha": 1e-3, "beta": 0.7, "bias": 1.0, "size": 3}, [IMAGE, i(1)])],
    "GRN": [({"bias": 1.0}, [X])],
    "ScaledDotProductAttention": [
        ({}, [f(2, 3, 4), f(2, 5, 4), f(2, 5, 6)]),
        ({"causal": True}, [f(2, 5, 4), f(2, 5, 4), f(2, 5, 6)]),
        ({}, [f(2, 3, 4), f(2, 5, 4), f(2, 5, 6), f(3, 5), n(0.5, np.float32)]),
    ],
    "LSTMCell": [(CELL, [f(2, 3), f(2, 5), f(2, 5), f(20, 3), f(20, 5), f(20)])],
    "GRUCell": [
        (CELL, [f(2, 3), f(2, 5), f(15, 3), f(15, 5), f(15)]),
        ({**CELL, "linear_before_reset": True}, [f(2, 3), f(2, 5), f(15, 3), f(15, 5), f(20)]),
    ],
    "RNNCell": [(CELL, [f(2, 3), f(2, 5), f(5, 3), f(5, 5), f(5)])],
    "LSTMSequence": [
        (
            {**CELL, "direction": "bidirectional"},
            [f(2, 6, 3), f(2, 2, 5), f(2, 2, 5), i(6, 4), f(2, 20, 3), f(2, 20, 5), f(2, 20)],
        )
    ],
    "GRUSequence": [
        ({**CELL, "direction": "reverse"}, [f(2, 6, 3), f(2, 1, 5), i(6, 4), f(1, 15, 3), f(1, 15, 5), f(1, 15)])
    ],
    "RNNSequence": [
        ({**CELL, "direction": "forward"}, [f(2, 6, 3), f(2, 1, 5), i(6, 4), f(1, 5, 3), f(1, 5, 5), f(1, 5)])
    ],
    "Squeeze": [({}, [f(1, 3, 1)]), ({}, [f(1, 3, 1), i(2)])],
    "Reshape": [({}, [X, i(4, -1)]), ({"special_zero": True}, [X, i(0, -1)])],
    "Broadcast": [({}, [X, i(5, 2, 3, 4)]), ({"mode": "explicit"}, [f(3), i(3, 4), i(0)])],
    "Concat": [({"axis": 1}, [X, f(2, 1, 4), X]), ({"axis": 0}, [X])],
    "Split": [({"num_splits": 2}, [X, n(2)]), ({"num_splits": 1}, [X, n(0)])],
    "VariadicSplit": [({}, [X, n(2), i(1, -1)]), ({}, [X, n(2), i(4)])],
    "Pad": [({"pad_mode": m}, [X, i(0, 1, 1), i(1, 0, -1)]) for m in ("constant", "edge", "reflect", "symmetric")],
    "Slice": [({}, [X, i(0, -1), i(2, -9), i(1, -2), i(1, 2)]), ({}, [X, i(1), i(2), i(1)])],
    "SliceScatter": [({}, [X, f(2, 1, 4), i(1), i(2), i(1), i(1)])],
    "StridedSlice": [
        (
            {"begin_mask": (0, 1), "end_mask": (0, 1), "new_axis_mask": (), "shrink_axis_mask": (1, 0)},
            [X, i(1, 0), i(2, 9), i(1, 2)],
        )
    ],
    "Gather": [({}, [X, i([0, 2], [1, -1]), n(1)]), ({"batch_dims": 1}, [X, i([0, 2], [1, 1]), n(1)])],
    "GatherElements": [({"axis": 1}, [X, RNG.integers(0, 3, (2, 5, 4))])],
    "GatherTree": [
        (
            {},
            [
                RNG.integers(0, 9, (4, 2, 3)).astype(np.int32),
                RNG.integers(0, 3, (4, 2, 3)).astype(np.int32),
                i(4, 3, dtype=np.int32),
                n(9, np.int32),
            ],
        )
    ],
    "ScatterUpdate": [({}, [X, i(2, 0), f(2, 2, 4), n(1)])],
    "ScatterElementsUpdate": [
        ({"reduction": r, "use_init_val": u}, [X, RNG.integers(0, 3, (2, 2, 4)), f(2, 2, 4), n(1)])
        for r, u in (("none", True), ("sum", True), ("mean", False), ("max", True))
    ],
    "ScatterNDUpdate": [({"reduction": r}, [X, i([1, 2], [0, 0]), f(2, 4)]) for r in ("none", "sum", "prod")],
    "OneHot": [({"axis": 1}, [i(0, 2, -1), n(4), n(1.5, np.float32), n(0, np.float32)])],
    "CumSum": [({}, [X, n(1)]), ({"exclusive": True, "reverse": True}, [X, n(-1)])],
    **{k: [({}, [f(3, 4, 2), i(0, 1)]), ({}, [f(3, 4, 2), i(-1), i(5)])] for k in ("DFT", "IDFT", "IRDFT")},
    "RDFT": [({}, [X, i(0, 2)]), ({}, [X, i(-1), i(3)])],
    "TopK": [({"axis": 1, "mode": m, "sort": s}, [X, n(2)]) for m, s in (("max", "value"), ("min", "index"))],
    "Roll": [({}, [X, i(1, -2), i(0, 2)])],
    "ReverseSequence": [({}, [X, i(2, 3)])],
    "Interpolate": [
        (
            {"mode": m, "shape_calculation_mode": "sizes", "coordinate_transformation_mode": "half_pixel"},
            [IMAGE, i(9, 4), i(2, 3)],
        )
        for m in ("nearest", "linear_onnx", "cubic")
    ],
    "BatchToSpace": [({}, [f(4, 3, 2), i(1, 2, 2), i(0, 1, 0), i(0, 0, 1)])],
    "SpaceToBatch": [({}, [f(2, 3, 4), i(1, 2, 2), i(0, 1, 0), i(0, 0, 2)])],
    "DepthToSpace": [({"mode": m, "block_size": 2}, [IMAGE]) for m in ("blocks_first", "depth_first")],
    "SpaceToDepth": [({"mode": m, "block_size": 2}, [f(2, 3, 4, 6)]) for m in ("blocks_first", "depth_first")],
    "ShuffleChannels": [({"group": 2}, [IMAGE])],
    "ExtractImagePatches": [({"sizes": (2, 3), "strides": (2, 1), "rates": (1, 2), "auto_pad": "valid"}, [IMAGE])],
    "Col2Im": [({}, [f(2, 12, 9), i(4, 4), i(2, 2)])],
    "GridSample": [
        ({"mode": m, "padding_mode": p}, [IMAGE, f(2, 3, 5, 2)])
        for m, p in (("bilinear", "zeros"), ("nearest", "border"), ("bicubic", "reflection"))
    ],
    "NV12toRGB": [({}, [f(1, 6, 4, 1)]), ({}, [f(1, 4, 4, 1), f(1, 2, 2, 2)])],
    "I420toBGR": [({}, [f(1, 6, 4, 1)]), ({}, [f(1, 4, 4, 1), f(1, 2, 2, 1), f(1, 2, 2, 1)])],
    "If": [({"then_inputs": (1,), "else_inputs": (2,)}, [n(c, np.bool_), X, POSITIVE]) for c in (True, False)],
    "Loop": [({"body_from": (2, 3), **LOOP, "condition_output": 2}, [n(-1), n(True, np.bool_), f(5, 4), f(1, 4)])],
    "TensorIterator": [({"body_from": (0, 1), **LOOP}, [f(5, 4), f(1, 4)])],
}
BODIES = {"If": (branch("Tanh"), branch("Sqrt")), "Loop": (BODY,), "TensorIterator": (BODY,)}


def graph_of(kind: str, attributes: dict[str, Any], arrays: list[Any]) -> tuple[Graph, list[Array]]:
    """An operation on inputs: the floats are inputs of the graph, the rest are constants."""
    graph = Graph("case")
    values: list[Value | None] = []
    inputs: list[Array] = []
    for k, array in enumerate(arrays):
        if array is None:
            values.append(None)
        elif array.dtype.kind in "fb" or k == 0:
            values.append(graph.add_input(TensorType(from_numpy(array.dtype), array.shape), f"x{k}"))
            inputs.append(array)
        else:
            values.append(graph.insert(Constant(Buffer.of(array)), (), name=f"c{k}").output)
    node = graph.insert(op_class(kind)(**attributes), values, bodies=[b.clone() for b in BODIES.get(kind, ())])
    for k, out in enumerate(node.outputs):
        graph.add_output(out, f"out{k}")
    return graph, inputs


def cases() -> Iterator[Any]:
    for kind, found in sorted(CASES.items()):
        for k, case in enumerate(found):
            yield pytest.param(kind, *case, id=f"{kind}-{k}" if k else kind)


@pytest.mark.parametrize(("kind", "attributes", "arrays"), list(cases()))
def test_generated_code_computes_what_the_operation_does(
    kind: str, attributes: dict[str, Any], arrays: list[Any]
) -> None:
    graph, inputs = graph_of(kind, attributes, arrays)
    for want, got in zip(Interpreter(graph).run(inputs), run_here(graph, inputs), strict=True):
        same(want, got)


def test_every_operation_has_an_expression() -> None:
    """Those without a case too: the functions of all operations in one module refer to nothing that is not there."""
    library = Library()
    own = {}
    for kind, cls in registry().items():
        if kind not in {"Constant", "ReadValue", "Assign"} and cls.__module__.startswith("vinoc."):
            form = op_form(cls)
            if form.inline is None:
                library.add(form.definition())
                own[form.key] = None
            else:
                library.require(form.references)
            form.offer_defaults(library)
    library.name_all(Names(RESERVED), own)
    assert len(set(library.names.values())) == len(library.definitions)
    source = ["from __future__ import annotations", *library.imports(), "import numpy as np", *library.render()]
    space: dict[str, Any] = {"__name__": "all_operations"}
    exec(compile("\n\n".join(source), "all_operations.py", "exec", dont_inherit=True), space)
    for function in [f for f in space.values() if isinstance(f, FunctionType) and f.__module__ == "all_operations"]:
        assert not undefined(function.__code__, space), function.__name__


def undefined(code: CodeType, space: dict[str, Any]) -> set[str]:
    """Global names that a function reads and nobody defines."""
    loads = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    inner = [undefined(c, space) for c in code.co_consts if isinstance(c, CodeType)]
    return {name for name in loads if name not in space and not hasattr(builtins, name)}.union(*inner)


def test_operations_on_types_that_numpy_lacks_are_refused() -> None:
    graph, _ = graph_of("FakeConvert", {}, [X, n(1.0, np.float32)])
    with pytest.raises(ConversionError, match="NumPy has no element type f8e4m3"):
        Generator(graph, "m").render()


def test_generated_lines_of_all_cases_are_short() -> None:
    for kind, found in CASES.items():
        text = Generator(graph_of(kind, *found[0])[0], "m").render()[0]
        long = [line for line in text[: text.index("\ndef infer(")].split("\n") if len(line) > 120]
        assert not long, f"{kind}: {long[0]}"
