"""What `vinoc quantize` does: from files to files."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...backends.base import backend
from ...backends.files import written_together
from ...backends.openvino import write_ir
from ...compiler.driver import open_model
from ...compiler.face.options import Face
from ...compiler.paths import check_file, check_target
from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from ...passes.pipeline import Pipeline
from ...runtime.model import Model
from ..inputs.slots import inputs_of, set_layouts
from .asked import Asked
from .blas import one_thread
from .data import Preparation
from .options import Options
from .quantize import Result, quantize_model
from .report import Report, Sizes, report_of
from .resume import check_resume
from .watch import Watch

SHORTEN = "cse"
"""What a quantized graph goes through before it is written: limits that are equal are stored once."""

QUANTIZED = "quantized.xml"

REPORTS = (".html", ".json", ".txt")

Quantizer = Callable[[Graph, Any, Options, Preparation, Watch], Result]


@dataclass(frozen=True)
class Job:
    """A model, data, and the files to write.

    data      what `open_data` takes, or `Asked`, which says the preparation too; None for weights alone
    out       the .xml; the .bin stands beside it
    reports   files, told apart by their endings; ranges: a ranges file
    resume    where statistics are kept on the way
    quantizer what does it, `quantize_model` if it is nothing else
    """

    model: Path
    data: Any
    out: Path
    options: Options = field(default_factory=Options)
    preparation: Preparation = field(default_factory=Preparation)
    reports: Sequence[Path] = ()
    ranges: Path | None = None
    resume: Path | None = None
    input_shape: str | None = None
    quantizer: Quantizer = quantize_model


@dataclass(frozen=True)
class Done:
    """A finished job."""

    result: Result
    report: Report
    files: Sequence[Path]


def output_file(out: Path, name: str, model: Path, options: Options) -> Path:
    """The .xml for `-o` and `-n`: a file, or the name of the model with its precision in a folder."""
    if out.suffix == ".xml":
        if name:
            raise UsageError("the name is given twice", "--model_name", f"-o {out} says it")
        return out
    bits = options.weight_bits if options.weights_only else max(options.bits, options.weight_bits)
    return out / f"{name or f'{model.stem}_int{bits}'}.xml"


@one_thread()
def run_job(job: Job, watch: Watch | None = None) -> Done:
    """Quantizes a model and writes it with its reports, all of it or nothing. Raises VinocError."""
    watch = watch or Watch()
    _check(job)
    watch.resume = job.resume
    began = time.perf_counter()
    graph, data, preparation = loaded(job)
    result = job.quantizer(graph, data, job.options, preparation, watch)
    result.seconds["total"] = time.perf_counter() - began
    return _written(job, result)


def loaded(job: Job) -> tuple[Graph, Any, Preparation]:
    """The graph of a job, its data, and how these are prepared."""
    with quiet_gc():
        graph, face = open_model(job.model, face=Face(input_shape=job.input_shape))
        PassManager(Pipeline(face)).run(graph)
    if not isinstance(job.data, Asked):
        return graph, job.data, job.preparation
    inputs = inputs_of(Model(graph).inputs)
    set_layouts(inputs, job.data.layout)
    return graph, job.data.source(inputs), job.data.preparation(inputs)


def _check(job: Job) -> None:
    """Raises UsageError before any work for files that could not be written."""
    for path in job.reports:
        check_file(path, "--report", REPORTS, "a report")
    check_file(job.ranges, "--save-ranges", (".json",), "a ranges file")
    check_file(job.resume, "--resume")
    written = {"-o": (job.out, job.out.with_suffix(".bin")), "--report": job.reports, "--save-ranges": (job.ranges,)}
    for option, paths in {**written, "--resume": (job.resume,)}.items():
        for path in filter(None, paths):
            check_target(path, f"{option} {path}")
    if job.resume is not None:
        check_resume(job.resume)
    with suppress(OSError):
        if job.model.resolve() == job.out.resolve():
            raise UsageError("the model itself would be overwritten", f"-o {job.out}", "choose another name")


def _written(job: Job, result: Result) -> Done:
    """Writes everything to a folder of its own first, so that the report knows the sizes; then all to their places."""
    with tempfile.TemporaryDirectory(prefix="vinoc") as folder:
        made = Path(folder) / QUANTIZED
        sizes = _both(result, Path(folder))
        report = report_of(job.model.name, result, sizes, thorough=bool(job.reports))
        contents: dict[Path, Path | bytes] = {p: report.rendered(p.suffix) for p in job.reports}
        if job.ranges is not None:
            contents[job.ranges] = result.work.for_original().text().encode()
        contents |= {job.out.with_suffix(".bin"): made.with_suffix(".bin"), job.out: made}
        _publish(contents, job.out.parent)
    return Done(result, report, tuple(contents))


def written_sizes(result: Result) -> Sizes:
    """The bytes that a result takes in files, and the float model."""
    with tempfile.TemporaryDirectory(prefix="vinoc") as folder:
        return _both(result, Path(folder))


def _both(result: Result, folder: Path) -> Sizes:
    lowering = backend("ir").lowering
    paths = folder / "float.xml", folder / QUANTIZED
    _lowered(result.work.original, paths[0], lowering)
    _lowered(result.graph, paths[1], f"{SHORTEN},{lowering}", short=True)
    return Sizes(*(_size(p.with_suffix(s)) for p in paths for s in (".bin", ".xml")))


def _lowered(graph: Graph, path: Path, passes: str, short: bool = False) -> None:
    with quiet_gc():
        copy = graph.clone()
        PassManager(passes).run(copy)
        write_ir(copy, path, short=short)


def _size(path: Path) -> int:
    return path.stat().st_size


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        help = "choose a folder that you may write to"
        raise VinocError(f"the folder cannot be made: {error.strerror or error}", f"-o {folder}", help) from error


def _publish(contents: dict[Path, Path | bytes], folder: Path) -> None:
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        _make(folder)
        with written_together(list(contents)) as files:
            for content, file in zip(contents.values(), files, strict=True):
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with open(content, "rb") as source:
                        shutil.copyfileobj(source, file)
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise
