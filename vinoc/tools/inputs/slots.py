"""What is known of an input that is to be filled: layout, the shapes of the data, whether it is an image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...ir.dim import bounds
from ...ir.dtype import DType
from ...ir.errors import UsageError, check_known
from ...ir.types import Shape, TensorType
from ...passes.layouts import Layout, axis_of, expand, parse_layout
from ...runtime.ports import Port

COLORS = 4
"""The most channels that an axis of colors has."""


@dataclass
class Input:
    """An input of a model, and what data it gets.

    shape    as the model has it; data: the shapes that are fed in turn, all of them sizes
    layout   () where nothing is known of it
    """

    name: str
    index: int
    dtype: DType
    shape: Shape
    layout: Layout = ()
    data: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def is_static(self) -> bool:
        return all(isinstance(d, int) for d in self.shape)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Those that are fed: the model's own where it is static."""
        return [tuple(int(d) for d in self.shape)] if self.is_static else self.data  # type: ignore[arg-type]

    def axis(self, name: str) -> int | None:
        """Where a dimension stands."""
        return axis_of(self.layout, name, len(self.shape)) if self.layout else None

    def sizes(self, name: str) -> list[int]:
        """The sizes of a dimension in the shapes that are fed."""
        axis = self.axis(name)
        return [] if axis is None else [s[axis] for s in self.shapes]

    @property
    def is_picture(self) -> bool:
        """Whether rows and columns are known, so that files of images fit."""
        return self.axis("H") is not None and self.axis("W") is not None

    @property
    def is_image(self) -> bool:
        """Whether it is a colour image, which is fed in bytes unless told otherwise."""
        axis = self.axis("C")
        return self.is_picture and axis is not None and self.shape[axis] == 3

    @property
    def is_image_size(self) -> bool:
        """Whether it looks like the size of an image: [N, C] of two or more."""
        if tuple(self.layout) != ("N", "C"):
            return False
        return bounds(self.shape[1])[1] >= 2

    def shown_layout(self) -> str:
        """As OpenVINO's tools show it."""
        return f"[{','.join(expand(self.layout, len(self.shape)))}]" if self.layout else "[...]"


def inputs_of(ports: Sequence[Port]) -> list[Input]:
    """The inputs of a model; layouts are guessed. Raises UsageError where an input's rank is open."""
    found = []
    for port in ports:
        type: TensorType = port.tensor_type
        if type.shape is None:
            raise UsageError("the rank is not known", port.where, "give its shape: -shape")
        found.append(
            Input(next(iter(port._names), str(port.index)), port.index, type.dtype, type.shape, guessed(type.shape))
        )
    return found


def guessed(shape: Shape) -> Layout:
    """The layout of what looks like an image: few channels and longer rows, with or without a batch."""
    highs = [bounds(d)[1] for d in shape]
    few = [high <= COLORS for high in highs]
    for layout, c, rows in (("NCHW", 1, 3), ("NHWC", 3, 1), ("CHW", 0, 2), ("HWC", 2, 0)):
        if len(few) == len(layout) and few[c] and not few[rows]:
            return tuple(layout)
    return ()


def by_input(option: str, text: str | None, names: Sequence[str]) -> dict[str, list[str]]:
    """`a[x][y],b[z]` as {a: [x, y], b: [z]}; `[x]` is for all other inputs, several without a name go round them.

    Raises UsageError for what is not of that form, and for names that no input has.
    """
    if not text:
        return {}
    groups = re.findall(r"([^\[\],]*)((?:\[[^\[\]]*\])+)", text)
    if re.sub(r"[^\[\],]*(?:\[[^\[\]]*\])+", "", text).strip(", "):
        raise UsageError(f"'{text}' cannot be read", option, "write [1,3,224,224], or name[1,3],other[2]")
    found: dict[str, list[str]] = {}
    unnamed: list[str] = []
    for name, values in groups:
        listed = re.findall(r"\[([^\[\]]*)\]", values)
        if name.strip():
            found.setdefault(checked_name(option, name.strip(), names), []).extend(listed)
        else:
            unnamed += listed
    if len(unnamed) > 1 and len(unnamed) % len(names):
        raise UsageError(
            f"{len(unnamed)} values for {len(names)} inputs: {', '.join(names)}", option, "name the inputs"
        )
    for i, n in enumerate(names if unnamed else ()):
        found.setdefault(n, unnamed if len(unnamed) == 1 else unnamed[i :: len(names)])
    return found


def checked_name(option: str, name: str, names: Sequence[str]) -> str:
    """A name that an input has. Raises UsageError with the nearest."""
    check_known("input", name, names, option)
    return name


def set_layouts(inputs: Sequence[Input], text: str | None) -> None:
    """-layout: `[NCHW]`, `a[NCHW],b[NC]`."""
    for name, values in by_input("-layout", text, [i.name for i in inputs]).items():
        given = next(i for i in inputs if i.name == name)
        letters = values[-1]
        try:
            given.layout = parse_layout(f"[{letters}]" if "," in letters else letters)
            expand(given.layout, len(given.shape))
        except UsageError as error:
            raise UsageError(error.what, f"-layout, input '{name}'", error.help) from None


def set_data_shapes(inputs: Sequence[Input], text: str | None) -> Iterator[str]:
    """-data_shape: `[1,3,32,32][2,3,16,16]`, `a[1,3][2,3],b[1][1]`. Yields warnings; raises UsageError."""
    for name, values in by_input("-data_shape", text, [i.name for i in inputs]).items():
        given = next(i for i in inputs if i.name == name)
        if given.is_static:
            yield f"Input '{name}' has a static shape: data shapes for it are ignored"
            continue
        given.data = [_sizes(name, v, given.shape) for v in values]


def _sizes(name: str, text: str, shape: Shape) -> tuple[int, ...]:
    where = f"-data_shape, input '{name}'"
    try:
        sizes = tuple(int(t) for t in text.split(",")) if text.strip() else ()
    except ValueError:
        raise UsageError(f"[{text}] is no list of sizes", where, "data shapes have no open dimensions") from None
    lows = [bounds(d) for d in shape]
    if len(sizes) != len(shape) or any(not lo <= n <= hi for n, (lo, hi) in zip(sizes, lows)):
        raise UsageError(f"[{text}] does not fit the input's [{','.join(map(str, shape))}]", where)
    return sizes


def batch_sizes(inputs: Sequence[Input]) -> list[int]:
    """The batch of each group of data shapes. Raises UsageError where inputs do not agree about it."""
    found = []
    for group in range(max((len(i.shapes) for i in inputs), default=1)):
        sizes = {i.sizes("N")[group % len(i.shapes)] for i in inputs if i.shapes and i.axis("N") is not None}
        if len(sizes) > 1:
            raise UsageError(f"the batch is not clear: inputs have {', '.join(map(str, sorted(sizes)))}")
        found.append(sizes.pop() if sizes else 1)
    return found


def numpy_type(dtype: DType) -> np.dtype[np.generic]:
    """The element type in NumPy."""
    return np.dtype(dtype.numpy)
