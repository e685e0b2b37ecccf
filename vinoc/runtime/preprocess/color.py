"""Colors made other colors."""

from __future__ import annotations

import numpy as np

from ...ir.dtype import f32
from ...ir.errors import UsageError
from ...ir.graph import Value
from .formats import FORMATS, ColorFormat
from .state import State

F = ColorFormat
GRAY_OF_RGB = (0.299, 0.587, 0.114)
"""Y of BT.601."""

UNTOLD = "tell the colors of the tensor: tensor().set_color_format(ColorFormat.BGR)"
KNOWN = "NV12 and I420 become RGB, BGR or GRAY; RGBX and BGRX RGB or BGR; RGB and BGR each other, or GRAY"

_YUV = {
    F.NV12_SINGLE_PLANE: "NV12",
    F.NV12_TWO_PLANES: "NV12",
    F.I420_SINGLE_PLANE: "I420",
    F.I420_THREE_PLANES: "I420",
}
_FOUR = {F.RGBX: F.RGB, F.BGRX: F.BGR}


def convert(state: State, target: ColorFormat) -> None:
    """The image in other colors. Raises UsageError where there is no way."""
    source = state.color
    if source is target:
        return
    if source in _YUV and target in (F.RGB, F.BGR):
        build = getattr(state.builder, f"{_YUV[source]}to{target.name}")
        state.put(build(*state.values, name=state.label("color")))
    elif source in _YUV and target is F.GRAY:
        state.put(_brightness(state))
    elif source in _FOUR and target in (F.RGB, F.BGR):
        state.put(_first_channels(state))
        if target is not _FOUR[source]:
            reverse_channels(state, "convert_color")
    elif source in (F.RGB, F.BGR) and target in (F.RGB, F.BGR):
        reverse_channels(state, "convert_color")
    elif source in (F.RGB, F.BGR) and target is F.GRAY:
        state.put(_gray(state, GRAY_OF_RGB if source is F.RGB else GRAY_OF_RGB[::-1]))
    else:
        raise UsageError(
            f"colors {FORMATS[source].label} cannot be made {FORMATS[target].label}",
            help=UNTOLD if source is F.UNDEFINED else KNOWN,
        )
    state.color = target


def reverse_channels(state: State, what: str = "reverse_channels") -> None:
    """Channels n-1, ..., 1, 0 in place of 0, 1, ..., n-1."""
    value = state.one(what)
    axis = state.axis("C", what)
    channels = value.tensor.shape[axis] if value.tensor.shape is not None else None
    b, name = state.builder, state.label("reversed")
    if isinstance(channels, int):
        order = np.arange(channels - 1, -1, -1, dtype=np.int64)
        state.put(b.Gather(value, order, np.array(axis, np.int64), name=name))
    else:
        ends = [np.array([n], np.int64) for n in (-1, np.iinfo(np.int64).min, -1, axis)]
        state.put(b.Slice(value, *ends, name=name))


def _first_channels(state: State) -> Value:
    """All channels but the last."""
    value, axis = state.one("convert_color"), state.axis("C", "convert_color")
    ends = [np.array([n], np.int64) for n in (0, -1, 1, axis)]
    made: Value = state.builder.Slice(value, *ends, name=state.label("color"))
    return made


def _brightness(state: State) -> Value:
    """The plane Y: the first of several, the first two thirds of the rows of a single one."""
    if len(state.values) > 1:
        return state.values[0]
    value, b = state.values[0], state.builder
    rows = b.Gather(b.ShapeOf(value), np.array([1]), np.array(0))
    light = b.Divide(b.Multiply(rows, np.array([2])), np.array([3]))
    made: Value = b.Slice(value, np.array([0]), light, np.array([1]), np.array([1]), name=state.label("color"))
    return made


def _gray(state: State, weights: tuple[float, ...]) -> Value:
    """The sum of the channels by weight; integers are rounded to even."""
    value, b = state.one("convert_color"), state.builder
    dtype, rank = value.tensor.dtype, value.tensor.rank
    axis = state.axis("C", "convert_color")
    if rank != 4 or axis not in (1, 3):
        raise UsageError(f"gray is made of images NCHW or NHWC, not of {value.tensor} {state.layout}")
    x = value if dtype.is_float else b.Convert(value, destination_type=f32)
    if axis == 3:
        x = b.Transpose(x, np.array([0, 3, 1, 2]))
    kernel = np.array(weights, np.float32).astype(x.tensor.dtype.numpy).reshape(1, 3, 1, 1)
    x = b.Convolution(
        x, kernel, strides=(1, 1), pads_begin=(0, 0), pads_end=(0, 0), dilations=(1, 1), name=state.label("gray")
    )
    if not dtype.is_float:
        x = b.Convert(b.Round(x, mode="half_to_even"), destination_type=dtype)
    made: Value = b.Transpose(x, np.array([0, 2, 3, 1])) if axis == 3 else x
    return made
