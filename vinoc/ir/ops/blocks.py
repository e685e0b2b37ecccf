"""Elements moved between channels, batch and space; patches of images."""

from __future__ import annotations

from math import prod
from typing import Literal, TypeAlias

from ..dim import Dim, bounds, ceildiv, unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import blocks
from ..op import Op, Operand, op
from ..types import Shape, TensorType, as_dims, normalize_axis
from .elementwise import integral, numeric
from .window import check_lists, window_size, windows

DepthMode: TypeAlias = Literal["blocks_first", "depth_first"]
SamePad: TypeAlias = Literal["same_upper", "same_lower", "valid"]


def divide(size: Dim, by: Dim, what: str) -> Dim:
    """size / by. Raises InferenceError when it is known not to come out even."""
    if isinstance(by, int) and by < 1:
        raise InferenceError(f"{what} is divided by {by}")
    if isinstance(size, int) and isinstance(by, int) and size % by:
        raise InferenceError(f"{what} of {size} is not divisible by {by}")
    return size // by


def check_block(kind: str, block: int) -> None:
    if block < 1:
        raise VinocError(f"{kind}: attribute `block_size` is {block}, expected a number >= 1")


def image(data: Operand) -> Shape | None:
    """The shape of data, [N,C,*spatial] or unknown. Raises InferenceError."""
    shape = data.shape
    if shape is not None and len(shape) < 3:
        raise InferenceError(f"data of rank {len(shape)} has no spatial dimensions")
    return shape


@op(opset=1)
class DepthToSpace(Op):
    """[N,C*b^k,*spatial] -> [N,C,*spatial*b]. Channels are [b.., C] for blocks_first, [C, b..] for depth_first."""

    mode: DepthMode
    block_size: int = 1

    def validate(self) -> None:
        check_block(self.kind, self.block_size)

    def infer(self, data: Operand) -> TensorType:
        shape = image(data)
        if shape is None:
            return data.tensor
        n, channels, *spatial = shape
        left = divide(channels, self.block_size ** len(spatial), "the number of channels")
        return TensorType(data.dtype, (n, left, *[d * self.block_size for d in spatial]))

    def evaluate(self, data: Array) -> Array:
        return blocks.depth_to_space(data, self.block_size, self.mode)


@op(opset=1)
class SpaceToDepth(Op):
    """[N,C,*spatial] -> [N,C*b^k,*spatial/b], the inverse of DepthToSpace."""

    mode: DepthMode
    block_size: int = 1

    def validate(self) -> None:
        check_block(self.kind, self.block_size)

    def infer(self, data: Operand) -> TensorType:
        shape = image(data)
        if shape is None:
            return data.tensor
        n, channels, *spatial = shape
        small = [divide(d, self.block_size, "a spatial dimension") for d in spatial]
        return TensorType(data.dtype, (n, channels * self.block_size ** len(spatial), *small))

    def evaluate(self, data: Array) -> Array:
        return blocks.space_to_depth(data, self.block_size, self.mode)


@op(opset=1)
class ShuffleChannels(Op):
    """The elements of an axis dealt out: [group, size/group] -> [size/group, group]."""

    axis: int = 1
    group: int = 1

    def validate(self) -> None:
        if self.group < 1:
            raise VinocError(f"{self.kind}: attribute `group` is {self.group}, expected a number >= 1")

    def infer(self, data: Operand) -> TensorType:
        if data.shape is not None:
            axis = normalize_axis(self.axis, len(data.shape))
            divide(data.shape[axis], self.group, f"axis {self.axis}")
        return data.tensor

    def evaluate(self, data: Array) -> Array:
        return blocks.shuffle_channels(data, self.axis, self.group)


def block_lists(data: Operand, **operands: Operand) -> list[Shape | None]:
    """The values of the lists of one number a dimension, None where not known. Raises InferenceError."""
    found: list[Shape | None] = []
    for name, operand in operands.items():
        listed = integral(operand, f"`{name}`")
        if listed.shape is not None and len(listed.shape) != 1:
            raise InferenceError(f"`{name}` is {listed}, expected a list of integers")
        count = listed.shape[0] if listed.shape is not None else None
        if data.shape is not None and isinstance(count, int) and count != len(data.shape):
            raise InferenceError(f"`{name}` has {count} numbers for the {len(data.shape)} dimensions of data")
        found.append(as_dims(operand.known) if operand.known is not None else None)
    if found[0] is not None and found[0][:1] not in ((), (1,)) and isinstance(found[0][0], int):
        raise InferenceError(f"block_shape begins with {found[0][0]}, expected 1: the batch has no blocks")
    return found


@op(opset=2)
class BatchToSpace(Op):
    """Parts of the batch become blocks of the other dimensions, of which crops_begin and crops_end are cut off."""

    def infer(self, data: Operand, block_shape: Operand, crops_begin: Operand, crops_end: Operand) -> TensorType:
        shape = data.shape
        blocks_, begin, end = block_lists(data, block_shape=block_shape, crops_begin=crops_begin, crops_end=crops_end)
        if shape is None:
            return data.tensor
        if blocks_ is None or begin is None or end is None:
            return TensorType(data.dtype, (unknown(),) * len(shape))
        whole: Dim = 1
        for b in blocks_:
            whole = whole * b
        sizes = [d * b - first - last for d, b, first, last in zip(shape[1:], blocks_[1:], begin[1:], end[1:])]
        if any(bounds(d)[1] < 0 for d in sizes):
            raise InferenceError("more is cut off than there is")
        return TensorType(data.dtype, (divide(shape[0], whole, "the batch"), *sizes))

    def evaluate(self, data: Array, block_shape: Array, crops_begin: Array, crops_end: Array) -> Array:
        return blocks.batch_to_space(data, block_shape, crops_begin, crops_end)


