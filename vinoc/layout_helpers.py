"""Where the usual dimensions are in a layout, and the layouts of a model's inputs and outputs."""

from .runtime.layout_helpers import (
    batch_idx,
    channels_idx,
    depth_idx,
    get_layout,
    has_batch,
    has_channels,
    has_depth,
    has_height,
    has_width,
    height_idx,
    set_layout,
    width_idx,
)

__all__ = [
    "batch_idx",
    "channels_idx",
    "depth_idx",
    "get_layout",
    "has_batch",
    "has_channels",
    "has_depth",
    "has_height",
    "has_width",
    "height_idx",
    "set_layout",
    "width_idx",
]
