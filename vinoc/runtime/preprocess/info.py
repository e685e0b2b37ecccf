"""What is said of a model's inputs and outputs: the tensors that users give and get, the steps, the model's layouts.

Every method gives back what it was called on, so calls may be chained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from ...ir.dtype import DType, from_numpy
from ...ir.errors import ArgumentTypeError, UsageError
from ..element import Type
from ..layout import Layout
from ..shapes import PartialShape
from . import steps as make
from .formats import FORMATS, ColorFormat, PaddingMode, ResizeAlgorithm
from .state import Step


def _one_of(value: Any, kind: type, what: str) -> Any:
    """A value of a type. Raises ArgumentTypeError."""
    if not isinstance(value, kind):
        raise ArgumentTypeError(f"{what}: expected {kind.__name__}, got {value!r}")
    return value


def _whole(value: Any, what: str, low: int | None = None) -> int:
    if not hasattr(value, "__index__") or (low is not None and int(value) < low):
        raise ArgumentTypeError(
            f"{what}: expected a whole number{'' if low is None else f' from {low} on'}, got {value!r}"
        )
    return int(value)


def _wholes(values: Any, what: str, low: int | None = None) -> tuple[int, ...]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ArgumentTypeError(f"{what}: expected a list of whole numbers, got {values!r}")
    return tuple(_whole(v, what, low) for v in values)


def _numbers(value: Any, what: str) -> tuple[float, ...]:
    """A number, or a list of numbers."""
    several = hasattr(value, "__iter__") and not isinstance(value, str)
    try:
        found = tuple(float(v) for v in (value if several else (value,)))
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"{what}: expected a number or a list of numbers, got {value!r}") from None
    if not found:
        raise UsageError(f"{what}: the list of numbers is empty")
    return found


class _Laid:
    """What has a layout."""

    def __init__(self) -> None:
        self.layout: Layout | None = None

    def set_layout(self, layout: Layout | str) -> Self:
        """Its layout; where that of the tensor is another than the model's, the dimensions are ordered anew."""
        self.layout = Layout(layout)
        return self


class ModelInfo(_Laid):
    """What the model itself takes or gives."""


class _Tensor(_Laid):
    """A tensor of users."""

    def __init__(self) -> None:
        super().__init__()
        self.dtype: DType | None = None

    def set_element_type(self, type: Any) -> Self:
        """Its element type; where that is another than the model's, a conversion is added if no step makes it."""
        self.dtype = Type(type).dtype
        return self


class OutputTensorInfo(_Tensor):
    """The tensor that users get."""


class InputTensorInfo(_Tensor):
    """The tensor that users give."""

    def __init__(self) -> None:
        super().__init__()
        self.color = ColorFormat.UNDEFINED
        self.sub_names: tuple[str, ...] = ()
        self.shape: PartialShape | None = None
        self.spatial: tuple[int, int] | None = None
        self.spatial_open = False
        self.memory_type: str | None = None

    def set_memory_type(self, memory_type: str) -> InputTensorInfo:
        """A note for devices whose tensors lie elsewhere than in the main memory. The devices of vinoc ignore it."""
        self.memory_type = _one_of(memory_type, str, "set_memory_type")
        return self

    def set_shape(self, shape: Any) -> InputTensorInfo:
        """Its shape, where steps make the model's of another one."""
        self._once(self.spatial is None and not self.spatial_open)
        self.shape = shape if isinstance(shape, PartialShape) else PartialShape(shape)
        return self

    def set_from(self, tensor: Any) -> InputTensorInfo:
        """Element type and shape of a tensor or an array."""
        if isinstance(tensor, np.ndarray):
            dtype, shape = from_numpy(tensor.dtype), tensor.shape
        elif hasattr(tensor, "element_type") and hasattr(tensor, "shape"):
            dtype, shape = Type(tensor.element_type).dtype, tuple(tensor.shape)
        else:
            raise ArgumentTypeError(f"set_from: expected a Tensor or an array, got {type(tensor).__name__}")
        self.set_shape(list(shape))
        self.dtype = dtype
        return self

    def set_spatial_dynamic_shape(self) -> InputTensorInfo:
        """Height and width are those of each request's image."""
        self._once(self.shape is None)
        self.spatial, self.spatial_open = None, True
        return self

    def set_spatial_static_shape(self, height: int, width: int) -> InputTensorInfo:
        """Its height and width."""
        size = tuple(_whole(n, "set_spatial_static_shape", 0) for n in (height, width))
        self._once(self.shape is None)
        self.spatial, self.spatial_open = (size[0], size[1]), False
        return self

    def _once(self, free: bool) -> None:
        if not free:
            raise UsageError(
                "set_shape or set_from, and set_spatial_static_shape or set_spatial_dynamic_shape, exclude each other",
                help="set_shape tells height and width too",
            )

    def set_color_format(self, format: ColorFormat, sub_names: Sequence[str] = ()) -> InputTensorInfo:
        """What its numbers are. An image in planes becomes an input for each: `name/sub_name`."""
        known = FORMATS[_one_of(format, ColorFormat, "set_color_format")]
        names = tuple(_one_of(n, str, "set_color_format, sub_names") for n in sub_names)
        count = max(len(known.planes), 1)
        if names and count == 1:
            raise UsageError(f"an image {known.label} is one tensor: it has no names of planes")
        if names and len(names) != count:
            raise UsageError(f"{len(names)} names are given for the {count} planes of {known.label}")
        self.color, self.sub_names = format, names
        return self

    def changes(self, dtype: DType) -> bool:
        """Whether anything was said that a model of that element type does not say itself."""
        return (
            any(v is not None for v in (self.layout, self.shape, self.spatial, self.memory_type))
            or self.dtype not in (None, dtype)
            or self.spatial_open
            or self.color not in (ColorFormat.UNDEFINED, ColorFormat.GRAY)
        )


