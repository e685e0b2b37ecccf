"""How much of what onnxruntime gives for a model of integers is its processor's doing.

    python benchmarks/saturation.py MODEL.onnx IO.npz

Where there is no VNNI, onnxruntime multiplies u8 by i8 with vpmaddubsw, which adds the products of two neighbours in
16 bits and saturates. This computes onnxruntime's own optimized graph in NumPy, with exact sums and with such pairs,
and counts the outputs that are what onnxruntime gives on this machine, and what is stored in IO (c<case>_in0, out0).
Depthwise convolutions are exact in both: their kernels add in 32 bits.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from vinoc.ir.dtype import Array

S16 = np.iinfo(np.int16)


def exact(a: Array, b: Array) -> Array:
    """a [m, k] times b [k, n], all sums whole numbers that f64 holds."""
    return np.asarray((a.astype(np.float64) @ b.astype(np.float64)).astype(np.int32))


def saturated(a: Array, b: Array) -> Array:
    """The same, where sums of the products of elements 2i and 2i + 1 are limited to 16 bits."""
    odd = a.shape[1] % 2
    a, b = np.pad(a, ((0, 0), (0, odd))), np.pad(b, ((0, odd), (0, 0)))
    out = np.zeros((len(a), b.shape[1]), np.int32)
    for k in range(0, len(b), 2):
        pair = a[:, k, None] * b[k] + a[:, k + 1, None] * b[k + 1]
        out += np.clip(pair, S16.min, S16.max)
    return out


class Emulator:
    """onnxruntime's graph of integers, channels last; `product` is that of two matrices of i32."""

    def __init__(self, model: onnx.ModelProto, product: Callable[[Array, Array], Array]) -> None:
        self.nodes, self.product = list(model.graph.node), product
        self.constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        self.output = model.graph.output[0].name

    def run(self, name: str, data: Array) -> Array:
        values: dict[str, Array] = self.constants | {name: data}
        for node in self.nodes:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            compute: Callable[..., Array] = getattr(self, node.op_type)
            values[node.output[0]] = compute(*(values[n] for n in node.input), **attributes)
        return values[self.output]

    def QuantizeLinear(self, x: Array, scale: Array, zero: Array) -> Array:
        return np.asarray(np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.uint8))

    def DequantizeLinear(self, q: Array, scale: Array, zero: Array) -> Array:
        return np.asarray((q.astype(np.int32) - zero).astype(np.float32) * scale)

    def Transpose(self, x: Array, perm: list[int]) -> Array:
        return x.transpose(perm)

    def Flatten(self, x: Array, axis: int) -> Array:
        return x.reshape(int(np.prod(x.shape[:axis])), -1)

    def QLinearAdd(
        self, a: Array, a_scale: Array, a_zero: Array, b: Array, b_scale: Array, b_zero: Array,
        scale: Array, zero: Array,
    ) -> Array:  # fmt: skip
        total = self.DequantizeLinear(a, a_scale, a_zero) + self.DequantizeLinear(b, b_scale, b_zero)
        return self.QuantizeLinear(total, scale, zero)

    def QLinearGlobalAveragePool(
        self, x: Array, x_scale: Array, x_zero: Array, scale: Array, zero: Array, channels_last: int
    ) -> Array:
        count = np.float32(x.shape[1] * x.shape[2])
        sums = (x.astype(np.int32) - x_zero).sum((1, 2), keepdims=True)
        return requantized(sums, x_scale / (scale * count), zero)

    def QGemm(
        self, x: Array, x_scale: Array, x_zero: Array, w: Array, w_scale: Array, w_zero: Array, bias: Array,
        scale: Array, zero: Array, **attributes: Any,
    ) -> Array:  # fmt: skip
        weights = w.T.astype(np.int32)
        sums = self.product(x.astype(np.int32), weights) - x_zero.astype(np.int32) * weights.sum(0) + bias
        return requantized(sums, x_scale * w_scale / scale, zero)

    def QLinearConv(
        self, x: Array, x_scale: Array, x_zero: Array, w: Array, w_scale: Array, w_zero: Array,
        scale: Array, zero: Array, bias: Array,
        group: int, pads: list[int], strides: list[int], channels_last: int, **attributes: Any,
    ) -> Array:  # fmt: skip
        rows = windows(x, w.shape[2:], pads, strides, int(x_zero.reshape(-1)[0])).astype(np.int32)
        weights = w.transpose(2, 3, 1, 0).reshape(-1, len(w)).astype(np.int32)  # [taps * channels, out]
        offset = x_zero.astype(np.int32)
        if group == 1:
            flat = rows.reshape(-1, len(weights))
            sums = (self.product(flat, weights) - offset * weights.sum(0)).reshape(*rows.shape[:3], -1)
        else:
            sums = np.einsum("nhwtc,tc->nhwc", rows - offset, weights)
        return requantized(sums + bias, x_scale * w_scale / scale, zero)


def windows(x: Array, kernel: tuple[int, ...], pads: list[int], strides: list[int], zero: int) -> Array:
    """What a convolution's taps read, [n, h, w, taps, channels], of an image [n, h, w, channels]."""
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=zero)
    found = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return np.moveaxis(found.reshape(*found.shape[:4], -1), 3, 4)


def requantized(sums: Array, scale: Array, zero: Array) -> Array:
    """u8 of sums in i32, as MLAS rounds them: one product in f32, halves to even, then the zero point."""
    return np.asarray(np.clip(np.rint(sums.astype(np.float32) * scale) + zero, 0, 255).astype(np.uint8))


def main(path: str, stored: str) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        model = onnx.load(options.optimized_model_filepath)
    name = session.get_inputs()[0].name
    data = np.load(stored)
    print("| case | sums | as onnxruntime here | as stored | largest difference to stored |\n|---|---|---|---|---|")
    for case in range(len(data.files) // 2):
        wanted = data[f"c{case}_out0"]
        here = session.run(None, {name: data[f"c{case}_in0"]})[0]
        for product in (exact, saturated):
            found = Emulator(model, product).run(name, data[f"c{case}_in0"])
            equal = [f"{int((found == other).sum())} of {found.size}" for other in (here, wanted)]
            print(f"| {case} | {product.__name__} | {equal[0]} | {equal[1]} | {np.abs(found - wanted).max():.3g} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
