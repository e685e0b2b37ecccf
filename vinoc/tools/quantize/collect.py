"""Runs of a float model on the CPU device, and statistics of the values that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ...ir.dtype import Array
from ...ir.errors import VinocError
from ...ir.graph import Graph, Value
from ...runtime.core import Core
from ...runtime.model import Model
from .data import Samples
from .memory import give_back
from .resume import EVERY, Resume, key_of
from .statistics import Seen, Spec, Statistics, wide
from .tap import Look, Tapped, values_of
from .watch import Watch, ahead

PLAIN: Mapping[str, Any] = {}


class Runner:
    """A float graph on the CPU device, with the wanted values as its results."""

    def __init__(
        self, graph: Graph, wanted: Sequence[Value], config: Mapping[str, Any] = PLAIN, owned: bool = False
    ) -> None:
        """Values may be inputs. `config`: properties of the device. `graph` stays as it is, unless it is `owned`: then
        it is used up."""
        copy = graph if owned else graph.clone()
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
        """The wanted values for inputs by name."""
        feeds = [arrays[n] for n in self.names]
        out: list[Any] = [None] * self.count
        for i, place in self.given.items():
            out[i] = feeds[place]
        if self.request is not None:
            results = self.request.infer(feeds, share_inputs=True).to_tuple()
            for i, array in zip(self.computed, results, strict=True):
                out[i] = array
        return out


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


Take = Callable[[], None]

Draw = Callable[[Array], Take]
"""Looks at a value of a sample, and returns what is to be done once it is known that the sample is good."""

NOTHING: Mapping[Value, Draw] = {}


def collect(
    graph: Graph,
    samples: Samples,
    wanted: Mapping[str, Value],
    what: Spec,
    watch: Watch | None = None,
    also: Mapping[Value, Draw] = NOTHING,
) -> dict[str, Statistics]:
    """Statistics of the wanted values over all samples, by their names. `also`: what else looks at values, of samples
    whose statistics `watch.resume` does not hold.

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
    look = _Look(len(samples), what)
    run = look.at(graph, {wanted[name]: found[name] for name in wanted}, also) if begin < len(samples) else None
    with ahead(_tried(samples, begin)) as loaded:
        for done, (name, arrays) in enumerate(loaded, begin + 1):
            assert run is not None
            why = arrays if isinstance(arrays, str) else look.take(run, arrays)
            if why:
                watch.skip(name, why)
                skipped[name] = why
            if kept and (done % EVERY == 0 or done == len(samples)):
                kept.save(found, done, skipped)
            watch.tick("statistics", done, len(samples))
    watch.check(samples.names)
    del run, look
    give_back()
    return found


def _tried(samples: Samples, begin: int) -> Iterator[tuple[str, dict[str, Array] | str]]:
    """The samples from the one at `begin` on; in place of one that cannot be read the reason."""
    for i in range(begin, len(samples)):
        try:
            yield samples[i]
        except VinocError as error:
            yield samples.names[i], error.what


class _Look:
    """What is seen of one of so many samples, until it is known whether that is good."""

    def __init__(self, samples: int, what: Spec) -> None:
        self.samples, self.what = samples, what
        self.taken: list[Take] = []
        self.fault = ""

    def at(self, graph: Graph, found: Mapping[Value, Statistics], also: Mapping[Value, Draw]) -> Tapped:
        """A graph that shows what is wanted of it."""
        looks: dict[Value, list[Look]] = {value: [partial(self.see, seen)] for value, seen in found.items()}
        for value, draw in also.items():
            looks.setdefault(value, []).append(partial(self.draw, draw))
        return Tapped(graph, looks)

    def see(self, found: Statistics, array: Array) -> None:
        array = wide(array)
        seen = Seen.of(array, found.axis, self.what.step(array.size, self.samples))
        if not seen.finite:
            self.fault = self.fault or f"NaN or infinity at '{found.name}'"
        self.taken.append(lambda: found.add(seen, self.what))

    def draw(self, draw: Draw, array: Array) -> None:
        self.taken.append(draw(wide(array)))

    def take(self, run: Tapped, arrays: Mapping[str, Array]) -> str:
        """Takes up a sample, all of it or, with the reason, nothing."""
        self.taken, self.fault = [], ""
        run(arrays)
        for take in () if self.fault else self.taken:
            take()
        return self.fault


def outputs(graph: Graph, samples: Iterable[tuple[str, Mapping[str, Array]]]) -> Iterator[list[Array]]:
    """What a graph computes on the CPU device, sample after sample."""
    run = Runner(graph, list(graph.outputs))
    for _, arrays in samples:
        yield run(arrays)
