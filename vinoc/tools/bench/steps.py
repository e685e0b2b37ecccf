"""The eleven steps of a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ...ir.errors import EvaluationError
from ...runtime.queue import AsyncInferQueue
from ...runtime.request import InferRequest
from ..inputs.files import files_by_input
from ..inputs.fill import Queue, filled
from .config import write_config
from .exec_graph import write_exec_graph
from .figures import Latency, Spread, Value, by_group
from .log import Log
from .measure import Limits, Measured, Tick, aligned, measure_async, measure_sync
from .prepare import Prepared, batch_text, prepare, show_properties, timed
from .report import Report, counter_lines, counters, latency_lines, latency_rows
from .settings import Settings

Progress = Callable[[str], AbstractContextManager[Tick]]


@dataclass
class Outcome:
    """What a measurement found; `runs` has one entry a repeat, none where the model was only compiled."""

    settings: Settings
    prepared: Prepared
    runs: list[Measured] = field(default_factory=list)
    requests: int = 1
    streams: str = ""
    first_ms: float | None = None

    @property
    def times(self) -> list[float]:
        """The latencies of all repeats."""
        return [ms for run in self.runs for ms in run.latencies]

    @property
    def latency(self) -> Latency:
        return Latency.of(self.times, self.settings.latency_percentile)

    @property
    def throughput(self) -> float:
        """Over all repeats: samples by seconds."""
        return sum(r.frames for r in self.runs) / sum(r.seconds for r in self.runs)

    @property
    def value(self) -> Value:
        return Value.of(self.throughput, self.settings.price, self.settings.watts)

    def spreads(self) -> dict[str, Spread]:
        """Over repeats: throughput and the median latency."""
        percentile = self.settings.latency_percentile
        return {
            "Throughput (FPS)": Spread.of([r.throughput for r in self.runs]),
            "Latency (ms)": Spread.of([Latency.of(r.latencies, percentile).median for r in self.runs]),
        }


def bench(settings: Settings, words: Sequence[str], log: Log, progress: Progress) -> Outcome:
    """Measures a model and prints the report. Raises VinocError; a report that was asked for then holds the error."""
    report = Report(settings, words)
    try:
        return _steps(settings, report, log, progress)
    except Exception as error:
        if settings.report_type:
            report.results(("error", error))
            report.write()
        raise


def _steps(settings: Settings, report: Report, log: Log, progress: Progress) -> Outcome:
    log.step()
    log.info("Parsing input parameters")
    outcome = Outcome(settings, prepare(settings, log, report))
    if settings.compile_only:
        log.info("Model compiled successfully. Skipping inference due to -niter 0.")
        for _ in range(3):
            log.step("skipped")
        log.step()
        _dump(outcome, report, [], log)
        return outcome
    log.step()
    show_properties(outcome.prepared.compiled, log)
    log.step()
    jobs, queue = _jobs(outcome, log)
    refill = not _inference_only(settings, outcome)
    limits = _limits(settings, queue, len(jobs), log)
    _tell_setup(outcome, report, limits, refill)
    log.step(_announced(outcome, limits))
    mode = "full mode (inputs are changed in the loop)" if refill else "inference only mode (inputs are not changed)"
    log.info(f"Benchmarking in {mode}.")
    if not settings.no_warmup:
        queue, outcome.first_ms = _first_inference(jobs, queue, log)
        log.info(f"First inference took {outcome.first_ms:.2f} ms")
        report.results(("first inference time (ms)", f"{outcome.first_ms:.2f}"))
    for number in range(settings.repeats):
        title = f"Measuring ({number + 1}/{settings.repeats})" if settings.repeats > 1 else "Measuring"
        with progress(title) as tick:
            outcome.runs.append(_measured(settings, jobs, queue, limits, refill, tick))
    log.step()
    _dump(outcome, report, list(jobs), log)
    summarize(outcome, log)
    return outcome


def _first_inference(jobs: AsyncInferQueue, queue: Queue, log: Log) -> tuple[Queue, float]:
    """Milliseconds of the first inference. Where the model cannot take integers that were made up, smaller ones are."""

    def infer(given: Queue) -> float:
        return timed(lambda: jobs[0].infer(given.feeds[0].arrays, share_inputs=True))[1]

    try:
        return queue, infer(queue)
    except EvaluationError as error:
        small = queue.with_small_integers()
        if small is None:
            raise
        log.warn(f"Random integers up to 255 are too large for the model, 0 and 1 are fed: {error.what}")
        return small, infer(small)


def _measured(
    settings: Settings, jobs: AsyncInferQueue, queue: Queue, limits: Limits, refill: bool, tick: Tick
) -> Measured:
    """One repeat."""
    if settings.api == "async":
        return measure_async(jobs, queue, limits, refill, tick)
    request = jobs[0]
    return measure_sync(lambda arrays: request.infer(arrays, share_inputs=True), queue, limits, refill, tick)


def _jobs(outcome: Outcome, log: Log) -> tuple[AsyncInferQueue, Queue]:
    """Requests, and what they are fed with."""
    settings, prepared = outcome.settings, outcome.prepared
    files = files_by_input(settings.inputs, prepared.inputs, log.warn)
    queue = filled(prepared.inputs, files, log.info, log.warn)
    if len(queue.batches) > 1:
        log.info(f"Defined {len(queue.batches)} tensor groups:")
        for group in range(len(queue.batches)):
            log.info(f"\t{group_text(outcome, group)}")
    jobs = AsyncInferQueue(prepared.compiled, 1 if settings.api == "sync" else settings.nireq)
    outcome.requests = len(jobs)
    outcome.streams = str(prepared.compiled.get_property("NUM_STREAMS"))
    return jobs, queue


def _inference_only(settings: Settings, outcome: Outcome) -> bool:
    static = all(i.is_static for i in outcome.prepared.inputs)
    return static if settings.inference_only is None else settings.inference_only


def _limits(settings: Settings, queue: Queue, requests: int, log: Log) -> Limits:
    groups = len(queue.batches)
    wanted = settings.niter or 0
    count = aligned(wanted, requests, groups, settings.api == "async")
    if count != wanted:
        by = f"{groups} data shapes" if groups > requests else f"{requests} requests"
        log.warn(f"Number of iterations was aligned from {wanted} to {count}, a multiple of {by}")
    whole = max(groups, requests) if settings.api == "async" else groups
    return Limits(settings.seconds, count, whole, settings.max_irate)


def _tell_setup(outcome: Outcome, report: Report, limits: Limits, refill: bool) -> None:
    settings = outcome.settings
    report.setup(
        ("topology", outcome.prepared.topology),
        ("target device", settings.device),
        ("API", settings.api),
        ("inference_only", not refill),
        ("precision", settings.infer_precision or "UNSPECIFIED"),
        ("batch size", batch_text(outcome.prepared.inputs)),
        ("number of iterations", limits.iterations or None),
        ("number of parallel infer requests", outcome.requests),
        ("duration (ms)", int(limits.seconds * 1000)),
        (f"number of {settings.device} streams", outcome.streams),
    )
    if settings.repeats > 1:
        report.setup(("repeats", settings.repeats))


def _announced(outcome: Outcome, limits: Limits) -> str:
    """What step 10 says of itself."""
    settings = outcome.settings
    parts = [f"Start inference {settings.api}hronously"]
    if settings.api == "async":
        parts.append(f"{outcome.requests} inference requests")
    ends = [f"{int(limits.seconds * 1000)} ms duration"] if limits.seconds else []
    ends += [f"{limits.iterations} iterations"] if limits.iterations else []
    return ", ".join([*parts, f"limits: {', '.join(ends)}"])


def group_text(outcome: Outcome, group: int) -> str:
    """The data shapes of a group."""
    inputs = outcome.prepared.inputs
    return ", ".join(f"{i.name}: [{','.join(map(str, i.shapes[group % len(i.shapes)]))}]" for i in inputs)


def _dump(outcome: Outcome, report: Report, requests: Sequence[InferRequest], log: Log) -> None:
    """Step 11: whatever files were asked for."""
    settings, prepared = outcome.settings, outcome.prepared
    if settings.dump_config is not None:
        write_config(settings.dump_config, prepared.config)
        log.info(f"Configuration settings were dumped to {settings.dump_config}")
    profiles = [r.get_profiling_info() for r in requests] if settings.counts else []
    if settings.exec_graph_path is not None:
        write_exec_graph(prepared.compiled, settings.exec_graph_path)
        log.info(f"Executed graph is stored to {settings.exec_graph_path}")
    if settings.perf_counts or settings.perf_counts_sort:
        for number, infos in enumerate(profiles):
            log.info(f"Performance counts for {number}-th infer request")
            for line in counter_lines(counters(infos), settings.perf_counts_sort):
                log.line(line)
    if outcome.runs:
        _tell_results(outcome, report)
    if not settings.report_type:
        return
    stored = (report.write_counters(profiles), report.write_sorted(profiles)) if profiles else ()
    for path in filter(None, stored):
        log.info(f"Performance counters report is stored to {path}")
    log.info(f"Statistics report is stored to {report.write()}")


def _tell_results(outcome: Outcome, report: Report) -> None:
    percentile = outcome.settings.latency_percentile
    report.results(
        ("total execution time (ms)", f"{sum(r.seconds for r in outcome.runs) * 1e3:.2f}"),
        ("total number of iterations", len(outcome.times)),
        *latency_rows(outcome.latency, percentile),
        ("latency deviation", f"{outcome.latency.deviation:.2f}"),
    )
    for group, latency in _groups(outcome).items():
        report.results((f"group {group + 1}", group_text(outcome, group)))
        report.results(*((f"group {group + 1} {k}", v) for k, v in latency_rows(latency, percentile)))
    report.results(("throughput", f"{outcome.throughput:.2f}"), ("load time (ms)", f"{outcome.prepared.load_ms:.2f}"))
    report.results(*outcome.value.rows())
    if outcome.settings.repeats > 1:
        report.results(*((f"{name} over repeats", spread) for name, spread in outcome.spreads().items()))


def _groups(outcome: Outcome) -> dict[int, Latency]:
    """The latency of each group of data shapes, where there are several."""
    merged = Measured([], [])
    for run in outcome.runs:
        merged.latencies += run.latencies
        merged.groups += run.groups
    found = by_group(merged, outcome.settings.latency_percentile)
    return found if len(found) > 1 else {}


def summarize(outcome: Outcome, log: Log) -> None:
    """The report on the console."""
    percentile = outcome.settings.latency_percentile
    log.info(f"Execution Devices:{outcome.prepared.compiled.get_property('EXECUTION_DEVICES')}")
    log.info(f"Count:            {len(outcome.times)} iterations")
    log.info(f"Duration:         {sum(r.seconds for r in outcome.runs) * 1e3:.2f} ms")
    log.info("Latency:")
    for line in latency_lines(outcome.latency, percentile):
        log.info(line)
    groups = _groups(outcome)
    if groups:
        log.info("Latency for each data shape group:")
        for group, latency in groups.items():
            log.info(f"{group + 1}. {group_text(outcome, group)}")
            for line in latency_lines(latency, percentile, 8):
                log.info(line)
    log.info(f"Throughput:   {outcome.throughput:.2f} FPS")
    if outcome.settings.repeats > 1:
        log.info(f"Over {outcome.settings.repeats} repeats, mean ± standard deviation:")
        for name, spread in outcome.spreads().items():
            log.info(f"   {name + ':':<18} {spread}")
    log.info(f"Load time:    {outcome.prepared.load_ms:.2f} ms")
    for title, figure in outcome.value.rows():
        log.info(f"{title.capitalize()}: {figure}")
