"""Where boxes stand: in layers, in order, without touching each other."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.compiler.draw.layout import GAP_X, Layout, layered


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[int, tuple[float, float]], list[tuple[int, int]]]:
    count = draw(st.integers(1, 14))
    size = {i: (float(draw(st.integers(20, 200))), float(draw(st.integers(20, 90)))) for i in range(count)}
    pairs = [(a, b) for b in range(count) for a in range(b)]
    return size, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []


def crossings(layout: Layout, edges: list[tuple[int, int]]) -> int:
    def x(box: int) -> float:
        return layout.centre[box][0]

    return sum((x(a) - x(c)) * (x(b) - x(d)) < 0 for (a, b), (c, d) in combinations(edges, 2))


@settings(max_examples=60)
@given(graphs())
def test_boxes_do_not_touch_and_edges_go_down(
    case: tuple[dict[int, tuple[float, float]], list[tuple[int, int]]],
) -> None:
    size, edges = case
    layout = layered(size, edges)
    assert layout.centre.keys() == size.keys()
    for (a, (x, y)), (b, (u, v)) in combinations(layout.centre.items(), 2):
        apart = abs(x - u) - (size[a][0] + size[b][0]) / 2, abs(y - v) - (size[a][1] + size[b][1]) / 2
        assert max(apart) > 1
    for box, (x, y) in layout.centre.items():
        assert size[box][0] / 2 - 0.01 <= x <= layout.width - size[box][0] / 2 + 0.01
        assert size[box][1] / 2 - 0.01 <= y <= layout.height - size[box][1] / 2 + 0.01
    for (a, b), path in layout.path.items():
        assert (path[0], path[-1]) == (layout.centre[a], layout.centre[b])
        assert all(p[1] <= q[1] for p, q in pairwise(path))
    assert set(layout.path) == set(edges)


def test_a_chain_is_straight() -> None:
    layout = layered({i: (100.0 + 20 * i, 30.0) for i in range(4)}, [(0, 1), (1, 2), (2, 3)])
    assert len({round(x, 3) for x, _ in layout.centre.values()}) == 1


def test_crossings_that_need_not_be_are_none() -> None:
    edges = [(0, 5), (1, 4), (2, 3), (0, 3), (1, 5)]
    layout = layered(dict.fromkeys(range(6), (50.0, 30.0)), edges)
    assert crossings(layout, edges) == 0
    tree = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)]
    assert crossings(layered(dict.fromkeys(range(7), (50.0, 30.0)), tree), [*tree[2:]]) == 0


def test_sources_stand_above_their_readers() -> None:
    """An operand that nothing computes is beside what it is used with, not at the top of a long chain."""
    layout = layered(dict.fromkeys(range(5), (50.0, 30.0)), [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert layout.centre[4][1] == layout.centre[2][1]
    assert abs(layout.centre[4][0] - layout.centre[2][0]) >= 50 + GAP_X - 0.01


def test_nothing_has_no_size() -> None:
    assert layered({}, []) == Layout()
