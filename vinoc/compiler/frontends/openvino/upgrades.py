"""Older forms of operations, in terms of today's. What each form was: the specification of OpenVINO's opsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import i32, i64
from ....ir.errors import Unsupported
from ....ir.graph import Value
from ....ir.op import Op
from .attributes import integers
from .forms import Form, Source, upgrade


def _unchanged(**given: Any) -> Any:
    """The same operation; fields that the older form lacks have one meaning in it."""

    def make(source: Source) -> Op:
        return source.op(**given)

    return make


for _kind, _opset, _given in (
    ("SoftMax", 1, {}),
    ("AvgPool", 1, {}),
    ("MaxPool", 8, {}),
    ("Pad", 1, {}),
    ("Gather", 1, {"batch_dims": 0}),
    ("Gather", 7, {}),
    ("TopK", 3, {"stable": False}),
    ("ROIAlign", 3, {"aligned_mode": "asymmetric"}),
    ("ShapeOf", 1, {"output_type": i64}),
    ("ScatterElementsUpdate", 3, {"reduction": "none", "use_init_val": True}),
    ("ScatterNDUpdate", 3, {"reduction": "none"}),
    ("Gelu", 2, {"approximation_mode": "ERF"}),
    ("NonMaxSuppression", 1, {"output_type": i64}),
    ("NonMaxSuppression", 3, {}),
    ("LogicalXor", 1, {}),
    ("RNNCell", 1, {}),
    ("DeformableConvolution", 1, {"bilinear_interpolation_pad": False}),
    ("DepthToSpace", 1, {}),
    ("SpaceToDepth", 1, {}),
    ("ShuffleChannels", 1, {}),
    ("Assign", 3, {}),
):
    upgrade(_kind, _opset)(_unchanged(**_given))


@upgrade("MaxPool", 1)
def _max_pool(source: Source) -> Op:
    rank = len(source.read("kernel", integers, ()))
    return source.op(dilations=(1,) * rank, axis=0, index_element_type=i64)


@upgrade("TopK", 1)
def _top_k(source: Source) -> Op:
    """Its indices are always i32."""
    return source.op(stable=False, index_element_type=i32)


@upgrade("AvgPool", 16)
def _dilated_average(source: Source) -> Op:
    if set(source.read("dilations", integers, ())) - {1}:
        raise source.refuse("dilated average pooling is not supported", "write it as a Convolution with equal weights")
    return source.op()


@upgrade("Squeeze", 15)
def _squeeze(source: Source) -> Op:
    if source.read("allow_axis_skip", str, "false").lower() == "true":
        raise source.refuse("`allow_axis_skip` is not supported", "list only axes of size 1")
    return source.op()


@upgrade("OneHot", 16)
def _one_hot(source: Source) -> Op:
    if source.read("negative_indices_mode", str, "ignore_negative").lower() != "ignore_negative":
        raise source.refuse("negative indices that count from the end are not supported", "make them positive first")
    return source.op()


@upgrade("BatchNormInference", 1)
def _batch_norm(source: Source) -> Form:
    """Its data is the third input."""
    op = source.op()

    def emit(b: Builder, x: Sequence[Value], name: str) -> Sequence[Value]:
        gamma, beta, data, mean, var = _exactly(5, x)
        return b.outputs(op, data, gamma, beta, mean, var, name=name)

    return Form(emit=emit)


@upgrade("Broadcast", 1)
def _broadcast(source: Source) -> Form:
    """A third input is always there; it means something in mode `explicit` alone, also called `none`."""
    explicit = source.read("mode", str, "numpy").lower() in ("explicit", "none")
    op = source.op(mode="explicit") if explicit else source.op()
    return Form(emit=lambda b, x, name: b.outputs(op, *(x if explicit else x[:2]), name=name))


@upgrade("Range", 1)
def _range(source: Source) -> Form:
    """Its result has the element type of its inputs."""
    cls: Any = source.cls
    return Form(emit=lambda b, x, name: b.outputs(cls(output_type=x[0].dtype), *x, name=name))


@upgrade("GatherND", 5)
def _gather_nd(source: Source) -> Form | Op:
    """It merges the batch dimensions of its result."""
    op: Any = source.op()
    if op.batch_dims < 2:
        return source.op()

    def emit(b: Builder, x: Sequence[Value], name: str) -> Sequence[Value]:
        found = b.build(op, *x)
        if found.rank is None:
            raise Unsupported("GatherND of opset5 over data of unknown rank is not supported")
        rest = np.arange(op.batch_dims, found.rank)
        tail = b.Gather(b.ShapeOf(found, output_type=i64), b.const(rest, i64), b.const(0, i64))
        shape = b.Concat(b.const([-1], i64), tail, axis=0)
        return (b.Reshape(found, shape, special_zero=False, name=name),)

    return Form(emit=emit)


@upgrade("MVN", 1, 2)
def _mvn(source: Source) -> Form:
    """It normalizes all dimensions behind the channels, or behind the batch (`across_channels`)."""
    across = source.read("across_channels", str, "true").lower() in ("true", "1")
    listed = source.read("reduction_axes", integers, ())
    op = source.op(eps_mode="INSIDE_SQRT")

    def emit(b: Builder, x: Sequence[Value], name: str) -> Sequence[Value]:
        (data,) = _exactly(1, x)
        if not listed and data.rank is None:
            raise Unsupported("MVN of opset2 over data of unknown rank is not supported")
        axes = listed or range(1 if across else 2, data.rank or 0)
        return b.outputs(op, data, b.const(list(axes), i64), name=name)

    return Form(emit=emit)


@upgrade("Interpolate", 4)
def _interpolate(source: Source) -> Form:
    """It takes sizes and scales; `shape_calculation_mode` says which of them counts."""
    op: Any = source.op()
    chosen = 1 if op.shape_calculation_mode == "sizes" else 2
    return Form(emit=lambda b, x, name: b.outputs(op, x[0], x[chosen], *x[3:], name=name))


@upgrade("Interpolate", 1)
def _interpolate_old(source: Source) -> Form:
    """As OpenVINO itself upgrades it: linear means separable multi-linear up to rank 4."""
    mode = source.read("mode", str, "linear").lower()
    if mode not in ("nearest", "linear", "cubic"):
        raise source.refuse(f"mode '{mode}' of Interpolate is not supported", "use nearest, linear or cubic")
    aligned = source.read("align_corners", str, "true").lower() in ("true", "1")
    axes = source.read("axes", integers, ())
    fields = {
        "shape_calculation_mode": "sizes",
        "coordinate_transformation_mode": "align_corners" if aligned else "asymmetric",
        "nearest_mode": "simple",
        "cube_coeff": -0.75,
    }
    op = source.op(mode=mode, **fields)
    onnx = source.op(mode="linear_onnx", **fields) if mode == "linear" else op

    def emit(b: Builder, x: Sequence[Value], name: str) -> Sequence[Value]:
        data, sizes = _exactly(2, x)
        small = data.rank is not None and data.rank < 5
        return b.outputs(onnx if small else op, data, sizes, b.const(list(axes), i64), name=name)

    return Form(emit=emit)


@upgrade("ROIPooling", 1, 2)
def _roi_pooling(source: Source) -> Op:
    """The size of its output had two attributes."""
    height, width = (source.read(name, int) for name in ("pooled_h", "pooled_w"))
    if "output_size" in source.layer.data or height is None or width is None:
        return source.op()
    return source.op(output_size=(height, width))


@upgrade("LSTMCell", 1)
@upgrade("LSTMSequence", 1)
def _lstm(source: Source) -> Form:
    """It knows other gate orders and coupled gates, and peepholes as a last input."""
    if source.read("weights_format", str, "fico") != "fico":
        raise source.refuse("only `weights_format` fico is supported", "convert the original model again")
    if source.read("input_forget", str, "false").lower() in ("true", "1"):
        raise source.refuse("coupled input and forget gates are not supported", "unroll the cell")
    op = source.op()
    inputs = len(source.cls.ports)

    def emit(b: Builder, x: Sequence[Value], name: str) -> Sequence[Value]:
        for peepholes in x[inputs:]:
            found = peepholes.const
            if found is None or np.any(found):
                raise Unsupported("peepholes are not supported", help="unroll the cell")
        return b.outputs(op, *x[:inputs], name=name)

    return Form(emit=emit)


@upgrade("ReadValue", 3)
def _read_value(source: Source) -> Form:
    """Type and shape of the variable are those of its first value."""
    cls: Any = source.cls
    name_of_variable = source.read("variable_id", str, "")

    def emit(b: Builder, x: Sequence[Value], name: str) -> Sequence[Value]:
        (first,) = _exactly(1, x)
        op = cls(variable_id=name_of_variable, variable_type=first.dtype, variable_shape=first.shape)
        return b.outputs(op, first, name=name)

    return Form(emit=emit)


def _exactly(count: int, inputs: Sequence[Value]) -> Sequence[Value]:
    if len(inputs) != count:
        raise Unsupported(f"this form takes {count} inputs, the layer has {len(inputs)}")
    return inputs
