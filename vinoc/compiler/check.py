"""Would a model convert? Everything that stands in the way, without writing a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from ..backends.base import backend
from ..ir.errors import ConversionError, Problem, Unsupported
from ..ir.graph import Graph
from ..ir.quiet import quiet_gc
from ..passes.manager import PassManager
from ..passes.pipeline import parse
from .config import Options
from .driver import Size, Watch, read_model, run_passes, silent


@dataclass(slots=True)
class Verdict:
    """What was found: problems of reading and converting the model, or of writing it to the target."""

    model: Path
    target: str
    size: Size | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def check_model(path: str | Path, options: Options, watch: Watch = silent) -> Verdict:
    """Reads the model, runs the pipeline, and asks the target what it cannot take.

    Raises VinocError for a file that cannot be read at all, and for faulty passes.
    """
    path = Path(path)
    verdict = Verdict(path, options.target)
    maker = backend(options.target)
    try:
        graph = read_model(path, options.framework, options.outputs)
    except ConversionError as error:
        verdict.problems += error.problems
        return verdict
    run_passes(graph, options, watch)
    with quiet_gc():
        PassManager(parse(maker.lowering, f"lowering of '{maker.name}'")).run(graph)
    verdict.size = Size.of(graph)
    verdict.problems += unwritable(graph, options.target)
    return verdict


def unwritable(graph: Graph, target: str) -> list[Problem]:
    """What a target cannot write of a lowered graph: its backend says so (`problems`), or a trial shows it."""
    maker = backend(target)
    find = getattr(maker, "problems", None)
    if find is not None:
        return list(find(graph))
    try:
        with TemporaryDirectory(prefix="vinoc-check-") as folder:
            maker.write(graph, Path(folder), "trial")
    except ConversionError as error:
        return list(error.problems)
    except Unsupported as error:
        return [Problem("model", "", error.what, help=error.help)]
    return []
