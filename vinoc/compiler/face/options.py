"""What can be asked of a model's face, by the names that the Model Optimizer gives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from ...ir.errors import UsageError
from ...ir.record import record


@record(frozen=True)
class Face:
    """Each field is the text of an option, or the same in Python's values; None: not asked for.

    input           where the model begins: names with ports, shapes, types, values; `[("data", [1, 3], "f32")]`
    input_shape     shapes of the inputs, in their order
    batch           the size of the batch
    mean_values, scale_values   numbers for each channel of an input: `[1, 2, 3]`, `{"data": [1, 2, 3]}`
    scale           one divisor for all inputs of floats
    reverse_input_channels      whether images come with the opposite order of colors
    layout          names of dimensions, and those that users want: `nhwc->nchw`, `{"data": "nhwc->nchw"}`
    source_layout, target_layout   the same, in two options
    freeze_placeholder_with_value   constants in place of inputs: `name->True`, `{"name": True}`
    static_shape    whether arithmetic on shapes is computed now
    transform       changes by name: `MakeStateful[param_res_names={'in':'out'}]`, `LowLatency2`, `Pruning`
    """

    input: Any = None
    input_shape: Any = None
    batch: int | None = None
    mean_values: Any = None
    scale_values: Any = None
    scale: float | None = None
    reverse_input_channels: bool = False
    layout: Any = None
    source_layout: Any = None
    target_layout: Any = None
    freeze_placeholder_with_value: Any = None
    static_shape: bool = False
    transform: Any = None

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, f.name) != f.default for f in fields(self))


_PASSES = {
    "mean-scale": ("scale_values", "scale", "mean_values"),
    "reverse-channels": ("reverse_input_channels",),
    "layout": ("target_layout", "layout"),
    "static-shape": ("static_shape",),
    "make-stateful": ("transform",),
    "low-latency": ("transform",),
    "input-type": ("input",),
}
"""Which options a pass comes from."""


@contextmanager
def options_named(face: Face) -> Iterator[None]:
    """What a pass says of a wrong option, it says of the option of the command line that it comes from."""
    try:
        yield
    except UsageError as error:
        for name, options in _PASSES.items():
            asked = [f"--{o}" for o in options if getattr(face, o) not in (None, False)]
            if error.where == f"pass '{name}'" and asked:
                error.where = asked[-1]
        raise
