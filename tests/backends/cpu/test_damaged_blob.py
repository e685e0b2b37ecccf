"""A blob that was cut short or changed is refused: it holds machine code and addresses."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest

from vinoc.backends.cpu import blob as blobs
from vinoc.backends.cpu.codegen.library import library
from vinoc.backends.cpu.device import Executable
from vinoc.ir.errors import ModelError
from vinoc.ir.text import parse_graph
from vinoc.ir.types import TensorType

MODEL = """
graph g(x: f32[1,4,9,9]) -> (p) {
  w = Constant() : f32[6,4,3,3] = random(1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  begin = Constant() : i64[4] = [0,0,2,1]
  p = Pad(c, begin, begin) {pad_mode="reflect"}
}
"""
X = np.random.default_rng(0).standard_normal((1, 4, 9, 9)).astype(np.float32)


@pytest.fixture(scope="module")
def whole() -> bytes:
    graph = parse_graph(MODEL)
    executable = Executable(graph, 1)
    image = executable.program([X.shape]).image
    inputs: list[blobs.Port] = [(["x"], v.tensor) for v in graph.inputs]
    outputs: list[blobs.Port] = [(["p"], TensorType(v.dtype, v.shape)) for v in graph.outputs]
    file = BytesIO()
    blobs.write(blobs.blob_of(image, (inputs, outputs), 1, library("host")), file)
    return file.getvalue()


def sections(raw: bytes) -> tuple[list[tuple[str, int, int]], int]:
    start = len(blobs.MAGIC) + 8 + blobs.HASH
    size = int.from_bytes(raw[len(blobs.MAGIC) : len(blobs.MAGIC) + 8], "little")
    begin = -(-(start + size) // blobs.PAGE) * blobs.PAGE
    return json.loads(raw[start : start + size])["sections"], begin


def test_a_whole_one_runs(whole: bytes) -> None:
    loaded = blobs.Loaded(blobs.read(whole), library("host"), 1)
    wanted = Executable(parse_graph(MODEL), 1).run([X])[0]
    np.testing.assert_array_equal(loaded.run([X])[0], wanted)


def test_one_that_was_cut_short(whole: bytes) -> None:
    for size in (0, 5, len(blobs.MAGIC), 40, 300, 4096, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ModelError, match=r"damaged|not a compiled model"):
            blobs.read(whole[:size])


def test_a_bit_that_has_flipped(whole: bytes) -> None:
    listed, begin = sections(whole)
    places = [len(blobs.MAGIC), len(blobs.MAGIC) + 9, 60, 200]
    places += [begin + at + size // 2 for name, at, size in listed if size and name != "constant"]
    assert any(name.startswith("code ") for name, _, _ in listed)
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 4
        with pytest.raises(ModelError, match="damaged"):
            blobs.read(bytes(changed))


def test_tables_of_offsets_are_hashed(whole: bytes) -> None:
    """Of the constants, too: a kernel follows them."""
    listed, begin = sections(whole)
    refused = 0
    for name, at, size in listed:
        if name == "constant" and size:
            changed = bytearray(whole)
            changed[begin + at] ^= 4
            try:
                blobs.read(bytes(changed))
            except ModelError:
                refused += 1
    assert refused >= 1
