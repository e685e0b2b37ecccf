"""Normalization of an input, put into the model."""

from __future__ import annotations

import numpy as np

from ..ir.builder import Builder
from ..ir.dtype import Array
from ..ir.errors import UsageError
from ..ir.graph import Graph, Value
from ..ir.types import TensorType, normalize_axis
from .base import Context, Pass, graph_pass
from .channels import channel_axis
from .ports import find_input, put_behind, tensor_of


@graph_pass("mean-scale")
class MeanScale(Pass):
    """The model computes with (x - mean) / scale in place of its input x; one number, or one for each channel.

    `axis` is where the channels are; without it, the one dimension of size 3, for three numbers. What can go into
    weights goes there by `fuse`: the scale always, the mean where no padding with zeros follows.
    """

    face = True

    input: str = ""
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    axis: int | None = None

    def validate(self) -> None:
        if not self.mean and not self.scale:
            raise UsageError("pass 'mean-scale' needs a mean or a scale", help="mean-scale{mean=[127.5],scale=[127.5]}")
        for what, values in (("mean", self.mean), ("scale", self.scale)):
            for i, v in enumerate(values):
                if not np.isfinite(v):
                    raise UsageError(f"{what} value {i} is {v}, expected a finite number")
        if 0.0 in self.scale:
            raise UsageError(f"scale value {self.scale.index(0.0)} is 0, by which nothing can be divided")
        if len(self.mean) > 1 < len(self.scale) and len(self.mean) != len(self.scale):
            raise UsageError(f"{len(self.mean)} mean and {len(self.scale)} scale values are given for the same input")

    def run(self, graph: Graph, context: Context) -> int:
        value = graph.inputs[find_input(graph, self.input)]
        type = tensor_of(value)
        if not type.dtype.is_float:
            raise UsageError(
                f"input '{value.name}' is {type}: mean and scale need a model that computes with floats here",
                help="name a float tensor behind it as the input",
            )
        mean, scale = (self._laid(v, type, value.name) for v in (self.mean, self.scale))

        def made(b: Builder, x: Value) -> Value:
            if mean is not None:
                x = b.Subtract(x, mean, name=f"{value.name}/mean")
            return b.Divide(x, scale, name=f"{value.name}/scale") if scale is not None else x

        put_behind(graph, value, made)
        context.matches[self.name] += 1
        return 1

    def _laid(self, values: tuple[float, ...], type: TensorType, name: str) -> Array | None:
        """The numbers in a shape that spreads along the channels."""
        if not values:
            return None
        with np.errstate(over="ignore"):
            array = np.array(values, np.float64).astype(type.dtype.numpy)
        if not np.isfinite(array.astype(np.float64)).all() or (values is self.scale and not array.all()):
            raise UsageError(f"input '{name}' is {type.dtype}, which cannot hold the numbers {list(values)}")
        if len(values) == 1:
            return array.reshape((1,) * (type.rank or 0))
        axis = channel_axis(type, len(values), self.axis, name)
        rank = type.rank
        if rank is None:
            raise UsageError(
                f"the rank of input '{name}' is not known, and {len(values)} channels are to be found in it"
            )
        shape = [1] * rank
        shape[normalize_axis(axis, rank)] = len(values)
        return array.reshape(shape)