class Steps:
    """Steps in the order in which they are called."""

    _grows = False

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def _then(self, step: Step) -> Self:
        self.steps.append(step)
        return self

    def convert_element_type(self, type: Any = None) -> Self:
        """Elements of another type; without one: the model's (before it), the tensor's (behind it)."""
        return self._then(make.convert_type(None if type is None or str(type) == "dynamic" else Type(type).dtype))

    def convert_layout(self, dst_layout: Layout | str | Sequence[int] = "") -> Self:
        """Dimensions in the order of a layout, or in an order of numbers: dimension `order[i]` becomes dimension i.

        An empty layout is the model's (before it), the tensor's (behind it).
        """
        if isinstance(dst_layout, Layout | str):
            return self._then(make.convert_layout(Layout(dst_layout), self._grows))
        order = _wholes(dst_layout, "convert_layout", 0)
        return self._then(make.transpose(order)) if order else self

    def custom(self, operation: Callable[[Any], Any]) -> Self:
        """What a function makes of the tensor: it takes an Output and returns one."""
        if not callable(operation):
            raise ArgumentTypeError(f"custom: expected a function from Output to Output, got {operation!r}")
        return self._then(make.custom(operation))


class PreProcessSteps(Steps):
    """The steps from the user's tensor to the model's input."""

    _grows = True

    def convert_color(self, dst_format: ColorFormat) -> PreProcessSteps:
        """An image of other colors."""
        return self._then(make.convert_color(_one_of(dst_format, ColorFormat, "convert_color")))

    def reverse_channels(self) -> PreProcessSteps:
        """Channels in reverse order."""
        return self._then(make.reverse_channels())

    def resize(
        self, alg: ResizeAlgorithm, dst_height: int | None = None, dst_width: int | None = None
    ) -> PreProcessSteps:
        """An image of that height and width, or of the model's."""
        _one_of(alg, ResizeAlgorithm, "resize")
        if (dst_height is None) != (dst_width is None):
            raise ArgumentTypeError("resize: height and width are given both, or neither")
        size = None if dst_height is None else (_whole(dst_height, "resize", 1), _whole(dst_width, "resize", 1))
        return self._then(make.resize(alg, size))

    def mean(self, value: float | Sequence[float]) -> PreProcessSteps:
        """Subtracts a number, or one for each channel."""
        return self._then(make.mean(_numbers(value, "mean")))

    def scale(self, value: float | Sequence[float]) -> PreProcessSteps:
        """Divides by a number, or by one for each channel."""
        return self._then(make.scale(_numbers(value, "scale")))

    def crop(self, begin: Sequence[int], end: Sequence[int]) -> PreProcessSteps:
        """From `begin` to before `end` in each dimension; negative numbers count from the end."""
        first, last = _wholes(begin, "crop"), _wholes(end, "crop")
        if len(first) != len(last):
            raise UsageError(f"crop: begin has {len(first)} dimensions, end has {len(last)}")
        return self._then(make.crop(first, last))

    def pad(
        self, pads_begin: Sequence[int], pads_end: Sequence[int], value: float | Sequence[float], mode: PaddingMode
    ) -> PreProcessSteps:
        """Puts elements around the tensor: a number, or the tensor mirrored. Negative pads take away."""
        begin, end = _wholes(pads_begin, "pad"), _wholes(pads_end, "pad")
        return self._then(make.pad(begin, end, _numbers(value, "pad"), _one_of(mode, PaddingMode, "pad")))


class PostProcessSteps(Steps):
    """The steps from the model's output to the user's tensor."""


class InputInfo:
    """All about one input."""

    def __init__(self) -> None:
        self._tensor, self._steps, self._model = InputTensorInfo(), PreProcessSteps(), ModelInfo()

    def tensor(self) -> InputTensorInfo:
        """The tensor that users give."""
        return self._tensor

    def preprocess(self) -> PreProcessSteps:
        """The steps from it to the model's input."""
        return self._steps

    def model(self) -> ModelInfo:
        """The model's input."""
        return self._model

    def changes(self, dtype: DType) -> bool:
        """Whether anything was said that a model of that element type does not say itself."""
        return self._tensor.changes(dtype) or bool(self._steps.steps) or self._model.layout is not None


class OutputInfo:
    """All about one output."""

    def __init__(self) -> None:
        self._tensor, self._steps, self._model = OutputTensorInfo(), PostProcessSteps(), ModelInfo()

    def tensor(self) -> OutputTensorInfo:
        """The tensor that users get."""
        return self._tensor

    def postprocess(self) -> PostProcessSteps:
        """The steps from the model's output to it."""
        return self._steps

    def model(self) -> ModelInfo:
        """The model's output."""
        return self._model
