"""Which values are channels-last: no copy turns an image round that could have been made as it is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call

from .checked import build, check

POINT: Any = {"strides": [1, 1], "dilations": [1, 1], "pads_begin": [0, 0], "pads_end": [0, 0]}


def data(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def copies(make: Any, *inputs: np.ndarray) -> int:
    plan = Executable(build(make, *inputs), 1).program([a.shape for a in inputs]).plan
    return sum(isinstance(s, Call) and s.kernel.name.startswith("copy") for s in plan.steps)


def test_tokens_that_become_an_image_are_channels_last() -> None:
    """Tokens -> image -> enlarged -> convolution, as in decoders behind encoders of tokens: no pixel is moved."""

    def make(b: Any, v: Any) -> Any:
        tokens = b.MatMul(v, data(8, 16))
        image = b.Reshape(b.Transpose(tokens, [0, 2, 1]), [1, 16, 8, 8], special_zero=False)
        image = b.Interpolate(
            image, np.array([16, 16]), np.array([2, 3]), mode="linear", shape_calculation_mode="sizes",
            coordinate_transformation_mode="half_pixel",
        )  # fmt: skip
        return b.ReduceMean(b.Convolution(image, data(24, 16, 1, 1), **POINT), np.array([2, 3]))

    x = data(1, 64, 8)
    check(make, x, threads=(1,))
    assert copies(make, x) == 0


def test_images_that_become_tokens_stay_where_they_are() -> None:
    """Convolution -> tokens -> product, as in encoders that shrink their keys: no pixel is moved."""

    def make(b: Any, v: Any) -> Any:
        image = b.Convolution(v, data(16, 16, 1, 1), **POINT)
        image = b.Convolution(image, data(16, 16, 2, 2), **{**POINT, "strides": [2, 2]})
        line = b.Reshape(image, [1, 16, 16], special_zero=False)
        return b.MatMul(b.Gelu(b.Transpose(line, [0, 2, 1])), data(16, 24))

    x = data(1, 16, 8, 8)
    check(make, x, threads=(1,))
    assert copies(make, x) == 1  # the input, into pixels
