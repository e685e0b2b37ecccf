"""Draws the digits of digits.npz: strokes on black, each slanted, scaled and moved a little, as MNIST's are.

python examples/accuracy/draw_digits.py examples/accuracy/digits.npz
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

RING = [(0.5 + 0.32 * np.sin(t), 0.5 - 0.5 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 17)]
UPPER = [(0.5 + 0.27 * np.sin(t), 0.26 - 0.26 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 13)]
LOWER = [(0.5 + 0.3 * np.sin(t), 0.74 - 0.26 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 13)]

STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [RING],
    1: [[(0.5, 0.0), (0.5, 1.0)]],
    2: [[(0.2, 0.22), (0.35, 0.03), (0.65, 0.03), (0.78, 0.25), (0.6, 0.55), (0.2, 0.98), (0.85, 0.95)]],
    3: [[(0.2, 0.08), (0.5, 0.0), (0.75, 0.12), (0.75, 0.32), (0.45, 0.48)],
        [(0.45, 0.48), (0.78, 0.6), (0.8, 0.85), (0.5, 1.0), (0.18, 0.9)]],
    4: [[(0.25, 0.0), (0.18, 0.52), (0.8, 0.5)], [(0.75, 0.0), (0.68, 1.0)]],
    5: [[(0.8, 0.0), (0.3, 0.03), (0.25, 0.43), (0.6, 0.42), (0.8, 0.65), (0.65, 0.95), (0.2, 0.95)]],
    6: [[(0.65, 0.0), (0.35, 0.3), (0.22, 0.7)], LOWER],
    7: [[(0.18, 0.05), (0.82, 0.03), (0.45, 1.0)]],
    8: [UPPER, LOWER],
    9: [UPPER, [(0.77, 0.26), (0.72, 0.6), (0.62, 1.0)]],
}  # fmt: skip
"""of each digit: lines through points (x, y) of a unit square"""


def drawn(digit: int, rng: np.random.Generator) -> Any:
    """A digit of 28 x 28 bytes; the strokes lie within the middle 20 x 20, as MNIST's do."""
    slant, width, height = rng.uniform(-0.15, 0.25), rng.uniform(11, 15), rng.uniform(18, 20)
    left, top = 14 - width / 2 + rng.uniform(-1, 1), 14 - height / 2 + rng.uniform(-1, 1)
    thick = rng.uniform(1.0, 1.6)
    y, x = np.mgrid[:28, :28] + 0.5
    ink = np.zeros((28, 28))
    for line in STROKES[digit]:
        points = np.array(line) + rng.normal(0, 0.015, (len(line), 2))
        px = left + width * (points[:, 0] + slant * (0.5 - points[:, 1]))
        py = top + height * points[:, 1]
        for (x0, y0), (x1, y1) in zip(np.c_[px, py], np.c_[px, py][1:], strict=False):
            length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
            t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
            distance = np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0))
            ink = np.maximum(ink, np.clip(thick + 0.5 - distance, 0, 1))
    return np.rint(255 * ink).astype(np.uint8)


def main(path: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 12)
    np.savez_compressed(path, images=np.stack([drawn(d, rng) for d in labels]), labels=labels)


if __name__ == "__main__":
    main(sys.argv[1])
