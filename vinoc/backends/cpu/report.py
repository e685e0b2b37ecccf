"""A plan as rows for people: what runs, in which layout, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...ir import loc as _loc
from ...ir.graph import Node
from .engine.islands import State
from .engine.program import Program
from .engine.stages import Staged
from .lowering.place import Form, Place
from .lowering.plan import Call, Island

HEAD = ("#", "node", "kernel", "output", "layout", "units", "Mflop", "us", "GFLOP/s")


def rows(program: Program | Staged, inputs: Sequence[Any] | None = None) -> Iterator[tuple[str, ...]]:
    """A row for every step, as in HEAD; with inputs, which must be arrays of the plan's shapes, it is run and timed.

    Of a graph in stages only those are shown that are planned so far.
    """
    if isinstance(program, Staged):
        yield ("", "shapes known only at run time: the model runs in stages", "", "", "", "", "", "", "")
        return
    steps = program.plan.steps
    times = [seconds for _, seconds in program.profile(inputs, State())] if inputs is not None else [None] * len(steps)
    for i, (step, seconds) in enumerate(zip(steps, times, strict=True)):
        place = _result(step)
        flops = step.flops if isinstance(step, Call) else 0
        yield (
            str(i),
            names(step.node) if step.node else "(output)",
            step.kernel.name if isinstance(step, Call) else f"island: {step.why}",
            f"{place.dtype}{list(place.shape)}" if place else "",
            layout(place) if place else "",
            str(step.units) if isinstance(step, Call) else "",
            f"{flops / 1e6:.2f}" if flops else "",
            f"{seconds * 1e6:.1f}" if seconds is not None else "",
            f"{flops / seconds / 1e9:.0f}" if flops and seconds else "",
        )


def names(node: Node) -> str:
    """The framework nodes that a node stands for."""
    found = list(dict.fromkeys(f"{leaf.node}" for leaf in _loc.leaves(node.loc) if leaf.node))
    return " + ".join(found) or f"{node.kind} {node.label}"


def layout(place: Place) -> str:
    """How the elements of a place lie."""
    dense = (
        "" if place.buffer.size == place.size * place.itemsize or place.buffer.size == 0 else ", part of a larger one"
    )
    if place.fits(Form.ROWS):
        return f"rows{dense}"
    if len(place.shape) > 2 and place.fits(Form.LAST):
        return f"channels last{dense}"
    return f"strides {list(place.strides)}"


def _result(step: Call | Island) -> Place | None:
    if isinstance(step, Island):
        return step.outputs[0] if step.outputs else None
    for name in ("output", "target", "out", "y"):
        value = step.args.get(name)
        if isinstance(value, Place):
            return value
    return None
