"""How samples become the inputs of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, VinocError, did_you_mean
from ...engines.base import Slot
from ...problems import check
from ..base import Image
from ..options import configure, option
from .layouts import channels_last, laid

DATA, CONSTANT, STATE, EMPTY = "INPUT", "CONST_INPUT", "LSTM_INPUT", "IGNORE_INPUT"
SIZES = ("IMAGE_INFO", "ORIG_IMAGE_INFO", "PROCESSED_IMAGE_INFO", "SCALE_FACTOR")
KINDS = (DATA, CONSTANT, STATE, EMPTY, *SIZES)
TYPES = {"FP32": "float32", "FP16": "float16", "BOOL": "bool", "FP64": "float64"}
TYPES |= {f"{sign}{bits}": f"{kind}{bits}" for sign, kind in (("U", "uint"), ("I", "int")) for bits in (8, 16, 32, 64)}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What fills one input."""

    name: str = option(doc="the input")
    type: str = option(DATA, "what fills it", choices=KINDS)
    value: Any = option(None, "numbers of a constant, output that a state comes from, pattern of data")  # noqa: RUF009
    shape: tuple[int, ...] | None = option(None, "in place of the model's")
    layout: str | None = option(None, "NCHW or NHWC, where the shape does not tell")
    precision: str | None = option(None, "the type that data are brought to before they go in", choices=tuple(TYPES))


def specs(given: Any) -> list[Spec]:
    """The blocks of `inputs`. Raises a UsageError with all that is wrong with them."""
    found: list[Spec] = []
    problems: list[VinocError] = []
    for block in given or ():
        if not isinstance(block, Mapping):
            problems.append(UsageError(f"an element of `inputs` is {block!r}: a block is needed"))
            continue
        places = {k: str(p) for k, p in getattr(block, "places", {}).items()}
        where = str(getattr(block, "place", "inputs"))
        try:
            found.append(configure(Spec, block, where, places=places))
        except VinocError as error:
            problems.append(error)
    check(problems, "inputs")
    return found