@op(opset=2)
class SpaceToBatch(Op):
    """Zeros are put around data, then blocks of the dimensions become parts of the batch."""

    def infer(self, data: Operand, block_shape: Operand, pads_begin: Operand, pads_end: Operand) -> TensorType:
        numeric(data, "data")
        shape = data.shape
        blocks_, begin, end = block_lists(data, block_shape=block_shape, pads_begin=pads_begin, pads_end=pads_end)
        if shape is None:
            return data.tensor
        if blocks_ is None or begin is None or end is None:
            return TensorType(data.dtype, (unknown(),) * len(shape))
        batch = shape[0] + begin[0] + end[0]
        for b in blocks_:
            batch = batch * b
        sizes = [
            divide(d + first + last, b, "a padded dimension")
            for d, b, first, last in zip(shape[1:], blocks_[1:], begin[1:], end[1:])
        ]
        return TensorType(data.dtype, (batch, *sizes))

    def evaluate(self, data: Array, block_shape: Array, pads_begin: Array, pads_end: Array) -> Array:
        return blocks.space_to_batch(data, block_shape, pads_begin, pads_end)


@op(opset=3)
class ExtractImagePatches(Op):
    """[N,C,H,W] -> [N,h*w*C,*out]: the elements of each patch lie along the channels, row by row."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    rates: tuple[int, ...]
    auto_pad: SamePad

    def validate(self) -> None:
        names = ("sizes", "strides", "rates")
        check_lists(self.kind, positive=names, sizes=self.sizes, strides=self.strides, rates=self.rates)
        if len(self.sizes) != 2:
            raise VinocError(f"{self.kind}: attribute `sizes` has {len(self.sizes)} numbers, expected 2")

    def infer(self, data: Operand) -> TensorType:
        numeric(data, "data")
        if data.shape is None:
            return TensorType(data.dtype, (unknown(),) * 4)
        if len(data.shape) != 4:
            raise InferenceError(f"data has rank {len(data.shape)}, expected 4")
        n, channels, *spatial = data.shape
        out = [self._places(*given) for given in zip(spatial, self.sizes, self.strides, self.rates)]
        return TensorType(data.dtype, (n, channels * prod(self.sizes), *out))

    def _places(self, size: Dim, patch: int, stride: int, rate: int) -> Dim:
        if self.auto_pad != "valid":
            return ceildiv(size, stride)
        return window_size(size, patch, stride, rate, 0, 0, "valid", "floor")

    def evaluate(self, data: Array) -> Array:
        return blocks.image_patches(data, self.sizes, self.strides, self.rates, self.auto_pad)


@op(opset=15)
class Col2Im(Op):
    """[N,C*prod(kernel),L] -> [N,C,H,W]: columns are added where windows of the image would take them."""

    strides: tuple[int, ...] = (1, 1)
    dilations: tuple[int, ...] = (1, 1)
    pads_begin: tuple[int, ...] = (0, 0)
    pads_end: tuple[int, ...] = (0, 0)

    def validate(self) -> None:
        check_lists(
            self.kind, positive=("strides", "dilations"), strides=self.strides, dilations=self.dilations,
            pads_begin=self.pads_begin, pads_end=self.pads_end,
        )  # fmt: skip
        if len(self.strides) != 2:
            raise VinocError(f"{self.kind}: attribute `strides` has {len(self.strides)} numbers, expected 2")

    def infer(self, data: Operand, output_size: Operand, kernel_size: Operand) -> TensorType:
        numeric(data, "data")
        shape = data.shape
        if shape is None:
            return TensorType(data.dtype, None)
        if len(shape) not in (2, 3):
            raise InferenceError(f"data has rank {len(shape)}, expected 2 or 3")
        size, kernel = (self._pair(name, o) for name, o in (("output_size", output_size), ("kernel_size", kernel_size)))
        channels: Dim = unknown()
        if kernel is not None:
            channels = divide(shape[-2], kernel[0] * kernel[1], "the number of rows")
            if size is not None:
                self._check_columns(shape[-1], size, kernel)
        return TensorType(data.dtype, (*shape[:-2], channels, *(size or (unknown(), unknown()))))

    def _pair(self, name: str, operand: Operand) -> Shape | None:
        integral(operand, name)
        if operand.shape is not None and operand.shape not in ((2,),) and isinstance(next(iter(operand.shape), 0), int):
            raise InferenceError(f"{name} is {operand.type}, expected two integers")
        return as_dims(operand.known) if operand.known is not None else None

    def _check_columns(self, columns: Dim, size: Shape, kernel: Shape) -> None:
        count: Dim = 1
        for n in windows(size, kernel, self.strides, self.dilations, self.pads_begin, self.pads_end, "explicit"):
            count = count * n
        if isinstance(columns, int) and isinstance(count, int) and columns != count:
            raise InferenceError(f"data has {columns} columns for an image of {count} windows")

    def evaluate(self, data: Array, output_size: Array, kernel_size: Array) -> Array:
        return blocks.col2im(
            data, output_size, kernel_size, self.strides, self.dilations, self.pads_begin, self.pads_end
        )
