"""Elements by known indices against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .checked import check


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    "index", [np.int64(1), np.int64(-1), [2], [0, 1, 2], [3, 1], [2, 2], [0, 3, 1, 1, -2], [[0, 2], [1, 3], [3, 0]]]
)
def test_known_indices(axis: int, index: Any) -> None:
    x = np.random.default_rng(0).standard_normal((4, 5, 6)).astype(np.float32)

    def make(b: Any, v: Any) -> Any:
        y = b.Gather(v, np.array(index, np.int64), np.int64(axis))
        return y, b.Concat(y, y, axis=0)

    check(make, x)
