"""What passes through the steps: tensors on their way from the user to the model, or back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...ir.builder import Builder
from ...ir.dtype import DType
from ...ir.errors import UsageError
from ...ir.graph import Value
from ...ir.types import Shape, TensorType
from ..layout import Layout
from .formats import FORMATS, ColorFormat


@dataclass
class State:
    """The tensors (one, or the planes of an image), what is known of them, and what they are to become.

    `wanted`, `wanted_layout`, `wanted_shape`: what the model takes (in preprocessing) or the user gets (behind it);
    None or empty where anything is right. `name` is what nodes are named after.
    """

    builder: Builder
    values: list[Value]
    layout: Layout
    color: ColorFormat = ColorFormat.UNDEFINED
    wanted: DType | None = None
    wanted_layout: Layout = field(default_factory=Layout)
    wanted_shape: Shape | None = None
    name: str = ""

    def one(self, what: str) -> Value:
        """The tensor. Raises UsageError for the planes of an image."""
        if len(self.values) != 1:
            raise UsageError(
                f"{what} is for one tensor, the image has {len(self.values)} planes ({self.color_name})",
                help="add convert_color before it",
            )
        return self.values[0]

    def put(self, value: Value) -> None:
        self.values = [value]

    @property
    def type(self) -> TensorType:
        """The type of the first tensor."""
        return self.values[0].tensor

    @property
    def color_name(self) -> str:
        return FORMATS[self.color].label

    def axis(self, name: str, what: str) -> int:
        """Where a dimension is in the tensor. Raises UsageError that names the step."""
        if not self.layout.has_name(name):
            say = f"layout {self.layout} has none" if not self.layout.empty else "the tensor has no layout"
            raise UsageError(
                f"{what} needs to know dimension {name}: {say}", help='set one: tensor().set_layout("NHWC")'
            )
        return self.layout.axis(name, self.type.rank)

    def label(self, step: str) -> str:
        """A name for a node."""
        return f"{self.name}/{step}" if self.name else step

    def __str__(self) -> str:
        color = "" if self.color is ColorFormat.UNDEFINED else f", {self.color_name}"
        return f"({self.before}{color})"

    @property
    def before(self) -> str:
        """Shape, layout and element type."""
        return shown(self.type, self.layout)


def shown(type: TensorType, layout: Layout) -> str:
    """`[1,3,4,6], [N,C,H,W], f32`."""
    text = str(type)
    return f"{text[len(type.dtype.name) :]}, {'<no layout>' if layout.empty else layout}, {type.dtype.name}"


@dataclass(frozen=True)
class Step:
    """One step: its text, what it does, and, where it orders dimensions anew, how."""

    text: str
    run: Callable[[State], None]
    layout: Layout | None = None
    order: tuple[int, ...] | None = None
