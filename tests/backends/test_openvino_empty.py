"""Lists and tensors without elements in IR: written so that OpenVINO takes them, removed, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.backends.ir_util import interpret, random, roundtrip, run, start
from vinoc.backends.openvino import OpenVinoBackend, write_ir
from vinoc.ir import Builder, ConversionError, Loc, Value
from vinoc.passes import PassManager

NONE = np.zeros(0, np.int64)
Make = Callable[[Builder, Value], Value]

FINE: dict[str, Make] = {
    "Squeeze": lambda b, x: b.Squeeze(x, NONE),
    "Transpose": lambda b, x: b.Transpose(x, NONE),
    "Slice": lambda b, x: b.Slice(x, NONE, NONE, NONE, NONE),
    "Concat": lambda b, x: b.Concat(x, np.zeros((0, 2, 3), np.float32), axis=0),
    "Constant": lambda b, x: b.const(np.zeros((0, 2, 3), np.float32)),
}
REFUSED: dict[str, Make] = {
    "ReduceMax": lambda b, x: b.ReduceMax(x, NONE),
    "ReduceL2": lambda b, x: b.ReduceL2(x, NONE, keep_dims=True),
    "Unsqueeze": lambda b, x: b.Unsqueeze(x, NONE),
    "Roll": lambda b, x: b.Roll(x, NONE, NONE),
    "Tile": lambda b, x: b.Tile(x, NONE),
    "Broadcast": lambda b, x: b.Broadcast(x, NONE, mode="bidirectional"),
    "Pad": lambda b, x: b.Pad(b.Reshape(x, [], special_zero=False), NONE, NONE),
    "MVN": lambda b, x: b.MVN(x, NONE, eps=1e-5),
    "Gather": lambda b, x: b.Gather(x, NONE, 0),
}
KEPT = ("MVN", "Gather")


@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside weights"])
@pytest.mark.parametrize("kind", FINE)
def test_constants_without_elements(tmp_path: Path, kind: str, others: bool) -> None:
    """OpenVINO takes a constant to have no value where the whole weights file is empty."""
    b, (x,) = start((1, 2, 3))
    y = FINE[kind](b, x)
    b.graph.add_output(b.Add(y, random(1)) if others else y, "y")
    roundtrip(b.graph, tmp_path, [random(1, 2, 3)])


def test_reductions_of_scalars(tmp_path: Path) -> None:
    b, (x,) = start(())
    b.graph.add_output(b.ReduceSum(x, NONE), "y")
    roundtrip(b.graph, tmp_path, [random()])


@pytest.mark.parametrize("kind", REFUSED)
def test_what_openvino_gets_wrong_is_refused(tmp_path: Path, kind: str) -> None:
    b, (x,) = start((1, 1))
    b.loc = Loc("m.onnx", "odd", "Odd")
    b.graph.add_output(REFUSED[kind](b, x), "y")
    with pytest.raises(ConversionError, match=r"'odd'.*(is empty|nothing is gathered)"):
        write_ir(b.graph, tmp_path / "net.xml")


@pytest.mark.parametrize("kind", [k for k in REFUSED if k not in KEPT])
def test_the_lowering_removes_it(tmp_path: Path, kind: str) -> None:
    b, (x,) = start((1, 1))
    b.graph.add_output(b.Add(REFUSED[kind](b, x), 1.0), "y")
    data = [np.array([[-2]], np.float32)]
    expected = interpret(b.graph, data)
    PassManager(OpenVinoBackend.lowering).run(b.graph)
    np.testing.assert_allclose(run(write_ir(b.graph, tmp_path / "net.xml").xml, data)[0], expected[0])
