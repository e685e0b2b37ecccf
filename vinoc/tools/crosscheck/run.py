"""One cross check: both sides run on the same inputs, their tensors compared, the first that diverges explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...compiler.driver import evaluate, read_model
from ...compiler.samples import evaluable_inputs, random_inputs
from ...ir.errors import UsageError, did_you_mean
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...ir.types import TensorType
from ...runtime.ports import ports_of
from ..engines.find import errors_of
from ..inputs.files import files_by_input
from ..inputs.fill import filled
from ..inputs.slots import inputs_of
from .blame import Blame, blame
from .compare import Matching, Pair, compare, is_quantized
from .sides import Side
from .trace import Trace, load

TOLERANCES = {"f16": 2e-2, "bf16": 1e-1}
TOLERANCE = 1e-3
"""Of the range of a layer, where a precision does not ask for more."""

QUANTIZED = 5e-2
"""By root mean square, where tensors are quantized."""


@dataclass
class Check:
    """What a cross check found."""

    a: Trace
    b: Trace
    found: Matching
    tolerance: float
    first: Pair | None = None
    blames: list[Blame] = field(default_factory=list)


def crosscheck(
    a: Side, b: Side, inputs: Mapping[str, Any], tolerance: float | None = None, layers: Sequence[str] | None = None,
    stage: Callable[[str], None] = lambda text: None,
) -> Check:  # fmt: skip
    """Runs both sides and explains the first tensor that diverges. `layers` are those that are wanted, None for all.

    Raises VinocError.
    """
    stage(f"running {a}")
    first = run(a, inputs)
    stage(f"running {b}")
    second = run(b, inputs)
    found = compare(first, second, layers)
    if not found.pairs:
        raise UsageError(
            f"{a} and {b} have no tensor in common", help="are they of one model? names and framework nodes tell"
        )
    allowed = tolerance_of(a, b, first, second) if tolerance is None else tolerance
    check = Check(first, second, found, allowed, found.first(allowed))
    if check.first is not None:
        stage(f"asking who made '{check.first.name}'")
        check.blames = blame(check.first, found, a, b, inputs, allowed)
    return check


def run(side: Side, inputs: Mapping[str, Any]) -> Trace:
    """All tensors of a side. Raises VinocError."""
    if side.is_stored:
        return load(side.path)
    if side.is_own:
        from .own import run_own

        return run_own(side, inputs)
    with errors_of(side.engine, side.path):
        if side.engine == "onnxruntime":
            from .ort import run_onnxruntime

            return run_onnxruntime(side, inputs)
        from .ov import run_openvino

        return run_openvino(side, inputs)


def tolerance_of(a: Side, b: Side, *traces: Trace) -> float:
    """What the narrower of two precisions can keep, and what quantized tensors can."""
    return max(QUANTIZED if is_quantized(*traces) else 0.0, *(TOLERANCES.get(s.precision, TOLERANCE) for s in (a, b)))


def make_inputs(sides: Sequence[Side], words: Sequence[str], seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """What both sides get: files, else the inputs that stand in a file of tensors, else random values.

    Raises VinocError.
    """
    for side in sides:
        stored = load(side.path).inputs if side.is_stored else {}
        if stored and not words:
            return stored
    model = next((s for s in sides if not s.is_stored), None)
    if model is None:
        return {}
    with quiet_gc():
        graph = read_model(model.path)
    if words:
        inputs = inputs_of(ports_of(graph)[0])
        queue = filled(inputs, files_by_input(words, inputs, say), say, say)
        return queue.feeds[0].arrays
    names = [next(iter(n), v.name) for v, n in zip(graph.inputs, graph.input_names, strict=True)]
    return dict(zip(names, sample(graph, seed), strict=True))


def sample(graph: Graph, seed: int) -> list[Any]:
    """Random inputs; where sizes are open, the smallest on which the model runs."""
    if all(isinstance(v.type, TensorType) and v.type.is_static for v in graph.inputs):
        return random_inputs(graph, seed=seed)
    return evaluable_inputs(graph, evaluate, seed)


def wanted_layers(text: str, sides: Sequence[Side]) -> list[str] | None:
    """`all`, `none` (outputs only) or names. Raises UsageError with the nearest."""
    if text.lower() == "all":
        return None
    side = next((s for s in sides if not s.is_stored), None)
    with quiet_gc():
        graph = read_model(side.path) if side is not None else None
    if text.lower() == "none":
        return [v.name for v in graph.outputs] if graph else []
    names = [n.strip() for n in text.split(",") if n.strip()]
    known = [v.name for n in graph for v in n.outputs] if graph else names
    for name in names:
        if name not in known:
            raise UsageError(f"no tensor '{name}'", "--layers", did_you_mean(name, known) or None)
    return names
