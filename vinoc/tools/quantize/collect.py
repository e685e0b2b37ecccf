"""Runs of a float model on the CPU device, and statistics of the values that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...backends.memory import bytes_of
from ...ir.dtype import Array
from ...ir.errors import VinocError
from ...ir.graph import Graph, Value
from ...runtime.core import Core
from ...runtime.model import Model
from .data import Samples
from .resume import EVERY, Resume, key_of
from .statistics import Seen, Spec, Statistics, wide
from .watch import Watch, ahead

PLAIN: Mapping[str, Any] = {}


TOGETHER = 64 << 20
"""Bytes of values that are results of one run; where there are more, the model runs again for the others."""


class Runner:
    """A float graph on the CPU device, with the wanted values as its results."""

    def __init__(self, graph: Graph, wanted: Sequence[Value], config: Mapping[str, Any] = PLAIN) -> None:
        """`graph` stays as it is. Values may be inputs. `config`: properties of the device."""
        copy = graph.clone()
        twin = values_of(graph, copy)
        self.names = [next(iter(n), v.name) for v, n in zip(graph.inputs, graph.input_names, strict=True)]
        self.given = {i: graph.inputs.index(v) for i, v in enumerate(wanted) if v.node is None}
        self.computed = [i for i, v in enumerate(wanted) if v.node is not None]
        self.count = len(wanted)
        while copy.outputs:
            copy.remove_output(len(copy.outputs) - 1)
        for place, i in enumerate(self.computed):
            copy.add_output(twin[wanted[i]], f"wanted_{place}")
        self.request: Any = None
        if self.computed:
            self.request = Core().compile_model(Model(copy), "CPU", dict(config)).create_infer_request()

    def __call__(self, arrays: Mapping[str, Array]) -> list[Array]:
        """The wanted values for inputs by name; they are good until the next call."""
        feeds = [arrays[n] for n in self.names]
        out: list[Any] = [None] * self.count
        for i, place in self.given.items():
            out[i] = feeds[place]
        if self.request is not None:
            results = self.request.infer(feeds, share_inputs=True, share_outputs=True).to_tuple()
            for i, array in zip(self.computed, results, strict=True):
                out[i] = array
        return out


def values_of(graph: Graph, copy: Graph) -> dict[Value, Value]:
    """The values of a graph in a clone of it."""
    twin = dict(zip(graph.inputs, copy.inputs, strict=True))
    for a, b in zip(graph, copy, strict=True):
        twin.update(zip(a.outputs, b.outputs, strict=True))
    return twin


def channel_axis(value: Value) -> int | None:
    """The dimension of the channels: the last but one or the last where a MatMul reads it, else the second."""
    rank = value.rank or 0
    if rank < 2:
        return None
    for user, port in value.uses:
        if getattr(user, "kind", "") == "MatMul":
            across = user.op.transpose_a if port == 0 else user.op.transpose_b  # type: ignore[union-attr]
            return rank - 2 if across == (port == 0) else rank - 1
    return 1


def collect(
    graph: Graph, samples: Samples, wanted: Mapping[str, Value], what: Spec, watch: Watch | None = None
) -> dict[str, Statistics]:
    """Statistics of the wanted values over all samples, by their names.

    Samples from which NaN or infinity comes, and those that cannot be read, are left out: `watch.skipped`. Raises
    VinocError where few are left.
    """
    watch = watch or Watch()
    found = {name: Statistics(name, channel_axis(value)) for name, value in wanted.items()}
    kept = Resume(watch.resume, key_of(graph, samples, wanted, what)) if watch.resume else None
    begin, skipped = kept.load(found) if kept else (0, {})
    watch.resumed += begin
    for name, why in skipped.items():
        watch.skip(name, why)
    runs = [(g, Runner(graph, [wanted[n] for n in g])) for g in groups(wanted)] if begin < len(samples) else []
    with ahead(_tried(samples, begin)) as loaded:
        for done, (name, arrays) in enumerate(loaded, begin + 1):
            why = arrays if isinstance(arrays, str) else _see(runs, arrays, found, what)
            if why:
                watch.skip(name, why)
                skipped[name] = why
            if kept and (done % EVERY == 0 or done == len(samples)):
                kept.save(found, done, skipped)
            watch.tick("statistics", done, len(samples))
    watch.check(samples.names)
    return found


def _tried(samples: Samples, begin: int) -> Iterator[tuple[str, dict[str, Array] | str]]:
    """The samples from the one at `begin` on; in place of one that cannot be read the reason."""
    for i in range(begin, len(samples)):
        try:
            yield samples[i]
        except VinocError as error:
            yield samples.names[i], error.what


def groups(wanted: Mapping[str, Value]) -> list[list[str]]:
    """The values in groups that are small enough to be results of one run; what has open dimensions counts for
    nothing."""
    made: list[list[str]] = []
    room = 0
    for name, value in wanted.items():
        size = bytes_of([value.type])
        if size > room or not made:
            made.append([])
            room = TOGETHER
        made[-1].append(name)
        room -= size
    return made


def _see(
    runs: Sequence[tuple[list[str], Runner]],
    arrays: Mapping[str, Array],
    found: Mapping[str, Statistics],
    what: Spec,
) -> str:
    """Takes up a sample, all of it or, with the reason, nothing."""
    seen: dict[str, tuple[Seen, Array]] = {}
    for names, run in runs:
        for name, result in zip(names, run(arrays), strict=True):
            array = wide(np.asarray(result))
            seen[name] = part, _ = Seen.of(array, found[name].axis), array
            if not part.finite:
                return f"NaN or infinity at '{name}'"
    for name, (part, array) in seen.items():
        found[name].add(part, array, what)
    return ""


def outputs(graph: Graph, samples: Iterable[tuple[str, Mapping[str, Array]]]) -> Iterator[list[Array]]:
    """What a graph computes on the CPU device, sample after sample; its results are copied."""
    run = Runner(graph, list(graph.outputs))
    for _, arrays in samples:
        yield [np.array(a) for a in run(arrays)]
