"""The driver: model file in, files of a target out, with an account of what was done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backends.base import Backend, backend
from ..ir.errors import ModelError, UsageError, VinocError, did_you_mean
from ..ir.graph import Graph
from ..ir.quiet import quiet_gc
from ..ir.record import record
from ..passes.base import Pass
from ..passes.manager import Instrument, PassManager, StepResult
from ..passes.pipeline import Pipeline, parse
from .config import NO_FACE, Options
from .face.options import Face, options_named

if TYPE_CHECKING:
    from ..passes.changes import Changes

Watch = Callable[[str], None]
"""Is told the stage that begins: `reading m.onnx`, `pass 'fuse'`, ..."""


def silent(stage: str) -> None:
    """A watch that does nothing."""


@record(frozen=True)
class Size:
    """How large a graph is, its bodies included."""

    nodes: int
    edges: int

    @classmethod
    def of(cls, graph: Graph) -> Size:
        graphs = list(graph.walk())
        return cls(sum(map(len, graphs)), sum(g.n_edges for g in graphs))


@record()
class Result:
    """What a compilation did. Times are wall seconds by phase: read, passes, write."""

    model: Path
    options: Options
    pipeline: str
    lowering: str
    before: Size
    after: Size
    steps: list[StepResult]
    files: list[Path] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    errors: list[tuple[str, float]] = field(default_factory=list)
    """With numeric verification: the error of the outputs after each pass that changed something."""
    changes: Changes | None = None
    """With `record`: what passes changed, and pictures of it."""

    @property
    def seconds(self) -> float:
        return sum(self.phases.values())


def compile_model_file(
    path: str | Path, options: Options | None = None, watch: Watch = silent, **changes: Any
) -> Result:
    """Reads a model, runs the passes, lowers and writes it; `changes` are fields of Options.

    Files appear only when everything succeeded. Raises VinocError; any other exception is a fault of vinoc and
    carries a note that names the stage.
    """
    if "out_dir" in changes:
        changes["out_dir"] = Path(changes["out_dir"])
    options = replace(options or Options(), **changes)
    path = Path(path)
    with quiet_gc(), _noted(watch) as stage:
        maker = backend(options.target)
        passes, lowering = parse(options.passes), parse(maker.lowering, f"lowering of '{maker.name}'")
        pipeline = Pipeline((*passes.steps, *lowering.steps))
        _check_names(options, pipeline)
        _check_directory(options.out_dir)
        clock = Clock()
        stage(f"reading {path}")
        graph, face = open_model(path, options.framework, options.outputs, options.face)
        pipeline = Pipeline((*face, *pipeline.steps))
        clock.lap("read")
        before = Size.of(graph)
        instruments, numeric = _instruments(options, stage, graph)
        seen = None
        if options.record:
            from ..passes.changes import Changes

            seen = Changes()
            instruments.append(seen)
        explain = options.record or bool(options.explain)
        with options_named(options.face):
            steps = PassManager(pipeline, instruments, explain).run(graph)
        clock.lap("passes")
        asked = str(Pipeline((*face, *passes.steps)))
        result = Result(path, options, asked, str(lowering), before, Size.of(graph), steps)
        stage(f"writing target '{maker.name}'")
        result.files = _write(maker, graph, options, path)
        clock.lap("write")
        result.phases = clock.laps
        result.errors = numeric.errors if numeric else []
        result.changes = seen
        return result


def read_model(path: str | os.PathLike[str], framework: str | None = None, outputs: Sequence[str] = ()) -> Graph:
    """The graph of a model file of any known format, cut at `outputs` where some are given.

    Raises VinocError, naming the formats when the file is of none.
    """
    return open_model(path, framework, outputs)[0]


def open_model(
    path: str | os.PathLike[str],
    framework: str | None = None,
    outputs: Sequence[str] = (),
    face: Face = NO_FACE,
) -> tuple[Graph, tuple[Pass, ...]]:
    """The graph of a model file that begins where `face` says, and the passes that give it the rest of its face."""
    from .frontends.base import find_frontend, frontend_for

    path = Path(path)
    if not path.exists():
        raise ModelError("there is no such file", str(path), _near_files(path))
    if path.is_file() and not os.access(path, os.R_OK):
        raise ModelError("cannot be read: permission denied", str(path))
    if path.is_dir():
        raise ModelError("is a folder", str(path), f"name a file; {formats()}")
    frontend = find_frontend(framework) if framework else frontend_for(path)
    try:
        if not face:
            return frontend.load(path, outputs=outputs or None), ()
        from .face.begin import begin, in_order
        from .face.plan import passes_for

        start = begin(face, frontend, path, outputs)
        graph = frontend.load(path, inputs=start.inputs or None, outputs=outputs or None)
        in_order(graph, start.order)
        return graph, passes_for(face, start, graph)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}", str(path)) from error


def formats() -> str:
    """The formats that can be read, for messages."""
    from .frontends.base import frontends

    return "formats: " + ", ".join(f"{f.name} ({' '.join(f.extensions)})" for f in frontends().values())


def run_passes(graph: Graph, options: Options, watch: Watch = silent) -> list[StepResult]:
    """Runs the pipeline of the options over a graph, in place. Raises as `compile_model_file` does."""
    with quiet_gc(), _noted(watch) as stage:
        pipeline = parse(options.passes)
        _check_names(options, pipeline)
        instruments, _ = _instruments(options, stage, graph)
        return PassManager(pipeline, instruments, explain=options.record or bool(options.explain)).run(graph)


def peak_memory() -> int:
    """The most bytes that the process has held so far; 0 where the system does not tell."""
    with suppress(OSError):  # Linux: `getrusage` counts what the parent held before `exec`, too
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Clock:
    """Wall seconds by phase."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Ends a phase."""
        now = time.perf_counter()
        self.laps[name], self.last = self.laps.get(name, 0.0) + now - self.last, now


