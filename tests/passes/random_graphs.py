"""Random graphs of what rules look for: layers, written-out activations, movements, and constants near those meant."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from vinoc.ir import Graph
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import DType
from vinoc.ir.graph import Value
from vinoc.ir.types import TensorType

NUMBERS = (0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 6.0, 1 / 6, math.sqrt(2), 1 / math.sqrt(2), 0.3, 1.5)
UNARY = ("ReLU", "Sigmoid", "Tanh", "Abs", "Negative", "HSigmoid", "HSwish", "SoftPlus", "Erf", "Identity")
STRIDES = {"strides": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "dilations": (1, 1)}


class Maker:
    """Grows a graph of tensors [N, C, H, W], a step at a time."""

    def __init__(self, seed: int, dtype: DType, steps: int = 12, quantized: bool = True) -> None:
        self.rng = random.Random(seed)
        self.arrays = np.random.default_rng(seed)
        self.dtype = dtype
        self.graph = Graph("random")
        self.b = Builder(self.graph)
        shape = (1, self.rng.choice((2, 4)), 4, self.rng.choice((4, 6)))
        self.values = [self.graph.add_input(TensorType(dtype, shape), name) for name in ("x", "u")]
        kinds: list[Callable[[Value], Value]] = [
            self.unary, self.binary, self.affine, self.limited, self.activation, self.softmax, self.normal,
            self.convolution, self.product, self.transposed, self.reshaped, self.parted, self.reduced, self.sliced,
            self.padded, self.attention, self.blocks, self.gathered, self.converted,
            *([self.quantized] if quantized else []),
        ]  # fmt: skip
        for _ in range(steps):
            value = self.rng.choice(self.values[-4:])
            self.values.append(self.rng.choice(kinds)(value))
        self.finish()

    def finish(self) -> None:
        ends = [v for v in self.values if v.node is not None and not v.n_uses] or self.values[-1:]
        for i, v in enumerate(ends):
            self.graph.add_output(v if v.node is not None else self.b.ReLU(v), f"out{i}")

    def const(self, *shape: int) -> Value:
        return self.b.const(self.arrays.uniform(0.5, 1.5, shape).astype(self.dtype.numpy))

    def number(self) -> Value:
        value = np.array(self.rng.choice(NUMBERS), self.dtype.numpy)
        return self.b.const(value.reshape(self.rng.choice(((), (1,), (1, 1, 1, 1)))))

    def factor(self, v: Value) -> Value:
        _, c, h, w = v.shape
        return self.const(*self.rng.choice(((), (1, c, 1, 1), (c, 1, 1), (w,), (h, 1), (1, 1, 1, w), (1, c, h, w))))

    def unary(self, v: Value) -> Value:
        return getattr(self.b, self.rng.choice(UNARY))(v)

    def binary(self, v: Value) -> Value:
        others = [o for o in self.values if o.shape == v.shape] or [v]
        kind = self.rng.choice(("Add", "Subtract", "Multiply", "Maximum", "Minimum", "SquaredDifference"))
        return getattr(self.b, kind)(v, self.rng.choice(others))

    def affine(self, v: Value) -> Value:
        for _ in range(self.rng.randint(1, 3)):
            kind = self.rng.choice(("Add", "Subtract", "Multiply", "Divide"))
            v = getattr(self.b, kind)(v, self.rng.choice((self.factor(v), self.const())))
        return v

    def limited(self, v: Value) -> Value:
        for _ in range(self.rng.randint(1, 2)):
            v = getattr(self.b, self.rng.choice(("Maximum", "Minimum", "Add", "Multiply")))(v, self.number())
        return v

    def activation(self, v: Value) -> Value:
        b = self.b
        number = self.number
        forms: list[Callable[[], Value]] = [
            lambda: b.Multiply(v, b.Sigmoid(v)),
            lambda: b.Multiply(v, b.Sigmoid(b.Multiply(v, self.const()))),
            lambda: b.Divide(b.Clamp(b.Add(v, 3.0), min=0.0, max=6.0), self.b.const(np.array(6, self.dtype.numpy))),
            lambda: b.Multiply(b.Multiply(v, b.Add(b.Erf(b.Divide(v, math.sqrt(2))), 1.0)), number()),
            lambda: b.Maximum(v, b.Multiply(v, self.const())),
            lambda: b.Subtract(b.ReLU(v), b.Multiply(b.ReLU(b.Negative(v)), self.const(v.shape[1], 1, 1))),
            lambda: b.Divide(1.0, b.Add(b.Exp(b.Negative(b.Clamp(v, min=-9.0, max=9.0))), 1.0)),
            lambda: b.Divide(v, b.Add(b.Abs(v), 1.0)),
            lambda: b.Multiply(v, b.Tanh(b.SoftPlus(v))),
            lambda: b.Clamp(b.ReLU(v), min=-1.0, max=2.0),
        ]
        return self.rng.choice(forms)()

    def softmax(self, v: Value) -> Value:
        b, axis = self.b, np.array([self.rng.choice((1, 2, -1))], np.int64)
        shifted = b.Subtract(v, b.ReduceMax(v, axis, keep_dims=True))
        powers = b.Exp(shifted)
        out = b.Divide(powers, b.ReduceSum(powers, axis, keep_dims=True))
        return b.Log(b.Add(out, 0.01)) if self.rng.random() < 0.3 else out

    def normal(self, v: Value) -> Value:
        b, axes = self.b, np.array(self.rng.choice(([1], [-1], [2, 3])), np.int64)
        mean = b.ReduceMean(v, axes, keep_dims=True)
        centred = b.Subtract(v, mean)
        variance = b.ReduceMean(b.Multiply(centred, centred), axes, keep_dims=True)
        root = b.Sqrt(b.Add(variance, 0.01))
        if self.rng.random() < 0.3:
            return b.Divide(v, b.Sqrt(b.Add(b.ReduceSum(b.Multiply(v, v), axes, keep_dims=True), 0.1)))
        out = b.Divide(centred, root) if self.rng.random() < 0.5 else b.Multiply(centred, b.Divide(1.0, root))
        return self.affine(out)

    def convolution(self, v: Value) -> Value:
        c = v.shape[1]
        kernel, options = self.rng.choice(((3, STRIDES), (1, {**STRIDES, "pads_begin": (0, 0), "pads_end": (0, 0)})))
        if kernel == 1 and self.rng.random() < 0.4 and v.shape[2] % 2 == 0 and v.shape[3] % 2 == 0:
            options = {**options, "strides": (2, 2)}
        if self.rng.random() < 0.3:
            return self.b.GroupConvolution(v, self.const(c, 1, 1, kernel, kernel), **options)
        out = self.b.Convolution(v, self.const(4, c, kernel, kernel), **options)
        return self.b.Multiply(out, 0.1)

    def product(self, v: Value) -> Value:
        return self.b.Multiply(self.b.MatMul(v, self.const(v.shape[-1], 4)), 0.2)

    def transposed(self, v: Value) -> Value:
        order = self.rng.choice(((0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2)))
        moved = self.b.Transpose(v, np.array(order, np.int64))
        if self.rng.random() < 0.7:
            moved = getattr(self.b, self.rng.choice(UNARY))(moved)
            moved = self.b.Transpose(moved, np.array(np.argsort(order), np.int64))
        return moved

    def reshaped(self, v: Value) -> Value:
        n, c, h, w = v.shape
        flat = self.b.Reshape(v, np.array([n, c * h, w] if self.rng.random() < 0.5 else [n, c, h * w], np.int64))
        return self.b.Reshape(flat, np.array([n, c, h, w] if self.rng.random() < 0.5 else [n, h, c, w], np.int64))

    def parted(self, v: Value) -> Value:
        axis = next((a for a in (1, 2, 3) if v.shape[a] % 2 == 0), None)
        if axis is None:
            return self.b.Concat(v, v, axis=1)
        parts = list(self.b.Split(v, np.array(axis, np.int64), num_splits=2))
        if self.rng.random() < 0.5:
            parts = parts[::-1]
        return self.b.Concat(*parts, axis=axis)

    def reduced(self, v: Value) -> Value:
        kind = getattr(self.b, self.rng.choice(("ReduceMean", "ReduceSum", "ReduceMax")))
        axes = np.array(self.rng.choice(([2], [3], [2, 3])), np.int64)
        if self.rng.random() < 0.5:
            return kind(v, axes, keep_dims=True)
        return self.b.Unsqueeze(kind(v, axes, keep_dims=False), axes)

    def sliced(self, v: Value) -> Value:
        start, stop = self.rng.choice(((0, 10**9), (0, 1), (1, 3)))
        lists = [np.array([n], np.int64) for n in (start, stop, 1, 3)]
        return self.b.Slice(v, *lists) if v.shape[3] > 1 else v

    def padded(self, v: Value) -> Value:
        amount = [0, 0, self.rng.randint(0, 1), 1]
        pads = [np.array(amount, np.int64), np.array(amount[::-1] if amount[2] else amount, np.int64)]
        wide = self.b.Pad(v, *pads, 0.0, pad_mode="constant")
        return self.convolution(wide) if self.rng.random() < 0.6 else wide

    def quantized(self, v: Value) -> Value:
        low, high = self.rng.choice(((-1.0, 1.0), (0.0, 2.0)))
        source = self.b.ReLU(v) if self.rng.random() < 0.5 else v
        # Many levels: where a rule's last bit decides between two, they are close.
        ends = [np.array(e, self.dtype.numpy) for e in (low, high, low, high)]
        out = self.b.FakeQuantize(source, *ends, levels=65536)
        return self.b.Multiply(out, self.const()) if self.rng.random() < 0.5 else out

    def attention(self, v: Value) -> Value:
        b = self.b
        keys = b.Transpose(v, np.array((0, 1, 3, 2), np.int64)) if self.rng.random() < 0.5 else None
        scores = b.MatMul(v, keys) if keys is not None else b.MatMul(v, v, transpose_b=True)
        weights = b.SoftMax(b.Multiply(scores, self.const()), axis=-1)
        return b.MatMul(weights, v)

    def blocks(self, v: Value) -> Value:
        n, c, h, w = v.shape
        if c % 2:
            return v
        parted = self.b.Reshape(v, np.array([n, 2, c // 2, h, w], np.int64))
        order = self.rng.choice(((0, 2, 1, 3, 4), (0, 1, 2, 4, 3)))
        moved = self.b.Transpose(parted, np.array(order, np.int64))
        return self.b.Reshape(moved, np.array([n, c, h, w], np.int64))

    def gathered(self, v: Value) -> Value:
        c = v.shape[1]
        order = list(range(c)) if self.rng.random() < 0.4 else list(range(c))[::-1]
        picked = self.b.Gather(v, np.array(order, np.int64), np.array(1, np.int64))
        return self.convolution(picked) if self.rng.random() < 0.5 else picked

    def converted(self, v: Value) -> Value:
        between = "f64" if self.rng.random() < 0.5 else self.dtype.name
        wide = self.b.Convert(v, destination_type=DType.registry[between])
        return self.b.Convert(wide, destination_type=self.dtype)
