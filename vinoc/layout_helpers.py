"""Where the usual dimensions are in a layout: `has_batch(layout)`, `batch_idx(layout)` and so on.

An index behind `...` counts from the end. Raises UsageError where the layout has no such dimension.
"""

from __future__ import annotations

from .ir.errors import UsageError
from .runtime.layout import Layout
from .runtime.nodes.kinds import Parameter, Result
from .runtime.nodes.ports import Output


def has_batch(layout: Layout) -> bool:
    return layout.has_name("N")


def batch_idx(layout: Layout) -> int:
    return layout.get_index_by_name("N")


def has_channels(layout: Layout) -> bool:
    return layout.has_name("C")


def channels_idx(layout: Layout) -> int:
    return layout.get_index_by_name("C")


def has_depth(layout: Layout) -> bool:
    return layout.has_name("D")


def depth_idx(layout: Layout) -> int:
    return layout.get_index_by_name("D")


def has_height(layout: Layout) -> bool:
    return layout.has_name("H")


def height_idx(layout: Layout) -> int:
    return layout.get_index_by_name("H")


def has_width(layout: Layout) -> bool:
    return layout.has_name("W")


def width_idx(layout: Layout) -> int:
    return layout.get_index_by_name("W")


def get_layout(port: Output) -> Layout:
    """The layout of an input or output of a model; empty where none was set."""
    return _node(port).get_layout()


def set_layout(port: Output, layout: Layout | str) -> None:
    """Says what the layout of an input or output of a model is."""
    _node(port).set_layout(layout)


def _node(port: Output) -> Parameter | Result:
    node = port.get_node()
    if not isinstance(node, Parameter | Result):
        raise UsageError(f"{port!r} is no input and no output of a model, so it has no layout")
    return node
