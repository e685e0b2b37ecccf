"""Pictures that are made up, for quantization without data: discs that hide one another.

Discs of random grays and colours, with radii r of density r^-3, cover each other until nothing is left free ("dead
leaves"): their histograms and edges are like those of photographs (Lee, Mumford & Huang, "Occlusion models for natural
images", International Journal of Computer Vision, 2001).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError
from ..inputs.slots import Input
from .data import Preparation, Samples, fitted

COUNT = 60
"""Discs of one picture at first; further ones fill what is free."""

LEAST = 0.02
"""The smallest radius, in lengths of the longer side."""


def leaves(height: int, width: int, seed: int) -> Array:
    """A picture [height, width, 3] of bytes."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.zeros((height, width, 3), np.float32)
    free = np.ones((height, width), bool)
    side = max(height, width)
    radii = LEAST * side / np.sqrt(np.maximum(draw.random(COUNT * 64), LEAST**2 * 4))
    for i, radius in enumerate(radii):
        if i >= COUNT and not free.any():
            break
        cy, cx = draw.uniform(-radius, height + radius), draw.uniform(-radius, width + radius)
        if i >= COUNT:  # a place that is still free
            places = np.argwhere(free)
            cy, cx = places[draw.integers(len(places))]
        disc = ((y - cy) ** 2 + (x - cx) ** 2 <= radius**2) & free
        shade = draw.uniform(0, 255) + draw.normal(0, 25, 3) + draw.normal(0, 0.5) * (x - cx)[disc][:, None]
        image[disc] = shade
        free &= ~disc
    noise = draw.normal(0, 3, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def made_up(inputs: Sequence[Input], preparation: Preparation, count: int) -> Samples:
    """So many pictures for a model with one input that is an image. Raises UsageError for others."""
    given = inputs[0]
    if len(inputs) != 1 or not given.is_picture or not all(isinstance(d, int) for d in given.shape[1:]):
        raise UsageError("pictures can be made up only for a model with one input, an image of known size", "data_free")
    sizes = {n: given.shape[a] for n in "HWC" if (a := given.axis(n)) is not None}
    order = [n for n in given.layout if n != "N"]

    def load(index: int) -> dict[str, Array]:
        pixels = leaves(int(str(sizes["H"])), int(str(sizes["W"])), index)
        if sizes.get("C") == 1 or "C" not in order:
            pixels = pixels[:, :, :1]
        laid = np.transpose(pixels if "C" in order else pixels[:, :, 0], ["HWC".index(n) for n in order])
        return {given.name: fitted(np.ascontiguousarray(laid), given, preparation)}

    return Samples([f"made up {i}" for i in range(count)], load, inputs, identity=lambda: "dead leaves")
