"""What plans share does not grow with the number of input shapes that come."""

from __future__ import annotations

import gc
import weakref
from unittest import mock

import numpy as np

from vinoc.backends.cpu.device import PLANS, Executable
from vinoc.backends.cpu.lowering.packed import TOGETHER, Packed
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.builder import Builder
from vinoc.ir.text import parse_graph

MODEL = """
graph g(x: f32[N,3,H,W]) -> (y, p) {
  w = Constant() : f32[5,3,3,3] = random(1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  size = ShapeOf(c) {output_type=i64}
  one = Constant() : f32[] = [0.5]
  grid = Broadcast(one, size)
  twice = Add(grid, one)
  sum = Multiply(c, twice)
  begin = Constant() : i64[4] = [0,0,2,1]
  p = Pad(sum, begin, begin) {pad_mode="reflect"}
  v = Constant() : f32[7,5,1,1] = random(2)
  y = Convolution(p, v) {strides=[2,2], pads_begin=[0,0], pads_end=[0,0], dilations=[1,1]}
}
"""


def held(packed: Packed) -> tuple[int, int, int]:
    """(things made from constants, tables, bytes of both)"""
    gc.collect()
    packed.of(Builder(Graph("g")).const(np.zeros(1)), "nothing", np.copy)  # what is gone is dropped now
    arrays = [*packed.arrays.values(), *packed.tables.values()]
    return len(packed.arrays), len(packed.tables), sum(a.nbytes for a in arrays)


def test_shapes_leave_nothing_behind() -> None:
    graph = parse_graph(MODEL)
    executable, reference = Executable(graph, 1), Interpreter(graph)
    rng = np.random.default_rng(0)

    def run(height: int, width: int) -> None:
        x = rng.standard_normal((1, 3, height, width)).astype(np.float32)
        for a, b in zip(executable.run([x]), reference.run([x]), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)

    for k in range(PLANS):
        run(40 + k, 41)
    most = held(executable.packed)
    assert most[0] >= 2
    assert most[1] >= PLANS
    for k in range(5 * PLANS):
        run(4 + k % 30, 5 + k)
    found = held(executable.packed)
    assert all(a <= 2 * b for a, b in zip(found, most, strict=True)), (found, most)


def test_weights_are_packed_once_for_all_shapes() -> None:
    executable = Executable(parse_graph(MODEL), 1)
    executable.run([np.zeros((1, 3, 5, 5), np.float32)])
    weights = [a for (_, tag), a in executable.packed.arrays.items() if {"panels", "rows", "winograd"} & {*tag}]
    assert len(weights) == 2
    for k in range(2 * PLANS):
        executable.run([np.zeros((1, 3, 6 + k, 5), np.float32)])
    gc.collect()
    for array in weights:
        assert any(array is a for a in executable.packed.arrays.values())


def test_another_constant_in_the_same_place_is_not_taken_for_the_one_that_is_gone() -> None:
    packed = Packed(lambda *_, **__: None)
    for k in range(200):
        graph = Graph("g")
        constant = Builder(graph).const(np.full(3, k, np.float32))
        assert packed.of(constant, "double", lambda a: 2 * a).tolist() == [2 * k] * 3
        del graph, constant
    gc.collect()
    assert len(packed.arrays) <= 200


def test_what_is_made_of_several_constants_ends_with_the_first_that_ends() -> None:
    packed = Packed(lambda *_, **__: None)
    graph, other = Graph("a"), Graph("b")
    x, y = Builder(graph).const(np.ones(2)), Builder(other).const(np.zeros(2))
    made = packed.of_all([x, y], "sum", np.add)
    assert packed.of_all([x, y], "sum", np.subtract) is made
    del y, other
    gc.collect()
    packed.of(x, "x", np.copy)
    assert [tag for _, tag in packed.arrays] == ["x"]


def test_tables_live_as_long_as_somebody_holds_them() -> None:
    packed = Packed(lambda *_, **__: None)
    table = packed.get("key", lambda: np.arange(4))
    assert packed.get("key", lambda: np.zeros(4)) is table
    del table
    gc.collect()
    assert len(packed.tables) == 0


def test_large_arrays_of_large_models_share_memory() -> None:
    """Side by side, each its own; it lives as long as one of them."""
    packed = Packed(lambda *_, **__: None, TOGETHER)
    sizes = [5, 100, 50_000, 70_001, 40_000, 9_000_000, 33_333]
    arrays = [packed.fresh((1, size)) for size in sizes * 20]
    for i, array in enumerate(arrays):
        array[...] = i
    assert all((array == i).all() for i, array in enumerate(arrays))
    assert all(array.ctypes.data % 64 == 0 and array.flags.c_contiguous for array in arrays)
    large = [array.base for array in arrays if array.nbytes >= 1 << 17]
    assert len({id(base) for base in large}) < len(large) / 2
    slabs = [weakref.ref(base) for base in large]
    del arrays, array, large, packed
    gc.collect()
    assert not any(slab() is not None for slab in slabs)


def test_arrays_of_small_models_share_nothing() -> None:
    """Large pages would only make them load more slowly."""
    packed = Packed(lambda *_, **__: None, TOGETHER - 1)
    assert all(packed.fresh((1, 100_000)).base.nbytes < 500_000 for _ in range(4))  # type: ignore[union-attr]


def test_constants_are_counted() -> None:
    graph = parse_graph(MODEL)
    assert Executable(graph, 1).packed.constants == 4 * (5 * 3 * 3 * 3 + 1 + 7 * 5) + 8 * 4


def test_stages_behind_counts_keep_more_plans() -> None:
    graph = parse_graph("""
    graph g(x: f32[100]) -> (y) {
      at = NonZero(x)
      n = Convert(at) {destination_type=f32}
      y = Multiply(n, n)
    }
    """)
    executable = Executable(graph, 1)
    made = []

    def run(count: int) -> None:
        x = np.zeros(100, np.float32)
        x[:count] = 1
        assert executable.run([x])[0].shape == (1, count)

    with mock.patch.object(Executable, "_plan", autospec=True, side_effect=Executable._plan) as plan:
        for _ in range(2):
            for count in range(1, 5 * PLANS):
                run(count)
            made.append(plan.call_count)
    assert made[0] >= 5 * PLANS - 1
    assert made[1] == made[0]
