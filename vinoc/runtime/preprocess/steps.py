"""The steps, each as operations that a builder puts into the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...ir.dim import bounds
from ...ir.dtype import DType
from ...ir.errors import UsageError
from ...ir.types import Shape
from ..layout import Layout
from . import color
from .axes import added, check_order, moved, order_between
from .formats import FORMATS, ColorFormat, PaddingMode, ResizeAlgorithm
from .state import State, Step

Numbers = tuple[float, ...]

_MODES = {
    ResizeAlgorithm.RESIZE_LINEAR: "linear",
    ResizeAlgorithm.RESIZE_CUBIC: "cubic",
    ResizeAlgorithm.RESIZE_NEAREST: "nearest",
    ResizeAlgorithm.RESIZE_BILINEAR_PILLOW: "bilinear_pillow",
    ResizeAlgorithm.RESIZE_BICUBIC_PILLOW: "bicubic_pillow",
}


def listed(numbers: Sequence[float]) -> str:
    """`(1,2.5)`."""
    return f"({','.join(f'{n:g}' for n in numbers)})" if numbers else ""


def convert_type(dtype: DType | None) -> Step:
    """Every tensor as `dtype`; None: as what is wanted in the end."""

    def run(state: State) -> None:
        target = dtype or state.wanted
        if target is None:
            raise UsageError("convert_element_type needs a type", help="name one, or set the tensor's element type")
        state.values = [
            v
            if v.tensor.dtype is target
            else state.builder.Convert(v, destination_type=target, name=state.label(target.name))
            for v in state.values
        ]

    return Step(f"convert type ({dtype.name if dtype else 'dynamic'})", run)


def convert_layout(layout: Layout, grows: bool = True) -> Step:
    """Dimensions in the order of a layout, empty: of the one that is wanted in the end.

    With `grows` dimensions of size 1 are put in front where the layout has some that the tensor lacks.
    """

    def run(state: State) -> None:
        target = state.wanted_layout if layout.empty else layout
        value, source, b = state.one("convert_layout"), state.layout, state.builder
        new = added(source, target) if grows else ()
        if new and value.tensor.rank == len(source.names):
            value = b.Unsqueeze(value, np.arange(len(new)), name=state.label("grown"))
            source = Layout.of((*new, *source.names))
        order = order_between(source, target, value.tensor.rank)
        if order is not None:
            value = b.Transpose(value, np.array(order, np.int64), name=state.label("layout"))
        state.put(value)
        if not target.empty:
            state.layout = target

    return Step(f"convert layout {layout}", run, layout=layout)


def transpose(order: tuple[int, ...]) -> Step:
    """Dimensions in the order that is given by number."""

    def run(state: State) -> None:
        value = state.one("convert_layout")
        check_order(order, value.tensor.rank)
        state.layout = moved(state.layout, order)
        state.put(state.builder.Transpose(value, np.array(order, np.int64), name=state.label("layout")))

    return Step(f"convert layout {listed(order)}", run, order=order)


def convert_color(target: ColorFormat) -> Step:
    return Step(f"convert color ({FORMATS[target].label})", lambda state: color.convert(state, target))


def reverse_channels() -> Step:
    return Step("reverse channels", color.reverse_channels)


def resize(algorithm: ResizeAlgorithm, size: tuple[int, int] | None) -> Step:
    """Height and width as given, or as the model takes them."""

    def run(state: State) -> None:
        value = state.one("resize")
        if value.tensor.shape is None:
            raise UsageError("resize needs a tensor whose rank is known", help="set_shape tells the dimensions")
        axes = [state.axis(n, "resize") for n in "HW"]
        sizes = size or _model_size(state)
        made = state.builder.Interpolate(
            value, np.array(sizes, np.int64), np.array(axes, np.int64), mode=_MODES[algorithm],
            shape_calculation_mode="sizes", pads_begin=(0,) * len(value.tensor.shape),
            pads_end=(0,) * len(value.tensor.shape), name=state.label("resize"),
        )  # fmt: skip
        state.put(made)

    return Step(f"resize to ({size[0]}, {size[1]})" if size else "resize to model width/height", run)


def _model_size(state: State) -> tuple[int, int]:
    shape, layout = state.wanted_shape, state.wanted_layout
    found = None if shape is None else tuple(shape[layout.axis(n, len(shape))] for n in "HW")
    if found is None or not isinstance(found[0], int) or not isinstance(found[1], int):
        raise UsageError(
            f"the model has no fixed height and width ({'...' if found is None else found})",
            help="say what to resize to: resize(algorithm, height, width)",
        )
    return found[0], found[1]


def _spread(state: State, values: Numbers, what: str) -> np.ndarray:
    """Numbers in a shape that spreads along the channels."""
    type = state.one(what).tensor
    if not type.dtype.is_float:
        raise UsageError(f"{what} is for floats, the tensor is {type}", help="add convert_element_type before it")
    if len(values) == 1:
        return np.array(values, np.float32).astype(type.dtype.numpy)
    axis = state.axis("C", what)
    if type.shape is None:
        raise UsageError(f"{what} by channel needs a tensor whose rank is known")
    _check_channels(type.shape, axis, len(values), what)
    shape = [1] * len(type.shape)
    shape[axis] = len(values)
    return np.array(values, np.float32).astype(type.dtype.numpy).reshape(shape)


def _check_channels(shape: Shape, axis: int, count: int, what: str) -> None:
    low, high = bounds(shape[axis])
    if not low <= count <= high:
        raise UsageError(f"{what} has {count} numbers, the tensor [{','.join(map(str, shape))}] {shape[axis]} channels")


def mean(values: Numbers) -> Step:
    """x - mean."""

    def run(state: State) -> None:
        numbers = _spread(state, values, "mean")
        state.put(state.builder.Subtract(state.values[0], numbers, name=state.label("mean")))

    return Step(f"mean {listed(values)}", run)


def scale(values: Numbers) -> Step:
    """x / scale."""

    def run(state: State) -> None:
        numbers = _spread(state, values, "scale")
        state.put(state.builder.Divide(state.values[0], numbers, name=state.label("scale")))

    return Step(f"scale {listed(values)}", run)


def crop(begin: tuple[int, ...], end: tuple[int, ...]) -> Step:
    """x[begin:end] in every dimension that is given; negative numbers count from the end."""

    def run(state: State) -> None:
        value = state.one("crop")
        rank = value.tensor.rank
        if rank is not None and len(begin) > rank:
            raise UsageError(f"crop has {len(begin)} dimensions, the tensor {value.tensor}")
        ends = [np.array(n, np.int64) for n in (begin, end, [1] * len(begin), range(len(begin)))]
        state.put(state.builder.Slice(value, *ends, name=state.label("crop")))

    return Step(f"Crop ({_ends(begin)},{_ends(end)})", run)


def _ends(numbers: tuple[int, ...]) -> str:
    return f"[ {', '.join(map(str, numbers))} ]"


def pad(begin: tuple[int, ...], end: tuple[int, ...], values: Numbers, mode: PaddingMode) -> Step:
    """Numbers around the tensor; negative pads take away."""

    def run(state: State) -> None:
        value = state.one("pad")
        dtype = value.tensor.dtype
        if not dtype.is_float:
            raise UsageError(
                f"pad is for floats, the tensor is {value.tensor}", help="add convert_element_type before it"
            )
        if len(values) != 1:
            raise UsageError(f"pad puts one number around the tensor, {len(values)} are given")
        number = np.array(values[0], np.float32).astype(dtype.numpy)
        ends = [np.array(n, np.int64) for n in (begin, end)]
        state.put(state.builder.Pad(value, *ends, number, pad_mode=mode.name.lower(), name=state.label("pad")))

    how = {PaddingMode.REFLECT: "reflected from tensor", PaddingMode.SYMMETRIC: "symmetrically added from tensor"}
    with_what = how.get(mode, f"with {listed(values)}")
    return Step(f"pad(begin {listed(begin)}, end {listed(end)}, {with_what})", run)


def custom(operation: Callable[[Any], Any]) -> Step:
    """What a function from Output to Output makes of the tensor."""

    def run(state: State) -> None:
        from ..nodes.ports import Output
        from ..nodes.rewire import bring

        value = state.one("custom")
        made = operation(Output(value))
        if hasattr(made, "outputs") and not isinstance(made, Output):
            made = made.output(0)
        if not isinstance(made, Output):
            raise UsageError(f"the function of a custom step returned {type(made).__name__}, expected an Output")
        bring(state.builder.graph, made._value, state.builder.before)
        state.put(made._value)

    return Step("custom", run)
