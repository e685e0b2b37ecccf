"""Spectra, windows, random numbers, determinants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .....ir.builder import Builder
from .....ir.dtype import DType, f32, f64, i32, i64
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import arange, axis_of, dim, dims, element_type, ints, number, rank, scalar, to, to_i64, vector

# Spectra. ONNX holds complex numbers as a last dimension of two (or one: real); OpenVINO too, without the one.


@converter("DFT", since=17)
def dft_attribute(ctx: NodeContext) -> Value:
    return _dft(ctx, ints(ctx.b, [axis_of(ctx, ctx.input(0), ctx.attr("axis", 1))]))


@converter("DFT", since=20)
def dft(ctx: NodeContext) -> Value:
    b, whole, given = ctx.b, rank(ctx, ctx.input(0)), ctx.optional(2)
    if given is None:
        return _dft(ctx, ints(b, [whole - 2]))
    axis = vector(b, to_i64(b, given))
    return _dft(ctx, b.Select(b.Less(axis, 0), b.Add(axis, whole), axis))


def _dft(ctx: NodeContext, axis: Value) -> Value:
    """`axis` is a vector of one, counted from the front. An inverse of half a spectrum is real."""
    b, x, length = ctx.b, ctx.input(0), ctx.optional(1)
    inverse, onesided = ctx.attr("inverse", 0), ctx.attr("onesided", 0)
    size = [] if length is None else [vector(b, to_i64(b, length))]
    real = _is_real(ctx, x)
    if onesided and not inverse:
        return b.RDFT(_real_part(b, x), axis, *size)
    x = _complex(b, x) if real else x
    if onesided:
        return b.Unsqueeze(b.IRDFT(x, axis, *size), [-1])
    return (b.IDFT if inverse else b.DFT)(x, axis, *size)


def _is_real(ctx: NodeContext, x: Value) -> bool:
    """True where the last dimension, real and imaginary part, is one."""
    last = x.shape[-1] if x.shape else None
    if last not in (1, 2):
        ctx.fail(f"the last dimension of {x.type} must be 1 (real) or 2 (complex)", "give the shapes of the inputs")
    return last == 1


def _real_part(b: Builder, x: Value) -> Value:
    return b.Gather(x, number(b, 0, i64), -1, batch_dims=0)


def _complex(b: Builder, x: Value) -> Value:
    """Real numbers with an imaginary part of zero beside."""
    return b.Concat(x, b.Broadcast(number(b, 0, x.dtype), dims(b, x), mode="numpy"), axis=-1)


@converter("STFT", since=17)
def stft(ctx: NodeContext) -> Value:
    """[batch, frames, bins, 2]: the spectrum of each windowed frame.

    Frames are gathered, weighted, transformed, which also serves complex signals and two-sided spectra.
    """
    b, signal, step = ctx.b, ctx.input(0), scalar(ctx.b, to_i64(ctx.b, ctx.input(1)))
    window, given = ctx.optional(2), ctx.optional(3)
    if rank(ctx, signal) == 3:
        real = _is_real(ctx, signal)
        signal = _real_part(b, signal) if real else signal
    else:
        real = True
    if given is not None:
        length = scalar(b, to_i64(b, given))
    elif window is not None:
        length = scalar(b, dim(b, window, 0))
    else:
        ctx.fail("neither `window` nor `frame_length` is given", "one of them must say how long a frame is")
    onesided = bool(ctx.attr("onesided", 1))
    if onesided and not real:
        ctx.fail("a one-sided spectrum of a complex signal is asked for", "set `onesided` to 0")
    last = b.Divide(b.Subtract(scalar(b, dim(b, signal, 1)), length), step)
    starts = b.Multiply(arange(b, b.Add(last, 1)), step)
    places = b.Add(b.Unsqueeze(starts, [1]), arange(b, length))  # [frames, length]
    frames = b.Gather(signal, places, 1, batch_dims=0)
    if window is not None:
        frames = b.Multiply(frames, window if real else b.Unsqueeze(window, [1]))
    if onesided:
        return b.RDFT(frames, [2])
    return b.DFT(_complex(b, b.Unsqueeze(frames, [3])) if real else frames, [2])


# Windows: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N).


def _window(name: str, a0: float, a1: float, a2: float) -> None:
    @converter(name, since=17)
    def convert(ctx: NodeContext) -> Value:
        b, size = ctx.b, scalar(ctx.b, to_i64(ctx.b, ctx.input(0)))
        out_type = element_type(ctx, "output_datatype", f32)
        length = size if ctx.attr("periodic", 1) else b.Subtract(size, 1)
        work = f64 if out_type is f64 else f32
        angle = b.Divide(b.Multiply(to(b, arange(b, size), work), 2 * np.pi), to(b, length, work))
        out = b.Subtract(number(b, a0, work), b.Multiply(b.Cos(angle), a1))
        if a2:
            out = b.Add(out, b.Multiply(b.Cos(b.Multiply(angle, 2.0)), a2))
        return to(b, out, out_type)


_window("HannWindow", 0.5, 0.5, 0.0)
_window("HammingWindow", 25 / 46, 21 / 46, 0.0)
_window("BlackmanWindow", 0.42, 0.5, 0.08)


@converter("MelWeightMatrix", since=17)
def mel_weight_matrix(ctx: NodeContext) -> Value:
    """Triangular filters [bins of a spectrum, mel bands]: a constant where the inputs are."""
    b = ctx.b
    counts = [scalar(b, to_i64(b, ctx.input(i))) for i in range(3)]
    edges = [scalar(b, to(b, ctx.input(i), f64)) for i in (3, 4)]
    return b.MelWeightMatrix(*counts, *edges, output_type=element_type(ctx, "output_datatype", f32))


@converter("ImageDecoder", since=20)
def image_decoder(ctx: NodeContext) -> Value:
    """The pixels of a file: baseline JPEG, PNG, BMP, PNM, plain TIFF; JPEG 2000 and WebP fail when they come."""
    return ctx.b.ImageDecoder(ctx.input(0), pixel_format=ctx.attr("pixel_format", "RGB"))


# Random numbers. A seed gives the same numbers in every run, though not those of another runtime.


def _seeds(ctx: NodeContext) -> dict[str, int]:
    """A seed is a float in ONNX, an integer (0: none) in OpenVINO: the bits keep 0.5 and 0.25 apart."""
    seed = int(np.float32(ctx.attr("seed")).view(np.uint32)) if ctx.has("seed") else 0
    return {"global_seed": 0, "op_seed": seed}


def _uniform(ctx: NodeContext, shape: Value, low: float, high: float, out_type: DType, salt: int = 0) -> Value:
    seeds = _seeds(ctx)
    seeds["op_seed"] += salt if seeds["op_seed"] else 0
    bounds = number(ctx.b, low, out_type), number(ctx.b, high, out_type)
    return ctx.b.RandomUniform(shape, *bounds, output_type=out_type, alignment="tensorflow", **seeds)


def _normal(ctx: NodeContext, shape: Value, out_type: DType) -> Value:
    """Box and Muller: sqrt(-2 log u) cos(2 pi v) is normal for uniform u, v; u is kept away from zero."""
    b = ctx.b
    u = _uniform(ctx, shape, float(np.finfo(np.float32).tiny), 1.0, f32)
    v = _uniform(ctx, shape, 0.0, 2 * np.pi, f32, salt=1)
    unit = b.Multiply(b.Sqrt(b.Multiply(b.Log(u), -2.0)), b.Cos(v))
    return to(b, b.Add(b.Multiply(unit, float(ctx.attr("scale", 1.0))), float(ctx.attr("mean", 0.0))), out_type)


def _uniform_between(ctx: NodeContext, shape: Value, out_type: DType) -> Value:
    return _uniform(ctx, shape, ctx.attr("low", 0.0), ctx.attr("high", 1.0), out_type)


@converter("RandomUniform", since=1)
def random_uniform(ctx: NodeContext) -> Value:
    return _uniform_between(ctx, ints(ctx.b, ctx.attr("shape")), element_type(ctx, "dtype", f32))


@converter("RandomUniformLike", since=1)
def random_uniform_like(ctx: NodeContext) -> Value:
    return _uniform_between(ctx, dims(ctx.b, ctx.input(0)), element_type(ctx, "dtype", ctx.input(0).dtype))


@converter("RandomNormal", since=1)
def random_normal(ctx: NodeContext) -> Value:
    return _normal(ctx, ints(ctx.b, ctx.attr("shape")), element_type(ctx, "dtype", f32))


@converter("RandomNormalLike", since=1)
def random_normal_like(ctx: NodeContext) -> Value:
    return _normal(ctx, dims(ctx.b, ctx.input(0)), element_type(ctx, "dtype", ctx.input(0).dtype))


@converter("Bernoulli", since=15)
def bernoulli(ctx: NodeContext) -> Value:
    b, p = ctx.b, ctx.input(0)
    drawn = b.Less(_uniform(ctx, dims(b, p), 0.0, 1.0, p.dtype), p)
    return to(b, drawn, element_type(ctx, "dtype", p.dtype))


@converter("Multinomial", since=7)
def multinomial(ctx: NodeContext) -> Value:
    return ctx.b.Multinomial(
        ctx.input(0),
        ints(ctx.b, [ctx.attr("sample_size", 1)]),
        convert_type=element_type(ctx, "dtype", i32),
        with_replacement=True,
        log_probs=True,
        **_seeds(ctx),
    )


@converter("Det", since=11)
def det(ctx: NodeContext) -> Value:
    """Determinants of matrices up to 4 x 4, by expansion along the first row."""
    b, x = ctx.b, ctx.input(0)
    n = x.shape[-1] if x.shape is not None and rank(ctx, x) >= 2 else None
    if not isinstance(n, int) or not 1 <= n <= 4:
        ctx.fail(f"the determinant of {x.type} is not supported", "matrices of 1 x 1 to 4 x 4 are")
    rows = [b.Gather(x, number(b, i, i64), -2, batch_dims=0) for i in range(n)]
    cells = [[b.Gather(row, number(b, i, i64), -1, batch_dims=0) for i in range(n)] for row in rows]
    return _expand(b, cells)


def _expand(b: Builder, cells: Sequence[Sequence[Value]]) -> Value:
    if len(cells) == 1:
        return cells[0][0]
    total: Value | None = None
    for i, head in enumerate(cells[0]):
        term = b.Multiply(head, _expand(b, [[*row[:i], *row[i + 1 :]] for row in cells[1:]]))
        total = term if total is None else (b.Subtract if i % 2 else b.Add)(total, term)
    assert total is not None
    return total
