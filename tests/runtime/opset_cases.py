"""One graph for each factory: functions of an opset module and of `x`, which makes inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Case = Callable[[Any, Any], Any]
F: Any = np.float32


def _a(*shape: int, low: float = -1.0, high: float = 1.0) -> Any:
    """An array that looks random and is always the same."""
    size = int(np.prod(shape))
    return (low + (high - low) * ((np.arange(size) * 0.6180339887) % 1.0)).reshape(shape).astype(F)


def _i(*values: int) -> Any:
    return np.array(values, np.int64)


UNARY: dict[str, tuple[float, float]] = {
    **dict.fromkeys(["absolute", "abs", "asinh", "atan", "ceil", "ceiling", "cos", "cosh", "erf", "exp"], (-3.0, 3.0)),
    **dict.fromkeys(["floor", "negative", "relu", "sign", "sin", "sinh", "softsign", "tanh"], (-3.0, 3.0)),
    **dict.fromkeys(["hsigmoid", "hswish", "mish", "sigmoid", "softplus"], (-4.0, 4.0)),
    **dict.fromkeys(["acos", "asin", "atanh", "tan"], (-0.9, 0.9)),
    **dict.fromkeys(["acosh", "log", "sqrt"], (1.1, 3.0)),
}
BINARY = ["add", "subtract", "multiply", "divide", "floor_mod", "maximum", "minimum", "mod", "squared_difference"]
COMPARING = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
LOGICAL = ["logical_and", "logical_or", "logical_xor"]
BITWISE = ["bitwise_and", "bitwise_or", "bitwise_xor"]
REDUCTIONS = ["reduce_sum", "reduce_prod", "reduce_mean", "reduce_max", "reduce_min", "reduce_l1", "reduce_l2"]


def _unary(name: str, low: float, high: float) -> Case:
    return lambda o, x: getattr(o, name)(x([2, 3, 4], low=low, high=high))


def _binary(name: str, dtype: str) -> Case:
    return lambda o, x: getattr(o, name)(x([2, 3], dtype, 1, 4), x([3], dtype, 1, 4))


def _reduction(name: str, dtype: str = "f32") -> Case:
    return lambda o, x: getattr(o, name)(x([2, 3, 4], dtype), _i(1, 2), True)


CASES: dict[str, Case] = {
    **{name: _unary(name, *bounds) for name, bounds in UNARY.items()},
    **{name: _binary(name, "f32") for name in BINARY},
    **{name: _binary(name, "i32") for name in (*COMPARING, *BITWISE)},
    **{name: _binary(name, "boolean") for name in LOGICAL},
    **{name: _reduction(name) for name in REDUCTIONS},
    "reduce_logical_and": _reduction("reduce_logical_and", "boolean"),
    "reduce_logical_or": _reduction("reduce_logical_or", "boolean"),
    "power": lambda o, x: o.power(x([2, 3], low=0.5, high=2), np.array(1.5, F)),
    "logical_not": lambda o, x: o.logical_not(x([4], "boolean")),
    "bitwise_not": lambda o, x: o.bitwise_not(x([4], "i32")),
    "bitwise_left_shift@15": lambda o, x: o.bitwise_left_shift(x([4], "i32", 0, 9), x([4], "i32", 0, 5)),
    "bitwise_right_shift@15": lambda o, x: o.bitwise_right_shift(x([4], "i32", 0, 99), x([4], "i32", 0, 5)),
    "gelu@2": lambda o, x: o.gelu(x([2, 3])),
    "gelu": lambda o, x: o.gelu(x([2, 3]), "tanh"),
    "adaptive_avg_pool": lambda o, x: o.adaptive_avg_pool(x([1, 2, 7, 5]), _i(3, 2)),
    "adaptive_max_pool": lambda o, x: o.adaptive_max_pool(x([1, 2, 7, 5]), _i(3, 2), "i32"),
    "avg_pool": lambda o, x: o.avg_pool(x([1, 2, 7, 7]), [2, 2], [1, 1], [0, 1], [3, 3], True, "ceil"),
    "avg_pool@14": lambda o, x: o.avg_pool(x([1, 2, 7]), [2], [0], [0], [3], False, "ceil_torch", "valid"),
    "avg_pool@16": lambda o, x: o.avg_pool(x([1, 2, 7]), [2], [0], [0], [3], False, "ceil_torch", "valid", [1]),
    "batch_norm_inference@1": lambda o, x: o.batch_norm_inference(
        x([2, 3, 4]), _a(3), _a(3), _a(3), _a(3, low=0.5, high=2), 1e-3
    ),
    "batch_norm_inference": lambda o, x: o.batch_norm_inference(
        x([2, 3, 4]), _a(3), _a(3), _a(3), _a(3, low=0.5, high=2), 1e-3
    ),
    "batch_to_space": lambda o, x: o.batch_to_space(x([4, 2, 2, 3]), _i(1, 1, 2, 2), _i(0, 0, 0, 1), _i(0, 0, 1, 0)),
    "broadcast@1": lambda o, x: o.broadcast(x([3]), _i(2, 3)),
    "broadcast": lambda o, x: o.broadcast(x([3]), _i(3, 2), _i(0), "EXPLICIT"),
    "bucketize": lambda o, x: o.bucketize(x([5]), F([-0.5, 0, 0.5]), "i32", False),
    "clamp": lambda o, x: o.clamp(x([5]), -0.5, 0.25),
    "col2im@15": lambda o, x: o.col2im(x([1, 12, 9]), _i(4, 4), _i(2, 2)),
    "concat": lambda o, x: o.concat([x([2, 3]), x([2, 1]), _a(2, 2)], -1),
    "constant": lambda o, x: o.add(o.constant([[1, 2], [3, 4]], dtype=F), x([2, 2])),
    "convert": lambda o, x: o.convert(x([4], low=-3, high=3), "i32"),
    "convert_like": lambda o, x: o.convert_like(x([4], low=-3, high=3), x([1], "i64")),
    "convolution": lambda o, x: o.convolution(x([1, 3, 6, 7]), _a(4, 3, 3, 2), [1, 2], [1, 0], [1, 1], [1, 1]),
    "convolution_backprop_data": lambda o, x: o.convolution_backprop_data(
        x([1, 3, 4, 5]), _a(3, 2, 3, 3), [2, 2], pads_begin=[1, 1], pads_end=[1, 1], output_padding=[1, 0]
    ),
    "cum_sum": lambda o, x: o.cum_sum(x([2, 3]), 1, True, True),
    "cumsum": lambda o, x: o.cumsum(x([2, 3]), 0),
    "deformable_convolution@1": lambda o, x: o.deformable_convolution(
        x([1, 2, 5, 5]), x([1, 18, 3, 3]), _a(3, 2, 3, 3), [1, 1], [0, 0], [0, 0], [1, 1]
    ),
    "deformable_convolution": lambda o, x: o.deformable_convolution(
        x([1, 2, 5, 5]), x([1, 18, 3, 3]), _a(3, 2, 3, 3), [1, 1], [0, 0], [0, 0], [1, 1], x([1, 9, 3, 3])
    ),
    "depth_to_space": lambda o, x: o.depth_to_space(x([1, 8, 2, 3]), "blocks_first", 2),
    "dft": lambda o, x: o.dft(x([2, 4, 2]), _i(1), _i(5)),
    "einsum": lambda o, x: o.einsum([x([2, 3]), x([3, 4])], "ij,jk->ki"),
    "elu": lambda o, x: o.elu(x([5]), 0.7),
    "extract_image_patches": lambda o, x: o.extract_image_patches(x([1, 1, 6, 6]), [3, 3], [2, 2], [1, 1], "valid"),
    "eye": lambda o, x: o.add(o.eye(_i(3)[0], _i(4)[0], _i(1)[0], "f32"), x([1])),
    "fake_quantize@1": lambda o, x: o.fake_quantize(x([6]), F(-1), F(1), F(-2), F(2), 16),
    "fake_quantize": lambda o, x: o.fake_quantize(x([6]), F(-1), F(1), F(-2), F(2), 256),
    "gather@1": lambda o, x: o.gather(x([3, 4]), _i(2, 0), _i(1)[0]),
    "gather@7": lambda o, x: o.gather(x([2, 4]), np.array([[3, 0], [1, 1]]), _i(1)[0], 1),
    "gather": lambda o, x: o.gather(x([3, 4]), _i(-1, 0), _i(1)[0]),
    "gather_elements": lambda o, x: o.gather_elements(x([2, 3]), np.array([[0, 2], [1, 1]]), 1),
    "gather_nd@5": lambda o, x: o.gather_nd(x([2, 3, 4]), np.array([[[1], [0]], [[2], [2]]]), 1),
    "gather_nd": lambda o, x: o.gather_nd(x([2, 3, 4]), np.array([[1, 2], [0, 0]])),
    "gather_tree": lambda o, x: o.gather_tree(
        x([3, 1, 2], "i32", 1, 9), x([3, 1, 2], "i32", 0, 2), np.array([3], np.int32), np.array(0, np.int32)
    ),
    "grid_sample": lambda o, x: o.grid_sample(
        x([1, 2, 4, 4]), x([1, 3, 3, 2]), {"align_corners": True, "mode": "bilinear", "padding_mode": "border"}
    ),
    "grn": lambda o, x: o.grn(x([1, 3, 2, 2]), 0.5),
    "group_convolution": lambda o, x: o.group_convolution(
        x([1, 4, 5, 5]), _a(2, 3, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1], "SAME_UPPER"
    ),
    "group_convolution_backprop_data": lambda o, x: o.group_convolution_backprop_data(
        x([1, 4, 3, 3]), _a(2, 2, 3, 3, 3), [2, 2], pads_begin=[1, 1], pads_end=[1, 1]
    ),
    "group_normalization": lambda o, x: o.group_normalization(x([2, 4, 3]), _a(4), _a(4), 2, 1e-4),
    "gru_cell": lambda o, x: o.gru_cell(
        x([2, 3]), x([2, 4]), _a(12, 3), _a(12, 4), _a(16), 4, linear_before_reset=True
    ),
    "gru_sequence": lambda o, x: o.gru_sequence(
        x([2, 5, 3]), x([2, 1, 4]), _i(5, 5), _a(1, 12, 3), _a(1, 12, 4), _a(1, 12), 4, "forward"
    ),
    "hard_sigmoid": lambda o, x: o.hard_sigmoid(x([5], low=-4, high=4), F(0.2), F(0.5)),
    "i420_to_bgr": lambda o, x: o.i420_to_bgr(x([1, 6, 4, 1], "u8", 0, 255)),
    "i420_to_rgb": lambda o, x: o.i420_to_rgb(
        x([1, 4, 4, 1], "u8", 0, 255), x([1, 2, 2, 1], "u8", 0, 255), x([1, 2, 2, 1], "u8", 0, 255)
    ),
    "idft": lambda o, x: o.idft(x([2, 4, 2]), _i(0, 1)),
    "identity@16": lambda o, x: o.identity(x([2, 3])),
    "interpolate@1": lambda o, x: o.interpolate(
        x([1, 2, 3, 3]), _i(6, 5), {"axes": [2, 3], "mode": "nearest", "align_corners": False}
    ),
    "interpolate@10": lambda o, x: o.interpolate(
        x([1, 2, 3, 3]), _i(6, 5), F([1, 1]), "linear", "sizes", axes=_i(2, 3)
    ),
    "interpolate": lambda o, x: o.interpolate(x([1, 2, 3, 3]), F([2, 1.5]), "cubic", "scales", axes=_i(2, 3)),
    "inverse@14": lambda o, x: o.inverse(o.add(x([2, 3, 3]), np.eye(3, dtype=F) * 5)),
    "irdft": lambda o, x: o.irdft(x([2, 4, 2]), _i(1)),
    "is_finite": lambda o, x: o.is_finite(o.log(x([6]))),
    "is_inf": lambda o, x: o.is_inf(o.divide(x([6]), F(0)), {"detect_negative": False}),
    "is_nan": lambda o, x: o.is_nan(o.sqrt(x([6]))),
    "log_softmax": lambda o, x: o.log_softmax(x([2, 5]), -1),
    "lrn": lambda o, x: o.lrn(x([1, 5, 2, 2]), _i(1), 0.5, 0.75, 1.0, 3),
    "lstm_cell@1": lambda o, x: o.lstm_cell(x([2, 3]), x([2, 4]), x([2, 4]), _a(16, 3), _a(16, 4), _a(16), 4),
    "lstm_cell": lambda o, x: o.lstm_cell(x([2, 3]), x([2, 4]), x([2, 4]), _a(16, 3), _a(16, 4), _a(16), 4, clip=0.9),
    "lstm_sequence": lambda o, x: o.lstm_sequence(
        x([2, 5, 3]), x([2, 2, 4]), x([2, 2, 4]), _i(5, 5), _a(2, 16, 3), _a(2, 16, 4), _a(2, 16), 4, "BIDIRECTIONAL"
    ),
    "matmul": lambda o, x: o.matmul(x([3, 2]), x([4, 3]), True, True),
    "max_pool@1": lambda o, x: o.max_pool(x([1, 2, 7, 7]), [2, 2], [1, 1], [0, 1], [3, 3], "ceil"),
    "max_pool": lambda o, x: o.max_pool(x([1, 2, 7]), [2], [2], [0], [1], [3], "floor", "explicit", "i32", 2),
    "max_pool@14": lambda o, x: o.max_pool(x([1, 2, 7]), [2], [1], [0], [1], [3], "ceil_torch"),
    "mvn@2": lambda o, x: o.mvn(x([1, 2, 3, 3]), True, True, 1e-6),
    "mvn": lambda o, x: o.mvn(x([1, 2, 3, 3]), _i(2, 3), True, 1e-6, "outside_sqrt"),
    "non_max_suppression@1": lambda o, x: o.non_max_suppression(
        x([1, 4, 4]), x([1, 2, 4]), _i(2)[0], F(0.5), F(0.0), "center"
    ),
    "non_max_suppression@3": lambda o, x: o.non_max_suppression(
        x([1, 4, 4]), x([1, 2, 4]), _i(2)[0], F(0.5), F(0.0), "center", False, "i32"
    ),
    "non_max_suppression@5": lambda o, x: o.non_max_suppression(
        x([1, 4, 4]), x([1, 2, 4]), _i(2)[0], F(0.5), F(0.0), F(0.0), "center", True, "i32"
    ),
    "non_max_suppression": lambda o, x: o.non_max_suppression(
        x([1, 4, 4]), x([1, 2, 4]), _i(2)[0], F(0.5), F(0.0), F(0.0), "center"
    ),
    "non_zero": lambda o, x: o.non_zero(x([2, 3], "i32", 0, 2), "i32"),
    "normalize_l2": lambda o, x: o.normalize_l2(x([1, 3, 2]), _i(1), 1e-6, "add"),
    "nv12_to_bgr": lambda o, x: o.nv12_to_bgr(x([1, 6, 4, 1], "u8", 0, 255)),
    "nv12_to_rgb": lambda o, x: o.nv12_to_rgb(x([1, 4, 4, 1], "u8", 0, 255), x([1, 2, 2, 2], "u8", 0, 255)),
    "one_hot": lambda o, x: o.one_hot(x([4], "i32", 0, 3), _i(3)[0], F(2), F(-1), 0),
    "one_hot@16": lambda o, x: o.one_hot(x([4], "i32", 0, 3), _i(3)[0], F(2), F(-1), -1),
    "pad": lambda o, x: o.pad(x([2, 3]), _i(0, 1), _i(1, 2), "constant", F(0.5)),
    "pad@1": lambda o, x: o.pad(x([3, 4]), _i(0, 1), _i(1, 2), "reflect"),
    "parameter": lambda o, x: x([2, 3], "i32", 0, 9),
    "prelu": lambda o, x: o.prelu(x([2, 3, 2]), _a(3)),
    "range@1": lambda o, x: o.add(o.range(F(1), F(4), F(0.5)), x([1])),
    "range": lambda o, x: o.add(o.range(_i(1)[0], _i(7)[0], _i(2)[0], "f32"), x([1])),
    "rdft": lambda o, x: o.rdft(x([2, 5]), _i(1), _i(4)),
    "reshape": lambda o, x: o.reshape(x([2, 3, 4]), _i(0, -1), True),
    "result": lambda o, x: o.result(o.relu(x([2, 3]))),
    "reverse_sequence": lambda o, x: o.reverse_sequence(x([3, 4]), _i(1, 4, 2), 0, 1),
    "rnn_cell": lambda o, x: o.rnn_cell(x([2, 3]), x([2, 4]), _a(4, 3), _a(4, 4), _a(4), 4, ["sigmoid"], [], []),
    "rnn_sequence": lambda o, x: o.rnn_sequence(
        x([2, 5, 3]), x([2, 1, 4]), _i(5, 5), _a(1, 4, 3), _a(1, 4, 4), _a(1, 4), 4, "REVERSE"
    ),
    "roi_align@3": lambda o, x: o.roi_align(
        x([1, 2, 8, 8]), F([[1, 1, 6, 6], [0, 2, 5, 7]]), _i(0, 0), 2, 3, 2, 1.0, "avg"
    ),
    "roi_align": lambda o, x: o.roi_align(
        x([1, 2, 8, 8]), F([[1, 1, 6, 6], [0, 2, 5, 7]]), _i(0, 0), 2, 3, 2, 0.5, "max", "half_pixel"
    ),
    "roi_pooling": lambda o, x: o.roi_pooling(x([1, 2, 8, 8]), F([[0, 1, 1, 6, 6]]), [2, 3], 1.0, "max"),
    "roll": lambda o, x: o.roll(x([2, 5]), _i(2), _i(1)),
    "round": lambda o, x: o.round(x([7], low=-3, high=3), "half_away_from_zero"),
    "scaled_dot_product_attention": lambda o, x: o.scaled_dot_product_attention(
        x([1, 3, 4]), x([1, 5, 4]), x([1, 5, 2]), None, F(0.5)
    ),
    "scatter_elements_update@3": lambda o, x: o.scatter_elements_update(
        x([2, 3]), np.array([[0, 2], [1, 0]]), x([2, 2]), _i(1)[0]
    ),
    "scatter_elements_update": lambda o, x: o.scatter_elements_update(
        x([2, 3]), np.array([[0, 0], [1, 0]]), x([2, 2]), _i(1)[0], "sum", False
    ),
    "scatter_nd_update": lambda o, x: o.scatter_nd_update(x([4, 2]), np.array([[2], [0]]), x([2, 2])),
    "scatter_nd_update@15": lambda o, x: o.scatter_nd_update(x([4, 2]), np.array([[2], [0]]), x([2, 2]), "max"),
    "scatter_update": lambda o, x: o.scatter_update(x([4, 2]), _i(2, 0), x([2, 2]), _i(0)[0]),
    "search_sorted@15": lambda o, x: o.search_sorted(F([[-0.5, 0, 0.5]]), x([1, 4]), True),
    "select": lambda o, x: o.select(x([2, 3], "boolean"), x([2, 3]), x([3])),
    "selu": lambda o, x: o.selu(x([5]), F(1.6), F(1.05)),
    "shape_of@1": lambda o, x: o.shape_of(x([2, 3])),
    "shape_of": lambda o, x: o.shape_of(x([2, 3]), "i32"),
    "shuffle_channels": lambda o, x: o.shuffle_channels(x([1, 6, 2]), 1, 3),
    "slice": lambda o, x: o.slice(x([4, 6]), _i(0, 5), _i(4, -7), _i(2, -2), _i(0, 1)),
    "slice_scatter@15": lambda o, x: o.slice_scatter(x([4, 6]), x([2, 6]), _i(1), _i(3), _i(1), _i(0)),
    "softmax@1": lambda o, x: o.softmax(x([2, 5]), 1),
    "softmax": lambda o, x: o.softmax(x([2, 5]), -2),
    "space_to_batch": lambda o, x: o.space_to_batch(x([1, 2, 4, 3]), _i(1, 1, 2, 2), _i(0, 0, 0, 1), _i(0, 0, 0, 0)),
    "space_to_depth": lambda o, x: o.space_to_depth(x([1, 2, 4, 6]), "depth_first", 2),
    "split": lambda o, x: o.split(x([2, 6]), _i(1)[0], 3),
    "squeeze": lambda o, x: o.squeeze(x([1, 3, 1]), _i(0)),
    "squeeze@15": lambda o, x: o.squeeze(x([1, 3, 1])),
    "strided_slice": lambda o, x: o.strided_slice(
        x([3, 4, 5]), _i(1, 0, 0), _i(3, 2, 0), _i(1, 1, 2), [0, 0, 1], [0, 0, 1], [], [0, 0, 0]
    ),
    "swish": lambda o, x: o.swish(x([5]), F(0.8)),
    "tile": lambda o, x: o.tile(x([2, 3]), _i(2, 1, 2)),
    "topk@1": lambda o, x: o.topk(x([2, 5]), _i(3)[0], 1, "max", "value"),
    "topk@3": lambda o, x: o.topk(x([2, 5]), _i(3)[0], 1, "min", "index", "i64"),
    "topk": lambda o, x: o.topk(x([2, 5]), _i(3)[0], -1, "max", "value", "i64", True),
    "transpose": lambda o, x: o.transpose(x([2, 3, 4]), _i(2, 0, 1)),
    "unique": lambda o, x: o.unique(x([6], "i32", 0, 3), None, True, "i32", "i64"),
    "unsqueeze": lambda o, x: o.unsqueeze(x([2, 3]), _i(0, 3)),
    "variadic_split": lambda o, x: o.variadic_split(x([2, 6]), _i(1)[0], _i(1, -1, 2)),
}
"""By the name of the factory, with the opset where it is not 13."""