@contextmanager
def _noted(watch: Watch) -> Iterator[Watch]:
    """Passes stages on, and notes the last one on exceptions that nobody expected."""
    current = ""

    def stage(text: str) -> None:
        nonlocal current
        current = text
        watch(text)

    try:
        yield stage
    except VinocError:
        raise
    except Exception as error:
        if current:
            error.add_note(f"while {current}")
        raise


class _Stages(Instrument):
    """Tells which pass runs."""

    def __init__(self, stage: Watch) -> None:
        self.stage = stage

    def before(self, step: StepResult, graph: Graph) -> None:
        self.stage(f"running pass '{step.pipeline}' (step {step.index})")


def _instruments(options: Options, stage: Watch, graph: Graph) -> tuple[list[Instrument], Any]:
    from ..passes.instruments import Dump, NumericCheck, Verify

    made: list[Instrument] = [_Stages(stage)]
    numeric = None
    if options.dump_dir is not None:
        made.append(Dump(options.dump_dir, options.dump_after))
    if options.verify != "off":
        made.append(Verify())
    if options.verify == "numeric":
        from .samples import evaluable_inputs

        stage("evaluating the model on random inputs")
        numeric = NumericCheck(
            evaluate, evaluable_inputs(graph, evaluate), sample=lambda g: evaluable_inputs(g, evaluate)
        )
        made.append(numeric)
    return made, numeric


def evaluate(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a graph by the reference interpreter."""
    from ..backends.numpy.interpreter import Interpreter

    return Interpreter(graph).run(inputs)


def _check_names(options: Options, pipeline: Pipeline) -> None:
    """Passes that are to be dumped or explained must be in the pipeline."""
    for option, wanted in (("--dump-after", options.dump_after), ("--explain", options.explain)):
        known = {p.name for p in pipeline.passes()}
        if option == "--explain":
            known |= {rule for p in pipeline.passes() for rule in members(p)}
        for name in wanted:
            if name not in known:
                hint = did_you_mean(name, known)
                listed = ", ".join(sorted(known)) or "nothing"
                raise UsageError(f"the pipeline has no pass '{name}'", option, f"{hint} it has: {listed}".strip())


def members(p: Any) -> list[str]:
    """The names of the rules of a group, and of the passes that follow them; none for any other pass."""
    from ..passes.rewrite import Group

    return [r.name for r in (*p.rules(), *p.passes())] if isinstance(p, Group) else []


def _check_directory(directory: Path) -> None:
    """Raises before the work begins when the output folder cannot be made or written."""
    existing = directory
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise UsageError(f"cannot be a folder: '{existing}' is a file", str(directory), "choose another --output_dir")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise VinocError("cannot be written: permission denied", str(existing), "choose another --output_dir")


def _write(maker: Backend, graph: Graph, options: Options, model: Path) -> list[Path]:
    made: list[Path] = []
    directory = options.out_dir
    while not directory.exists():
        made.append(directory)
        directory = directory.parent
    try:
        options.out_dir.mkdir(parents=True, exist_ok=True)
        return list(maker.write(graph, options.out_dir, options.model_name or model.stem))
    except BaseException as error:
        for directory in made:
            with suppress(OSError):
                directory.rmdir()
        if isinstance(error, OSError):
            what = f"cannot write: {error.strerror or error}"
            raise VinocError(what, str(options.out_dir), "check free space and permissions") from error
        raise


def _near_files(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"there is no folder '{path.parent}'"
    with suppress(OSError):
        return did_you_mean(path.name, [p.name for p in path.parent.iterdir()]) or None
    return None
