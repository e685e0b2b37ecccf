"""Products of which the weights alone are integers, beside others that read quantized data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vinoc.ir import Graph
from vinoc.ir.graph import Value
from vinoc.passes.quantize import Ranges, RangesError

from ...backends.ir_util import random, start
from .util import compiled, infer, quantized, relative, written

PLAIN = {"strides": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "dilations": (1, 1)}
IMAGES = [[np.random.default_rng(0).normal(size=(1, 8, 12, 12)).astype(np.float32)]]


def chain() -> Graph:
    """Four convolutions; a sum of the first and the second one's results is read by the third."""
    b, (x,) = start((1, 8, 12, 12))
    w = [random(8, 8, 3, 3, seed=k) * np.float32(0.2) for k in range(4)]

    def conv(value: Value, k: int) -> Value:
        made: Value = b.Convolution(value, b.const(w[k]), **PLAIN)
        made.name = f"c{k}"
        return made

    first = b.ReLU(conv(x, 0))
    total = b.Add(b.ReLU(conv(first, 1)), first)
    b.graph.add_output(conv(b.ReLU(conv(total, 2)), 3), "y")
    return b.graph


def reads(graph: Graph) -> dict[str, bool]:
    """Which convolutions read quantized data."""
    found = {}
    for node in graph:
        if node.kind == "Convolution":
            source = node.operand(0).node
            found[node.outputs[0].name] = source is not None and source.kind == "FakeQuantize"
    return found


def test_data_of_named_products_stay_float() -> None:
    made = quantized(chain(), IMAGES, {"weights_only": ["c0", "c3"]})
    assert reads(made) == {"c0": False, "c1": True, "c2": True, "c3": False}
    stored = [n.outputs[0].dtype.name for n in made if n.kind == "Constant" and n.outputs[0].rank == 4]
    assert stored.count("i8") == 4


def test_sums_before_products_of_floats_stay_float() -> None:
    """What the sum adds is not quantized for a product that reads floats, though one of integers comes later."""
    made = quantized(chain(), IMAGES, {"weights_only": ["c2"]})
    assert reads(made) == {"c0": True, "c1": True, "c2": False, "c3": True}
    ends = [v.node for n in made if n.kind == "Add" for v in n.inputs if v is not None and v.node is not None]
    assert sum(n.kind == "ReLU" for n in ends) == 2  # the operands of the sum; other sums are those of biases


def test_all_of_them_leave_no_fake_quantize(tmp_path: Path) -> None:
    graph = chain()
    made = quantized(graph, IMAGES, {"weights_only": ["c0", "c1", "c2", "c3"]})
    assert not any(n.kind == "FakeQuantize" for n in made)
    found = infer(compiled(written(made, tmp_path / "net.xml")), IMAGES[0])[0]
    expected = infer(compiled(written(graph, tmp_path / "float.xml")), IMAGES[0])[0]
    assert 0 < relative(expected, found) < 0.02


def test_files_name_them() -> None:
    data = {"weights_only": ["c0"]}
    assert json.loads(Ranges.of(data).text()) == data
    with pytest.raises(RangesError, match="'c9': the model has no such product"):
        quantized(chain(), IMAGES, {"weights_only": ["c9"]})
    with pytest.raises(RangesError, match="'weights_only': is 'c0', expected a list of texts"):
        Ranges.of({"weights_only": "c0"})
