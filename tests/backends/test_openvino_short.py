"""The compact form of IR: OpenVINO and vinoc read the same model from fewer bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vinoc.backends.openvino import write_ir
from vinoc.compiler.driver import read_model
from vinoc.ir import Builder, Graph, TensorType
from vinoc.ir.dtype import dtype, f16, f32

from .ir_util import interpret, random, run, start


def both(graph: Graph, folder: Path, arrays: list[np.ndarray]) -> tuple[str, str]:
    """The text in both forms; what OpenVINO and vinoc compute from the compact one is what the graph says."""
    long = write_ir(graph, folder / "long.xml")
    short = write_ir(graph, folder / "short.xml", short=True)
    assert short.mapping is None
    assert not (folder / "short.mapping").exists()
    assert (folder / "short.bin").read_bytes() == (folder / "long.bin").read_bytes()
    expected = interpret(graph, arrays)
    for found in (run(short.xml, arrays), interpret(read_model(short.xml), arrays)):
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, 1e-5, 1e-6)
    assert str(read_model(short.xml)) == str(read_model(long.xml)).replace("long.xml", "short.xml")
    return long.xml.read_text(), short.xml.read_text()


def test_a_small_network(tmp_path):
    b, (x,) = start((1, 3, "H", 9))
    w = b.Convert(b.const(random(4, 3, 3, 3).astype(np.float16)), destination_type=f32, decompression=True)
    y = b.Convolution(x, w, strides=(1, 1), pads_begin=(1, 1), pads_end=(1, 1), dilations=(1, 1))
    low, high = b.const(np.float32(-1.0)), b.const(np.float32(1.0))
    y = b.FakeQuantize(y, low, high, low, high, levels=255)
    b.graph.add_output(b.ReLU(y, name='tab\tline\n<port id="0" precision="FP32">'), "y")
    b.graph.add_output(b.Convert(x, destination_type=f16), "narrow")
    b.graph.rt_info["conversion_parameters"] = {"input": [1, 2], "a b": "line\n\t<layer "}
    long, short = both(b.graph, tmp_path, [random(1, 3, 7, 9)])
    assert len(short) < 0.7 * len(long)
    assert sum(line.startswith(("<layer ", "<edge ")) for line in short.splitlines()) == short.count("\n") - 7
    assert "\t" not in short


def test_bodies(tmp_path):
    b, (x, y) = start((2, 3), (2, 3))
    c = b.graph.add_input(TensorType(dtype("boolean"), ()), "c")
    bodies = Graph("then"), Graph("else")
    for body, kind in zip(bodies, ("Divide", "Add"), strict=True):
        ends = [body.add_input(TensorType(f32, (2, 3)), n) for n in "ad"]
        inner = Builder(body)
        body.add_output(inner.node(getattr(inner, kind)(*ends).op, *ends).outputs[0])
    b.graph.add_output(b.If(c, x, y, bodies=bodies, then_inputs=(1, 2), else_inputs=(2, 1)), "z")
    both(b.graph, tmp_path, [random(2, 3), random(2, 3, seed=1), np.array(True)])
