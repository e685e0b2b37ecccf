"""Convolutions and transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from ..dim import Dim, merge_dim, unknown
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import conv
from ..op import Op, Operand, op
from ..types import Shape, TensorType, as_dims
from .window import AutoPad, check_lists, positive_sizes, spatial_dims, windows


def check_types(data: Operand, filters: Operand) -> None:
    """Raises InferenceError unless both have one numeric type."""
    if data.dtype is not filters.dtype:
        raise InferenceError(
            f"data is {data.dtype}, filters are {filters.dtype}", help="put a Convert before one of them"
        )
    if not (data.dtype.is_float or data.dtype.is_integer) or data.dtype.packed:
        raise InferenceError(f"element type {data.dtype} cannot be convolved")


def filter_dims(filters: TensorType, leading: int, spatial: int, layout: str) -> Shape:
    """The dimensions of the filters; unknown ones where the rank is. Raises InferenceError."""
    if filters.shape is None:
        return (unknown(),) * (leading + spatial)
    if len(filters.shape) != leading + spatial:
        raise InferenceError(
            f"filters have rank {len(filters.shape)}, expected {leading + spatial} "
            f"for {spatial} spatial dimension{'s' if spatial != 1 else ''}",
            help=f"filters are {layout}",
        )
    return filters.shape


def check_channels(data: TensorType, expected: Dim, groups: Dim | None = None) -> None:
    """Raises InferenceError unless data has the channels that the filters are for."""
    if data.shape is None:
        return
    channels = data.shape[1]
    try:
        merge_dim(channels, expected)
    except InferenceError:
        some = f" ({groups} groups)" if groups is not None else ""
        raise InferenceError(
            f"filters expect {expected} input channels{some}, data has {channels}",
            help="check the number of groups and the layout of data" if groups is None else None,
        ) from None


def batch(data: TensorType) -> Dim:
    return unknown() if data.shape is None else data.shape[0]


def check_attributes(kind: str, strides: Sequence[int], **lists: tuple[int, ...]) -> None:
    """Raises VinocError unless the attributes of a convolution fit together."""
    check_lists(kind, positive=("strides", "dilations"), strides=tuple(strides), **lists)


@op(opset=1)
class Convolution(Op):
    """N-D convolution (cross-correlation). data [N,I,*spatial], filters [O,I,*kernel] -> [N,O,*out].

    out = (spatial + pads - dilation*(kernel-1) - 1) // stride + 1, with `same_*` ceil(spatial / stride). f16 is
    summed in f32; integers are summed exactly and saturate.
    """

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    dilations: tuple[int, ...]
    auto_pad: AutoPad = "explicit"

    def validate(self) -> None:
        check_attributes(
            self.kind, self.strides, pads_begin=self.pads_begin, pads_end=self.pads_end, dilations=self.dilations
        )

    def infer(self, data: Operand, filters: Operand) -> TensorType:
        check_types(data, filters)
        spatial = spatial_dims(data.tensor, len(self.strides))
        out, depth, *kernel = filter_dims(filters.tensor, 2, len(spatial), "[out, in, *kernel]")
        check_channels(data.tensor, depth)
        sizes = windows(spatial, kernel, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad)
        return TensorType(data.dtype, (batch(data.tensor), out, *sizes))

    def evaluate(self, data: Array, filters: Array) -> Array:
        return conv.convolution(
            data, filters, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        )


@op(opset=1)
class GroupConvolution(Op):
    """Convolution in G groups of channels. data [N,G*I,*spatial], filters [G,O,I,*kernel] -> [N,G*O,*out]."""

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    dilations: tuple[int, ...]
    auto_pad: AutoPad = "explicit"

    def validate(self) -> None:
        check_attributes(
            self.kind, self.strides, pads_begin=self.pads_begin, pads_end=self.pads_end, dilations=self.dilations
        )

    def infer(self, data: Operand, filters: Operand) -> TensorType:
        check_types(data, filters)
        spatial = spatial_dims(data.tensor, len(self.strides))
        groups, out, depth, *kernel = filter_dims(filters.tensor, 3, len(spatial), "[groups, out, in, *kernel]")
        check_groups(data.tensor, groups)
        check_channels(data.tensor, groups * depth, groups)
        sizes = windows(spatial, kernel, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad)
        return TensorType(data.dtype, (batch(data.tensor), groups * out, *sizes))

    def evaluate(self, data: Array, filters: Array) -> Array:
        return conv.group_convolution(
            data, filters, self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad
        )


def check_groups(data: TensorType, groups: Dim) -> None:
    """Raises InferenceError unless the channels of data can be dealt out to the groups."""
    if data.shape is not None:
        channels = data.shape[1]
        if isinstance(channels, int) and isinstance(groups, int) and (groups < 1 or channels % groups):
            raise InferenceError(f"{channels} channels of data cannot be divided into {groups} groups")


def backprop_sizes(
    spatial: Sequence[Dim],
    kernel: Sequence[Dim],
    wanted: Operand | None,
    strides: Sequence[int],
    dilations: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
    extra: Sequence[int],
    auto_pad: AutoPad,
) -> Shape:
    """The spatial dimensions of a transposed convolution: those wanted, or what the data spreads over."""
    if wanted is not None:
        count = wanted.shape[0] if wanted.shape else len(spatial)
        if not wanted.dtype.is_integer or (wanted.shape is not None and len(wanted.shape) != 1):
            raise InferenceError(f"output_shape is {wanted.type}, expected a list of integers")
        if isinstance(count, int) and count != len(spatial):
            raise InferenceError(f"output_shape has {count} numbers for {len(spatial)} spatial dimensions")
        if wanted.known is None:
            return (unknown(),) * len(spatial)
        return positive_sizes(as_dims(wanted.known), "output_shape")
    if auto_pad != "explicit":
        begin = end = (0,) * len(spatial)
    sizes = tuple(
        (n - 1) * s + d * (k - 1) + 1 - b - e + x
        for n, k, s, d, b, e, x in zip(spatial, kernel, strides, dilations, begin, end, extra or (0,) * len(spatial))
    )
    return positive_sizes(tuple(at_least_1(n) for n in sizes), "the spatial output")


def at_least_1(size: Dim) -> Dim:
    """An unknown size loses a lower bound below one."""
    if isinstance(size, int) or not size.is_unknown or size.lo >= 1:
        return size
    return unknown(1, size.hi)


@op(opset=1)
class ConvolutionBackpropData(Op):
    """Transposed convolution. data [N,I,*spatial], filters [I,O,*kernel], spatial output_shape -> [N,O,*out].

    out = (spatial-1)*stride + dilation*(kernel-1) + 1 - pads + output_padding. Pads are cut off. A given
    output_shape is the size; `same_*` then derives the pads from it, otherwise they are zero.
    """

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    dilations: tuple[int, ...]
    auto_pad: AutoPad = "explicit"
    output_padding: tuple[int, ...] = ()

    def validate(self) -> None:
        check_attributes(
            self.kind, self.strides, pads_begin=self.pads_begin, pads_end=self.pads_end, dilations=self.dilations,
            output_padding=self.output_padding or (0,) * len(self.strides),
        )  # fmt: skip

    def infer(self, data: Operand, filters: Operand, output_shape: Operand | None = None) -> TensorType:
        check_types(data, filters)
        spatial = spatial_dims(data.tensor, len(self.strides))
        depth, out, *kernel = filter_dims(filters.tensor, 2, len(spatial), "[in, out, *kernel]")
        check_channels(data.tensor, depth)
        sizes = backprop_sizes(
            spatial, kernel, output_shape, self.strides, self.dilations,
            self.pads_begin, self.pads_end, self.output_padding, self.auto_pad,
        )  # fmt: skip
        return TensorType(data.dtype, (batch(data.tensor), out, *sizes))

    def evaluate(self, data: Array, filters: Array, output_shape: Array | None = None) -> Array:
        return conv.convolution_backprop(
            data, filters, output_shape, self.strides, self.dilations,
            self.pads_begin, self.pads_end, self.output_padding, self.auto_pad,
        )  # fmt: skip


@op(opset=1)
class GroupConvolutionBackpropData(Op):
    """Transposed convolution in G groups. data [N,G*I,*spatial], filters [G,I,O,*kernel] -> [N,G*O,*out]."""

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    dilations: tuple[int, ...]
    auto_pad: AutoPad = "explicit"
    output_padding: tuple[int, ...] = ()

    def validate(self) -> None:
        check_attributes(
            self.kind, self.strides, pads_begin=self.pads_begin, pads_end=self.pads_end, dilations=self.dilations,
            output_padding=self.output_padding or (0,) * len(self.strides),
        )  # fmt: skip

    def infer(self, data: Operand, filters: Operand, output_shape: Operand | None = None) -> TensorType:
        check_types(data, filters)
        spatial = spatial_dims(data.tensor, len(self.strides))
        groups, depth, out, *kernel = filter_dims(filters.tensor, 3, len(spatial), "[groups, in, out, *kernel]")
        check_groups(data.tensor, groups)
        check_channels(data.tensor, groups * depth, groups)
        sizes = backprop_sizes(
            spatial, kernel, output_shape, self.strides, self.dilations,
            self.pads_begin, self.pads_end, self.output_padding, self.auto_pad,
        )  # fmt: skip
        return TensorType(data.dtype, (batch(data.tensor), groups * out, *sizes))

    def evaluate(self, data: Array, filters: Array, output_shape: Array | None = None) -> Array:
        return conv.group_convolution_backprop(
            data, filters, output_shape, self.strides, self.dilations,
            self.pads_begin, self.pads_end, self.output_padding, self.auto_pad,
        )  # fmt: skip
