"""Decoding of images: files made here, and files that are damaged."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .checked import make, run

RNG = np.random.default_rng(5)
IMAGE = RNG.integers(0, 256, (5, 7, 3), np.uint8)


def decoded(raw: bytes, pixel_format: str = "RGB") -> np.ndarray:
    return run(make("ImageDecoder", pixel_format=pixel_format), np.frombuffer(raw, np.uint8))[0]


def bmp(image: np.ndarray, upwards: bool = True) -> bytes:
    height, width, _ = image.shape
    rows = image[:, :, ::-1].reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    body = (rows[::-1] if upwards else rows).tobytes()
    head = struct.pack("<iiHHIIiiII", width, height if upwards else -height, 1, 24, 0, len(body), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + struct.pack("<I", 40) + head + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(image: np.ndarray, filters: list[int], colour: int = 2, palette: bytes = b"") -> bytes:
    """Every row with the filter of the list, by the definitions of the standard."""
    height, width, n = image.shape
    lines, up = [], [0] * (width * n + n)
    for y, kind in zip(range(height), filters * height):
        line = [0] * n + image[y].reshape(-1).tolist()
        row = []
        for i in range(n, len(line)):
            a, b, c = line[i - n], up[i], up[i - n]
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row.append((line[i] - [0, a, b, (a + b) // 2, nearest][kind]) % 256)
        lines.append(bytes([kind, *row]))
        up = line
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *([chunk(b"PLTE", palette)] if palette else [])]
    body = zlib.compress(b"".join(lines))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [*parts, chunk(b"IDAT", body[:9]), chunk(b"IDAT", body[9:]), chunk(b"IEND", b"")]
    )


@pytest.mark.parametrize("upwards", [True, False])
def test_bmp(upwards: bool) -> None:
    np.testing.assert_array_equal(decoded(bmp(IMAGE, upwards)), IMAGE)


@pytest.mark.parametrize("kind", range(5))
def test_png(kind: int) -> None:
    np.testing.assert_array_equal(decoded(png(IMAGE, [kind])), IMAGE)
    np.testing.assert_array_equal(decoded(png(IMAGE, [4, kind, 1, 3])), IMAGE)


def test_png_with_a_palette_and_in_gray() -> None:
    palette = RNG.integers(0, 256, (256, 3), np.uint8)
    codes = IMAGE[:, :, :1]
    np.testing.assert_array_equal(decoded(png(codes, [0], 3, palette.tobytes())), palette[codes[:, :, 0]])
    np.testing.assert_array_equal(decoded(png(codes, [1], 0), "Grayscale"), codes)


def test_pnm() -> None:
    raw = b"P6 # a remark\n7 5\n255\n" + IMAGE.tobytes()
    np.testing.assert_array_equal(decoded(raw), IMAGE)
    np.testing.assert_array_equal(decoded(raw, "BGR"), IMAGE[:, :, ::-1])
    gray = IMAGE.astype(float) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(decoded(raw, "Grayscale")[:, :, 0], gray, atol=0.51)


FILES = [bmp(IMAGE), png(IMAGE, [4]), b"P6 7 5 255 " + IMAGE.tobytes()]


@given(st.sampled_from(FILES), st.data())
@settings(max_examples=60)
def test_damaged_files_are_errors(raw: bytes, data: st.DataObject) -> None:
    """Of the kinds that the interpreter reports with the node's name."""
    cut = data.draw(st.integers(0, len(raw) - 1))
    spoiled = bytearray(raw[:cut] if data.draw(st.booleans()) else raw)
    if spoiled:
        spoiled[data.draw(st.integers(0, min(60, len(spoiled)) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded(bytes(spoiled))
    except (ValueError, KeyError, IndexError, struct.error, zlib.error, AssertionError, MemoryError):
        return


def test_what_is_not_supported_says_so() -> None:
    with pytest.raises(ValueError, match="WebP"):
        decoded(b"RIFF....WEBP")
