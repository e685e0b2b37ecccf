"""An evaluation: a model fed with a data set, its outputs turned into predictions, these measured."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError, VinocError, did_you_mean
from ..problems import check
from .adapters.base import Adapter, Frames, Outputs
from .annotations import Images, load, prepared
from .base import DataReader, Dataset, Image, Postprocessor, Preprocessor, Reader
from .launchers.base import Launcher, Running
from .representation import Annotation, Prediction
from .results import Outcome, Wanted, findings
from .strays import Strays

Tick = Callable[[int, int], None]
"""told how many samples are done, and of how many"""


def _silent(done: int, count: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Source:
    """Where samples come from. `sample` are the arguments of annotations.load, `only` the identifiers that count."""

    reader: Reader
    data: DataReader
    folder: Path | None = None
    sample: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] | None = None

    def load(self, warn: Callable[[str], None] | None = None) -> Dataset:
        """Reads the annotations. Raises VinocError."""
        if self.only is None:
            return load(self.reader, warn=warn, **self.sample)
        whole = load(self.reader, warn=warn)
        known = {a.identifier: a for a in whole.annotations}
        check([UsageError(f"there is no sample '{name}'", "subset_file", did_you_mean(name, known) or None)
               for name in self.only if name not in known], "subset_file")  # fmt: skip
        return replace(whole, annotations=tuple(known[name] for name in self.only))


@dataclass(frozen=True)
class Evaluation:
    """A model, a launcher, a data set and what is done between them."""

    model: str
    dataset: str
    launcher: Launcher
    source: Source
    adapter: Adapter
    metrics: tuple[Wanted, ...]
    preprocessing: tuple[Preprocessor, ...] = ()
    postprocessing: tuple[Postprocessor, ...] = ()
    tags: tuple[str, ...] = ()
    where: str = ""
    """the place in the configuration"""

    def run(self, dataset: Dataset | None = None, model: Any = None, tick: Tick = _silent, keep: bool = False,
            chosen: Sequence[int] | None = None, cache: Cache | None = None) -> Outcome:  # fmt: skip
        """Judges the model, or another in its place, on the data set, or on the samples `chosen` by number.

        `keep` keeps annotations and predictions in the outcome. Raises VinocError.
        """
        begin = time.perf_counter()
        whole = self.source.load() if dataset is None else dataset
        if chosen is not None:
            whole = replace(whole, annotations=tuple(whole.annotations[i] for i in chosen))
        self._check(whole)
        job = _Job(self, whole, self.launcher.start(model), cache)
        counted = [(w, w.metric.start(whole)) for w in self.metrics]
        kept: list[tuple[Annotation, Prediction]] = []
        strays = Strays()
        for done, (annotation, prediction) in enumerate(job.pairs(), 1):
            for wanted, into in counted:
                wanted.metric.add(into, annotation, prediction)
            strays.add(annotation, prediction)
            if keep:
                kept.append((annotation, prediction))
            tick(done, len(whole.annotations))
        found = [f for w, c in counted for f in findings(w, _result(w, c))]
        return Outcome(
            self.model, str(self.launcher.model), self.launcher.name, self.launcher.device.upper(), self.dataset,
            len(whole.annotations), found, self.tags, time.perf_counter() - begin, job.inference,
            (*job.running.remarks, *strays.remarks()), [a for a, _ in kept], [p for _, p in kept],
        )  # fmt: skip

    def with_model(self, model: Path) -> Evaluation:
        """Of another file."""
        return replace(self, launcher=replace(self.launcher, model=model, weights=None))

    def _check(self, dataset: Dataset) -> None:
        """Raises a UsageError where a metric is for annotations of another kind."""
        if not dataset.annotations:
            raise UsageError("no samples are left", self.where or self.dataset)
        has = type(dataset.annotations[0])
        check([
            UsageError(f"metric '{w.name}' takes {w.metric.annotation.__name__}, the data set has {has.__name__}",
                       self.where or self.dataset)
            for w in self.metrics if not issubclass(has, w.metric.annotation)
        ])  # fmt: skip


def _result(wanted: Wanted, counted: Any) -> Any:
    try:
        return wanted.metric.result(counted)
    except VinocError as error:
        error.where = error.where or f"metric '{wanted.name}'"
        raise


class Cache:
    """What preprocessing made of samples, kept up to a number of bytes: for models that are judged again and again."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.left = limit
        self.images: dict[tuple[Any, str], Image] = {}

    def get(self, key: tuple[Any, str], made: Callable[[], Image]) -> Image:
        found = self.images.get(key)
        if found is None:
            found = made()
            size = int(getattr(found.data, "nbytes", 0))
            if size <= self.left:
                self.left -= size
                self.images[key] = found
        return found


class _Job:
    """Samples through a model, in order. While inferences run, the samples that come next are read and prepared."""

    def __init__(self, evaluation: Evaluation, dataset: Dataset, running: Running, cache: Cache | None) -> None:
        self.evaluation = evaluation
        self.dataset = dataset
        self.running = running
        self.cache = cache
        self.images = Images(dataset, evaluation.source.folder, evaluation.source.data)
        steps = evaluation.preprocessing
        self.steps = tuple(s.fitted(running.size) for s in steps) if running.size is not None else steps
        self.requests = deque(running.loaded.request() for _ in range(running.requests))
        self.state: dict[str, Array] = {}
        self.inference = 0.0

    def pairs(self) -> Iterator[tuple[Annotation, Prediction]]:
        """Annotation and prediction of each sample, postprocessed."""
        waiting: deque[tuple[list[Annotation], list[Image], Future[Outputs]]] = deque()
        with ThreadPoolExecutor(self.running.requests) as pool:
            try:
                for annotations in self._batches():
                    images = [self._prepared(a) for a in annotations]
                    waiting.append((annotations, images, pool.submit(self._infer, images)))
                    if len(waiting) > self.running.requests:
                        yield from self._finished(*waiting.popleft())
                while waiting:
                    yield from self._finished(*waiting.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _batches(self) -> Iterator[list[Annotation]]:
        every, size = self.dataset.annotations, self.running.batch
        for i in range(0, len(every), size):
            yield list(every[i : i + size])

    def _prepared(self, annotation: Annotation) -> Image:
        def made() -> Image:
            return prepared(self.images.read(annotation), self.steps, annotation)

        if self.cache is None:
            return made()
        return self.cache.get((self.running.size, annotation.identifier), made)

    def _infer(self, images: list[Image]) -> Outputs:
        request = self.requests.popleft()  # as many as there are threads
        try:
            feeds = self.running.filled.feeds(images, self.state)
            begin = time.perf_counter()
            found = request(feeds)
            self.inference += time.perf_counter() - begin
            # what an engine gives may be its own memory, which the next inference writes to
            outputs = Outputs(self.running.outputs, [np.array(a) for a in found])
        finally:
            self.requests.append(request)
        for name, output in self.running.filled.states.items():
            self.state[name] = outputs[output]
        return outputs

    def _finished(
        self, annotations: list[Annotation], images: list[Image], future: Future[Outputs]
    ) -> Iterator[tuple[Annotation, Prediction]]:
        running = self.running
        frames = Frames(
            [i.identifier for i in images], [i.meta for i in images], running.size, self.dataset.labels, running.batch
        )
        predictions = self.evaluation.adapter.predict(future.result(), frames)
        for annotation, prediction in zip(annotations, predictions, strict=True):
            for step in self.evaluation.postprocessing:
                annotation, prediction = step.apply(annotation, prediction)
            yield annotation, prediction
