"""What the user's tensor must be, so that the steps make the model's input of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...ir.dim import Dim, unknown
from ...ir.errors import UsageError
from ...ir.types import Shape, TensorType
from ...passes.layouts import REST, expand
from ..layout import Layout
from .axes import added, check_order, moved, order_between
from .formats import FORMATS
from .info import InputInfo, InputTensorInfo
from .state import Step
from .steps import convert_layout

IMAGES = Layout("NHWC")
"""What a tensor with a color format is, where its layout is not told."""


@dataclass(frozen=True)
class Plan:
    """The tensors of one input (several: the planes of an image), their layout, and the model's."""

    types: tuple[TensorType, ...]
    layout: Layout
    model_layout: Layout


def plan(info: InputInfo, model: TensorType, known: Layout) -> Plan:
    """The tensors for a model's input of that type and, where it is known, layout. Raises UsageError."""
    tensor, steps = info.tensor(), info.preprocess().steps
    model_layout = info.model().layout or known
    _check_fits(model_layout, model, "the model's input")
    layout = _tensor_layout(tensor, steps, model_layout, model.rank)
    if model_layout.empty and not layout.empty:
        model_layout = _final_layout(steps, layout)
        _check_fits(model_layout, model, "the model's input")
    if tensor.shape is not None:
        shape = tensor.shape.dims
    else:
        shape = _shape_before(steps, layout, model_layout, model.shape)
    dtype = tensor.dtype or model.dtype
    _check_fits(layout, TensorType(dtype, shape), "the tensor")
    return Plan(
        tuple(TensorType(dtype, s) for s in _planes(tensor, _spatial(tensor, layout, shape), layout)),
        layout,
        model_layout,
    )


def _check_fits(layout: Layout, type: TensorType, what: str) -> None:
    if not layout.empty and not layout.fits(type.rank):
        raise UsageError(f"layout {layout} is not for {what}, which is {type}")


def _tensor_layout(tensor: InputTensorInfo, steps: Iterable[Step], model: Layout, rank: int | None) -> Layout:
    """What is told, NHWC for an image with a color format, or what the orders given by number make the model's of."""
    if tensor.layout is not None:
        return tensor.layout
    if FORMATS[tensor.color].label != "Unknown":
        return IMAGES
    orders = [s.order for s in steps if s.order is not None]
    if model.empty or not orders:
        return model
    names = list(expand(model.names, len(orders[0]) if rank is None else rank))
    for order in reversed(orders):
        check_order(order, len(names))
        before = list(names)
        for place, source in enumerate(order):
            before[source] = names[place]
        names = before
    return Layout.of(tuple(names))


def _final_layout(steps: Iterable[Step], layout: Layout) -> Layout:
    """The layout behind all steps."""
    for step in steps:
        if step.order is not None:
            layout = moved(layout, step.order)
        elif step.layout is not None and not step.layout.empty:
            layout = step.layout
    return layout


def _shape_before(steps: list[Step], layout: Layout, model_layout: Layout, shape: Shape | None) -> Shape | None:
    """The shape of a tensor whose dimensions the steps order so that they are those of the model."""
    if shape is None:
        return None
    fixed = not layout.empty and REST not in layout.names
    places: list[int | None] = list(range(len(layout.names) if fixed else len(shape)))
    count = len(places)
    for step in [*steps, convert_layout(model_layout)]:
        if step.order is not None:
            check_order(step.order, len(places))
            places, layout = [places[i] for i in step.order], moved(layout, step.order)
        elif step.layout is not None:
            places, layout = _laid(places, layout, step.layout if not step.layout.empty else model_layout)
    if len(places) != len(shape):
        raise UsageError(f"the steps make {len(places)} dimensions, the model takes {len(shape)}")
    before: list[Dim] = [1] * count
    for place, d in zip(places, shape, strict=True):
        if place is not None:
            before[place] = d
    return tuple(before)


def _laid(places: list[int | None], layout: Layout, target: Layout) -> tuple[list[int | None], Layout]:
    new = added(layout, target) if len(layout.names) == len(places) else ()
    if new:
        places, layout = [*(None for _ in new), *places], Layout.of((*new, *layout.names))
    order = order_between(layout, target, len(places))
    return places if order is None else [places[i] for i in order], layout if target.empty else target


def _spatial(tensor: InputTensorInfo, layout: Layout, shape: Shape | None) -> Shape | None:
    """The shape with the height and width that are told."""
    if tensor.spatial is None and not tensor.spatial_open:
        return shape
    if shape is None:
        raise UsageError("the rank is not known, so height and width have no place", help="use set_shape")
    axes = [_spatial_axis(layout, n, len(shape)) for n in "HW"]
    out = list(shape)
    for axis, size in zip(axes, tensor.spatial or (unknown(), unknown()), strict=True):
        out[axis] = size
    return tuple(out)


def _spatial_axis(layout: Layout, name: str, rank: int) -> int:
    if not layout.has_name(name):
        raise UsageError(
            f"where the tensor has its {'height' if name == 'H' else 'width'} is not known",
            help='set its layout: tensor().set_layout("NHWC")',
        )
    return layout.axis(name, rank)


def _planes(tensor: InputTensorInfo, shape: Shape | None, layout: Layout) -> tuple[Shape | None, ...]:
    """The shape of each tensor of an image."""
    color = FORMATS[tensor.color]
    if color.is_yuv:
        if shape is not None and (len(shape) != 4 or order_between(layout, IMAGES, 4) is not None):
            raise UsageError(f"images {color.label} are NHWC, not {layout} of {len(shape)} dimensions")
        return tuple(None if shape is None else _plane(shape, *p) for p in color.planes)
    if color.channels and shape is not None and layout.has_name("C"):
        at = layout.axis("C", len(shape))
        shape = (*shape[:at], color.channels, *shape[at + 1 :])
    return (shape,)


def _plane(shape: Shape, rows: tuple[int, int], columns: int, channels: int) -> Shape:
    n, h, w, _ = shape
    return (
        n,
        h * rows[0] // rows[1] if isinstance(h, int) else unknown(),
        w // columns if isinstance(w, int) else unknown(),
        channels,
    )