class Filled:
    """The inputs of a model, and what fills each. Raises a UsageError for names that no input has."""

    def __init__(self, slots: Sequence[Slot], wanted: Sequence[Spec], batch: int | None) -> None:
        self.slots = {s.name: s for s in slots}
        check([UsageError(f"the model has no input '{s.name}'", f"inputs: {s.name}",
                          did_you_mean(s.name, self.slots) or f"it has {', '.join(self.slots)}")
               for s in wanted if s.name not in self.slots])  # fmt: skip
        named = {s.name: s for s in wanted}
        self.specs = {name: named.get(name, Spec(name=name)) for name in self.slots}
        self.data = [n for n, s in self.specs.items() if s.type == DATA]
        if not self.data:
            raise UsageError("no input takes data", "inputs", f"give one of them `type: {DATA}`")
        self.states = {n: str(s.value) for n, s in self.specs.items() if s.type == STATE}
        """inputs that take an output of the inference before, by its name"""
        first = self.slots[self.data[0]].shape
        fixed = first[0] if first else None
        self.batch = fixed or batch or 1
        self.size = _size(self.slots[self.data[0]], self.specs[self.data[0]].layout)

    def feeds(self, images: Sequence[Image], state: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """All inputs for these samples, which are as many as the batch or fewer: the last one is repeated then."""
        full = [*images, *([images[-1]] * (self.batch - len(images)))]
        made: dict[str, Array] = {}
        for name, spec in self.specs.items():
            if spec.type == EMPTY:
                continue
            slot = self.slots[name]
            made[name] = _typed(self._filled(slot, spec, full, state or {}), slot, spec)
        return made

    def _filled(self, slot: Slot, spec: Spec, images: Sequence[Image], state: Mapping[str, Array]) -> Array:
        if spec.type == DATA:
            return _stacked([laid(self._data(i, spec), slot, spec.layout, i.identifier) for i in images], slot)
        if spec.type == CONSTANT:
            return _constant(spec, slot, len(images))
        if spec.type == STATE:
            return state[spec.name] if spec.name in state else np.zeros(_fixed(slot, len(images)))
        return np.stack([_sizes(spec.type, i, slot) for i in images])

    def _data(self, image: Image, spec: Spec) -> Array:
        """The array of a sample; where it has several, the one whose name is the input's or fits its pattern."""
        if not isinstance(image.data, Mapping):
            if len(self.data) > 1:
                raise UsageError(f"{len(self.data)} inputs take data, the sample has one array", image.identifier,
                                 f"say what fills the others: `inputs` with {', '.join(KINDS[1:])}")  # fmt: skip
            return image.data
        names = list(image.data)
        pattern = re.escape(spec.name) if spec.value is None else str(spec.value)
        fitting = [n for n in names if re.fullmatch(pattern, n)] or [n for n in names if re.search(pattern, n)]
        if len(fitting) != 1:
            raise UsageError(f"{len(fitting) or 'no'} arrays of the sample fit '{pattern}'", image.identifier,
                             f"it has {', '.join(names)}")  # fmt: skip
        return np.asarray(image.data[fitting[0]])


def _size(slot: Slot, layout: str | None) -> tuple[int, int] | None:
    if slot.shape is None or len(slot.shape) != 4:
        return None
    height, width = slot.shape[1:3] if channels_last(slot, layout) else slot.shape[2:4]
    return (height, width) if height is not None and width is not None else None


def _stacked(parts: Sequence[Array], slot: Slot) -> Array:
    shapes = {p.shape for p in parts}
    if len(shapes) > 1:
        raise UsageError(f"samples of one batch have different shapes: {sorted(shapes)}", f"input '{slot.name}'",
                         "bring them to one size by preprocessing, or take `batch: 1`")  # fmt: skip
    return np.concatenate(parts)


def _typed(array: Array, slot: Slot, spec: Spec) -> Array:
    """Of the input's type; numbers that become whole ones are rounded and kept within its range."""
    if spec.precision is not None:
        array = _cast(array, np.dtype(TYPES[spec.precision]))
    return np.ascontiguousarray(_cast(array, slot.dtype))


def _cast(array: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.kind in "iu" and array.dtype.kind == "f":
        limits = np.iinfo(dtype)
        array = np.clip(np.rint(array), limits.min, limits.max)
    return array.astype(dtype, copy=False)


def _constant(spec: Spec, slot: Slot, count: int) -> Array:
    if spec.value is None:
        raise UsageError("the constant has no value", f"inputs: {spec.name}", "value: [1, 2]")
    text = spec.value.strip("[]() ").replace(",", " ").split() if isinstance(spec.value, str) else spec.value
    try:
        value = np.array(text, np.float64)
    except (ValueError, TypeError):
        raise UsageError(f"the constant is no array of numbers: {spec.value!r}", f"inputs: {spec.name}") from None
    shape = _fixed(slot, count)
    try:
        return value.reshape(shape) if value.size == np.prod(shape) else np.broadcast_to(value, shape)
    except ValueError:
        what = f"{value.size} numbers do not fill input '{slot.name}' {list(shape)}"
        raise UsageError(what, f"inputs: {spec.name}") from None


def _fixed(slot: Slot, count: int) -> tuple[int, ...]:
    """The shape of an input, the batch for what is open in front, 1 for what is open elsewhere."""
    return tuple(d or (count if i == 0 else 1) for i, d in enumerate(slot.shape or ()))


def _sizes(kind: str, image: Image, slot: Slot) -> Array:
    """Sizes of an image as one of the kinds of SIZES."""
    before, after = image.meta.size, image.meta.input_size
    if before is None or after is None:
        raise UsageError(f"the sample has no height and width for input '{slot.name}'", image.identifier)
    if kind == "SCALE_FACTOR":
        return np.array([after[0] / before[0], after[1] / before[1]])
    if kind == "IMAGE_INFO":
        length = slot.shape[-1] if slot.shape and slot.shape[-1] else 3
        scales = [after[0] / before[0], after[1] / before[1]] if length == 4 else [1.0]
        return np.array([*after, *scales][:length], np.float64)
    return np.array(before if kind == "ORIG_IMAGE_INFO" else after, np.float64)
