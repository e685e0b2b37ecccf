"""`--normalize`: mean and scale by one name."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.errors import UsageError
from .options import NORMALIZATIONS
from .slots import Input

Numbers = dict[str, tuple[float, ...]]


def normalization(name: str, bgr: bool, inputs: Sequence[Input], *others: object) -> tuple[Numbers, Numbers]:
    """Mean and scale of the inputs that are images, in the order of their channels. Raises UsageError, also where
    `others`, the options of mean and scale, say something too."""
    if any(others):
        raise UsageError("mean and scale are given twice", "--normalize", "leave the other options out")
    images = [i for i in inputs if i.is_picture]
    if not images:
        raise UsageError("no input is an image", "--normalize", "give its layout: --layout [NCHW]")
    mean, scale = ({i.name: _of_channels(v[::-1] if bgr else v, i) for i in images} for v in NORMALIZATIONS[name])
    return mean, scale


def _of_channels(numbers: tuple[float, ...], given: Input) -> tuple[float, ...]:
    """Numbers for the channels of an input: the mean of three for gray images."""
    axis = given.axis("C")
    gray = axis is None or given.shape[axis] == 1
    return (sum(numbers) / len(numbers),) if gray else numbers
