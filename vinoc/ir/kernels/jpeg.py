"""Baseline JPEG (ITU-T T.81), with the arithmetic of the Independent JPEG Group's decoder.

The inverse transform is that of C. Loeffler, A. Ligtenberg and G. Moschytz (ICASSP 1989) in integers of 13 fractional
bits; halved chroma is interpolated by a triangle; colours are converted with 16 fractional bits.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from .array import Array

ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
)  # fmt: skip


def decode_jpeg(raw: bytes) -> Array:
    """[H, W, 3], or [H, W, 1] of a gray image. Raises ValueError for other than baseline files."""
    tables: dict[int, Array] = {}
    codes: dict[int, dict[tuple[int, int], int]] = {}
    frame: Any = None
    interval, at = 0, 2
    while at + 4 <= len(raw):
        marker, size = raw[at + 1], struct.unpack_from(">H", raw, at + 2)[0]
        body = raw[at + 4 : at + 2 + size]
        if marker == 0xDB:
            read_quantization(body, tables)
        elif marker == 0xC4:
            read_codes(body, codes)
        elif marker in (0xC0, 0xC1):
            frame = read_frame(body)
        elif 0xC2 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            raise ValueError("a JPEG that is progressive, lossless or arithmetically coded is not supported")
        elif marker == 0xDD:
            interval = struct.unpack(">H", body[:2])[0]
        elif marker == 0xDA:
            return finished(frame, read_scan(raw, at + 2 + size, body, frame, tables, codes, interval))
        at += 2 + size
    raise ValueError("the JPEG has no scan")


def read_quantization(body: bytes, tables: dict[int, Array]) -> None:
    at = 0
    while at < len(body):
        wide, number = body[at] >> 4, body[at] & 15
        values = struct.unpack_from(">64H" if wide else ">64B", body, at + 1)
        tables[number] = np.zeros(64, np.int64)
        tables[number][list(ZIGZAG)] = values
        at += 129 if wide else 65


def read_codes(body: bytes, codes: dict[int, dict[tuple[int, int], int]]) -> None:
    """Huffman tables: (length, code) -> symbol."""
    at = 0
    while at < len(body):
        number, counts = body[at], body[at + 1 : at + 17]
        at += 17
        code, table = 0, {}
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                table[length, code] = body[at]
                code, at = code + 1, at + 1
            code <<= 1
        codes[number] = table


def read_frame(body: bytes) -> Any:
    """(height, width, components: number -> [across, down, table])."""
    bits, height, width, count = struct.unpack_from(">BHHB", body)
    parts = {body[6 + 3 * i]: [body[7 + 3 * i] >> 4, body[7 + 3 * i] & 15, body[8 + 3 * i]] for i in range(count)}
    factors = [tuple(p[:2]) for p in parts.values()]
    if bits != 8 or count not in (1, 3) or not 0 < height * width <= 1 << 28:
        raise ValueError(f"a JPEG of {width} x {height} pixels, {bits} bits and {count} components is not supported")
    if count == 3 and (factors[1:] != [(1, 1)] * 2 or factors[0] not in ((1, 1), (2, 1), (2, 2))):
        raise ValueError(f"a JPEG with sampling factors {factors} is not supported")
    return height, width, parts


class Bits:
    """The bits of a scan, of which `FF 00` stands for `FF`."""

    def __init__(self, raw: bytes, at: int) -> None:
        self.raw = raw
        self.at = at
        self.held = 0
        self.count = 0

    def bit(self) -> int:
        if not self.count:
            byte = self.raw[self.at] if self.at < len(self.raw) else 0
            if byte == 0xFF and self.raw[self.at + 1 : self.at + 2] != b"\0":
                byte = 0  # a marker: what is missing counts as zeros
            else:
                self.at += 2 if byte == 0xFF else 1
            self.held, self.count = byte, 8
        self.count -= 1
        return self.held >> self.count & 1

    def symbol(self, table: dict[tuple[int, int], int]) -> int:
        code = 0
        for length in range(1, 17):
            code = code << 1 | self.bit()
            found = table.get((length, code))
            if found is not None:
                return found
        raise ValueError("the JPEG has a code that its tables lack")

    def number(self, size: int) -> int:
        """A signed number of that many bits: those that begin with 0 are negative."""
        value = 0
        for _ in range(size):
            value = value << 1 | self.bit()
        return value if not size or value >> (size - 1) else value - (1 << size) + 1

    def restart(self) -> None:
        """Goes behind the next marker."""
        self.count = 0
        self.at = self.raw.index(b"\xff", self.at) + 2


def read_scan(
    raw: bytes, at: int, body: bytes, frame: Any, tables: dict[int, Array],
    codes: dict[int, dict[tuple[int, int], int]], interval: int,
) -> dict[int, Array]:  # fmt: skip
    """Component -> samples, in whole blocks."""
    height, width, parts = frame
    if body[0] != len(parts):
        raise ValueError("a JPEG with a scan for each component is not supported")
    chosen = {body[1 + 2 * i]: body[2 + 2 * i] for i in range(body[0])}
    if len(parts) == 1:
        parts = {k: [1, 1, p[2]] for k, p in parts.items()}
    across, down = (max(p[i] for p in parts.values()) for i in (0, 1))
    columns, rows = -(-width // (8 * across)), -(-height // (8 * down))
    blocks = {k: np.zeros((rows * p[1], columns * p[0], 64), np.int64) for k, p in parts.items()}
    bits, last = Bits(raw, at), dict.fromkeys(parts, 0)
    for unit in range(rows * columns):
        if interval and unit and unit % interval == 0:
            bits.restart()
            last = dict.fromkeys(parts, 0)
        row, column = divmod(unit, columns)
        for k, (h, v, _) in parts.items():
            direct, alternating = codes[chosen[k] >> 4], codes[16 | chosen[k] & 15]
            for i in range(h * v):
                block = blocks[k][row * v + i // h, column * h + i % h]
                last[k] = block[0] = last[k] + bits.number(bits.symbol(direct))
                read_block(bits, alternating, block)
    return {k: transformed(blocks[k] * tables[p[2]]) for k, p in parts.items()}


def read_block(bits: Bits, table: dict[tuple[int, int], int], block: Array) -> None:
    """The 63 coefficients behind the first."""
    k = 1
    while k < 64:
        symbol = bits.symbol(table)
        run, size = symbol >> 4, symbol & 15
        if not size and run != 15:
            return
        k += run
        if size and k < 64:
            block[ZIGZAG[k]] = bits.number(size)
        k += 1


def transformed(blocks: Array) -> Array:
    """[rows, columns, 64] coefficients -> [rows * 8, columns * 8] samples."""
    square = blocks.reshape(*blocks.shape[:2], 8, 8)
    half = descaled(pass_of(np.moveaxis(square, 2, 0)), 11)
    full = descaled(pass_of(np.moveaxis(half, -1, 0)), 18)  # [x, y, rows, columns]
    samples = np.clip(full + 128, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(samples.transpose(2, 1, 3, 0)).reshape(blocks.shape[0] * 8, blocks.shape[1] * 8)


def descaled(values: Array, bits: int) -> Array:
    rounded: Array = np.right_shift(values + (1 << (bits - 1)), bits)
    return rounded


def pass_of(x: Any) -> Array:
    """The one-dimensional inverse transform of x[0] .. x[7], with 13 fractional bits."""
    z1 = (x[2] + x[6]) * 4433
    even2, even3 = z1 - x[6] * 15137, z1 + x[2] * 6270
    even0, even1 = (x[0] + x[4]) << 13, (x[0] - x[4]) << 13
    first = (even0 + even3, even1 + even2, even1 - even2, even0 - even3)
    a, b, c, d = x[7], x[5], x[3], x[1]
    z5 = (a + c + b + d) * 9633
    z1, z2 = (a + d) * -7373, (b + c) * -20995
    z3, z4 = (a + c) * -16069 + z5, (b + d) * -3196 + z5
    odd = (d * 12299 + z1 + z4, c * 25172 + z2 + z3, b * 16819 + z2 + z4, a * 2446 + z1 + z3)
    front = [e + o for e, o in zip(first, odd)]
    back = [e - o for e, o in zip(first, odd)]
    return np.stack([*front, *back[::-1]])


def finished(frame: Any, samples: dict[int, Array]) -> Array:
    """The image from its components: chroma brought to the size of luma, colours converted."""
    height, width, parts = frame
    planes = list(samples.values())
    luma = planes[0][:height, :width]
    if len(planes) == 1:
        return np.ascontiguousarray(luma[:, :, None])
    across, down, _ = next(iter(parts.values()))
    small = (-(-height // down), -(-width // across))
    blue, red = (enlarged(p[: small[0], : small[1]], across, down)[:height, :width] for p in planes[1:])
    y, cb, cr = luma.astype(np.int64), blue.astype(np.int64) - 128, red.astype(np.int64) - 128
    half = 1 << 15
    out = (
        y + ((91881 * cr + half) >> 16),
        y + ((-22554 * cb - 46802 * cr + half) >> 16),
        y + ((116130 * cb + half) >> 16),
    )
    pixels: Array = np.clip(np.stack(out, 2), 0, 255)
    return pixels.astype(np.uint8)


def enlarged(plane: Array, across: int, down: int) -> Array:
    """Twice as wide, and as high, by a triangle: three parts of the nearer sample, one of the next."""
    x = plane.astype(np.int64)
    if across == 1:
        return x
    if down == 2:
        above, below = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        x = np.stack([3 * x + above, 3 * x + below], 1).reshape(2 * len(x), -1)
    left, right = np.concatenate([x[:, :1], x[:, :-1]], 1), np.concatenate([x[:, 1:], x[:, -1:]], 1)
    bits, biases = (4, (8, 7)) if down == 2 else (2, (1, 2))
    pair = ((3 * x + left + biases[0]) >> bits, (3 * x + right + biases[1]) >> bits)
    return np.stack(pair, 2).reshape(len(x), -1)
