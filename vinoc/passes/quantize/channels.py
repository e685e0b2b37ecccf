"""Which dimensions of weights make the output channels of a product, the gates of a recurrent node, or the rows of a
table."""

from __future__ import annotations

from ...ir.graph import Node
from ...ir.ops.matrix import MatMul
from ..mark_weights import RECURRENT

CHANNELS: dict[str, tuple[int, ...]] = {
    "Convolution": (0,),
    "GroupConvolution": (0, 1),
    "ConvolutionBackpropData": (1,),
    "GroupConvolutionBackpropData": (0, 2),
    "Gather": (0,),
}


def channel_axes(reader: Node, rank: int) -> tuple[int, ...]:
    """Those dimensions of weights of that rank, as their reader takes them."""
    if isinstance(reader.op, MatMul):
        return () if rank == 1 else (rank - 2 if reader.op.transpose_b else rank - 1,)
    if reader.kind in RECURRENT:
        return tuple(range(rank - 1))
    return CHANNELS[reader.kind]
