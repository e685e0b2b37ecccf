"""Calibration data looked at before anything is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import InferenceError, VinocError
from ...ir.graph import Graph
from ...ir.types import TensorType
from .collect import Runner
from .data import Samples
from .measure import dot
from .watch import Watch, ahead

FEW = 10
"""Samples below which ranges are a matter of chance; ten give about what a hundred give."""

FAR = 16.0
"""How many times the usual magnitude, or what part of it, makes a sample look like another kind of data."""


@dataclass(frozen=True)
class Look:
    """What is remembered of a sample: digest of all inputs; whether its images have one color alone; the magnitude
    (root mean square) of its floats."""

    digest: bytes
    constant: bool
    magnitude: float


class Fits:
    """Whether a model whose inputs leave sizes open takes samples of such sizes; each set of sizes is inferred once."""

    def __init__(self, graph: Graph, samples: Samples) -> None:
        self.graph = None if all(i.is_static for i in samples.inputs) else graph.clone()
        self.names = [i.name for i in samples.inputs]
        self.known: dict[tuple[tuple[int, ...], ...], str] = {}

    def check(self, arrays: dict[str, Array]) -> None:
        """Raises VinocError with the node that cannot take the sizes."""
        shapes = tuple(arrays[n].shape for n in self.names)
        if self.graph is not None and shapes not in self.known:
            self.known[shapes] = self._tried(self.graph, shapes)
        if why := self.known.get(shapes):
            raise VinocError(why)

    def _tried(self, graph: Graph, shapes: Sequence[tuple[int, ...]]) -> str:
        try:
            types = [TensorType(v.dtype, s) for v, s in zip(graph.inputs, shapes, strict=True)]
            graph.set_input_types(dict(enumerate(types)))
        except InferenceError as error:
            sizes = ", ".join(f"'{n}' {list(s)}" for n, s in zip(self.names, shapes, strict=True))
            return f"the model does not take {sizes}: {error.where}: {error.what}"
        return ""


def screened(samples: Samples, watch: Watch, graph: Graph) -> Samples:
    """The samples that can be read, are finite and fit the graph, without images of one color if there are others.

    What is left out is named to `watch`; so are copies, samples of another magnitude, and that they are few. Raises
    VinocError where most cannot be used.
    """
    looks: dict[int, Look] = {}
    fits = Fits(graph, samples)
    with ahead(range(len(samples))) as indices:
        for index in indices:
            watch.tick("data", index + 1, len(samples))
            try:
                arrays = samples.load(index)
                looks[index] = look(arrays, samples)
                fits.check(arrays)
            except VinocError as error:
                looks.pop(index, None)
                watch.skip(samples.names[index], error.what)
    watch.check(samples.names)
    kept = [i for i, found in looks.items() if not found.constant]
    if not kept:
        watch.warn("all images have one color alone: ranges of these say nothing about pictures")
        kept = list(looks)
    for i in looks.keys() - set(kept):
        watch.skip(samples.names[i], "all its pixels are the same")
    watch.check(samples.names)
    _copies([looks[i] for i in kept], watch)
    _strangers({samples.names[i]: looks[i] for i in kept}, watch)
    if len(kept) < FEW:
        few = f"{len(kept)} sample{'s' if len(kept) != 1 else ''}"
        watch.warn(f"{few} to calibrate on: ranges depend on chance; {FEW} or more that differ are enough as a rule")
    return samples if len(kept) == len(samples) else samples.only(kept)


def taken(graph: Graph, samples: Samples, watch: Watch) -> Samples:
    """The samples on which a model runs, each tried; of the others it is said what the model says. Raises VinocError
    where these are most."""
    run = Runner(graph, list(graph.outputs))
    kept = []
    for index in range(len(samples)):
        watch.tick("data", index + 1, len(samples))
        try:
            run(samples.load(index))
            kept.append(index)
        except VinocError as error:
            watch.skip(samples.names[index], f"{error.where}: {error.what}" if error.where else error.what)
    watch.check(samples.names)
    return samples.only(kept)


def look(arrays: dict[str, Array], samples: Samples) -> Look:
    """Looks at a sample. Raises VinocError where it holds NaN or infinity."""
    found = blake2b(digest_size=16)
    flat: list[bool] = []
    squares: list[float] = []
    for given in samples.inputs:
        array = arrays[given.name]
        found.update(array.reshape(-1).view(np.uint8).data)
        if array.dtype.kind == "f" and array.size:
            mean = dot(array.reshape(-1), array.reshape(-1)) / array.size
            if not np.isfinite(mean) and not np.isfinite(array).all():
                raise VinocError(f"input '{given.name}' holds NaN or infinity")
            squares.append(mean)
        if given.is_picture and array.size > 1:
            axes = tuple(a for a in range(array.ndim) if a != given.axis("C"))
            flat.append(bool((array.min(axes) == array.max(axes)).all()))
        elif array.dtype.kind == "f":  # a signal: zeros beside it are a state
            flat.append(False)
    return Look(found.digest(), bool(flat) and all(flat), float(np.sqrt(max(squares, default=0.0))))


def _copies(looks: list[Look], watch: Watch) -> None:
    distinct = len({found.digest for found in looks})
    if distinct == 1 < len(looks):
        watch.warn(f"all {len(looks)} samples are the same: they count as one")
    elif distinct < len(looks):
        watch.warn(f"{len(looks) - distinct} of {len(looks)} samples are copies of others")


def _strangers(looks: dict[str, Look], watch: Watch) -> None:
    """Samples whose values are of another order than those of most: scaled otherwise, perhaps."""
    usual = float(np.median([found.magnitude for found in looks.values()]))
    if not usual:
        return
    far = [
        n for n, found in looks.items()
        if found.magnitude > FAR * usual or 0 < found.magnitude * FAR < usual
    ]  # fmt: skip
    if far:
        named = ", ".join(far[:5]) + (", ..." if len(far) > 5 else "")
        watch.warn(f"{len(far)} samples have values of another order than the others (scaled otherwise?): {named}")
