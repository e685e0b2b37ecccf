"""Decoding of images: BMP, PNM, PNG, TIFF without compression, and (in `jpeg`) baseline JPEG.

Bytes in, [height, width, 3] of u8 out, red first.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from .array import Array
from .jpeg import decode_jpeg

MOST_PIXELS = 1 << 28


def decode(data: Array, pixel_format: str) -> Array:
    """An image as [H, W, 3] (RGB or BGR) or [H, W, 1] (Grayscale). Raises ValueError for what cannot be decoded."""
    raw = data.astype(np.uint8).tobytes()
    if raw[:2] == b"\xff\xd8":
        planes = decode_jpeg(raw)
    elif raw[:8] == b"\x89PNG\r\n\x1a\n":
        planes = decode_png(raw)
    elif raw[:2] == b"BM":
        planes = decode_bmp(raw)
    elif raw[:2] in (b"P5", b"P6"):
        planes = decode_pnm(raw)
    elif raw[:4] in (b"II*\0", b"MM\0*"):
        planes = decode_tiff(raw)
    else:
        raise ValueError("the image is no JPEG, PNG, BMP, PNM or TIFF; JPEG 2000 and WebP are not supported")
    if pixel_format == "Grayscale":
        return luma(planes)
    rgb = np.repeat(planes, 3, axis=2) if planes.shape[2] == 1 else planes
    return np.ascontiguousarray(rgb[:, :, ::-1] if pixel_format == "BGR" else rgb)


def luma(planes: Array) -> Array:
    """[H, W, 1]: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in 16-bit fractions."""
    if planes.shape[2] == 1:
        return planes
    weights = np.array([19595, 38470, 7471])
    sums: Array = np.matmul(planes.astype(np.int64), weights) + 0x8000
    return np.right_shift(sums, 16).astype(np.uint8)[:, :, None]


def check_extent(height: int, width: int) -> None:
    """Raises ValueError for an image that is empty or larger than 2^28 pixels."""
    if height < 1 or width < 1 or height * width > MOST_PIXELS:
        raise ValueError(f"the image claims {width} x {height} pixels")


def decode_bmp(raw: bytes) -> Array:
    """Rows of 24 or 32 bits a pixel, blue first, from the bottom up unless the height is negative."""
    offset = struct.unpack_from("<I", raw, 10)[0]
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", raw, 18)
    check_extent(abs(height), width)
    if bits not in (24, 32) or compression not in (0, 3):
        raise ValueError(f"a BMP of {bits} bits with compression {compression} is not supported")
    step = (width * bits // 8 + 3) // 4 * 4
    rows = np.frombuffer(raw, np.uint8, step * abs(height), offset).reshape(abs(height), step)
    pixels = rows[:, : width * bits // 8].reshape(abs(height), width, bits // 8)[:, :, 2::-1]
    return np.ascontiguousarray(pixels[::-1] if height > 0 else pixels)


def decode_pnm(raw: bytes) -> Array:
    """P5 (gray) and P6 (colour) with at most 255 as the largest value."""
    fields: list[bytes] = []
    at = 2
    while len(fields) < 3:
        while raw[at : at + 1].isspace() or raw[at : at + 1] == b"#":
            at = raw.index(b"\n", at) + 1 if raw[at : at + 1] == b"#" else at + 1
        end = at
        while end < len(raw) and not raw[end : end + 1].isspace():
            end += 1
        fields.append(raw[at:end])
        at = end
    width, height, largest = (int(f) for f in fields)
    check_extent(height, width)
    if not 0 < largest <= 255:
        raise ValueError(f"a PNM with values up to {largest} is not supported")
    depth = 3 if raw[1:2] == b"6" else 1
    return np.frombuffer(raw, np.uint8, width * height * depth, at + 1).reshape(height, width, depth)


def decode_png(raw: bytes) -> Array:
    """8 bits a channel, not interlaced: gray, colour, palette; transparency is dropped (W3C PNG, third edition)."""
    header, palette, packed, at = b"", b"", [], 8
    while at + 8 <= len(raw):
        size, kind = struct.unpack_from(">I4s", raw, at)
        body = raw[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            header = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            packed.append(body)
        elif kind == b"IEND":
            break
        at += 12 + size
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    check_extent(height, width)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 0)
    if bits != 8 or interlaced or not channels:
        raise ValueError(f"a PNG of {bits} bits, colour type {colour}, interlaced {interlaced} is not supported")
    size = height * (width * channels + 1)
    unpacked = zlib.decompressobj().decompress(b"".join(packed), size)
    rows = np.frombuffer(unpacked, np.uint8, size).reshape(height, -1)
    pixels = unfiltered(rows, channels).reshape(height, width, channels)
    if colour == 3:
        return np.frombuffer(palette, np.uint8).reshape(-1, 3)[pixels[:, :, 0]]
    return pixels[:, :, :1] if colour in (0, 4) else pixels[:, :, :3]


def unfiltered(rows: Array, channels: int) -> Array:
    """PNG's rows, each with its filter's number before it, as they were before they were filtered."""
    out = np.zeros((len(rows) + 1, rows.shape[1] - 1 + channels), np.uint8)
    for y, row in enumerate(rows, 1):
        kind, body, up = int(row[0]), row[1:], out[y - 1]
        if kind == 0:
            out[y, channels:] = body
        elif kind == 2:
            out[y, channels:] = body + up[channels:]
        else:
            line = [0] * channels
            above = up.tolist()
            for i, value in enumerate(body.tolist(), channels):
                line.append((value + predicted(kind, line[i - channels], above[i], above[i - channels])) & 255)
            out[y] = line
    return out[1:, channels:]


def predicted(kind: int, left: int, up: int, corner: int) -> int:
    """What PNG's filters 1 (left), 3 (average) and 4 (Paeth) expect of a byte."""
    if kind == 1:
        return left
    if kind == 3:
        return (left + up) // 2
    if kind != 4:
        raise ValueError(f"a PNG row has the unknown filter {kind}")
    a, b, c = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    return left if a <= b and a <= c else up if b <= c else corner


def decode_tiff(raw: bytes) -> Array:
    """Strips of 8 bits a channel, gray or colour, without compression (TIFF 6.0, part 1)."""
    order = "<" if raw[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", raw, 4)[0]
    tags: dict[int, list[int]] = {}
    for i in range(struct.unpack_from(order + "H", raw, at)[0]):
        tag, kind, count = struct.unpack_from(order + "HHI", raw, at + 2 + 12 * i)
        code = {1: "B", 3: "H", 4: "I"}.get(kind)
        if code is None or count > len(raw):
            continue
        place = at + 10 + 12 * i
        if struct.calcsize(code) * count > 4:
            place = struct.unpack_from(order + "I", raw, place)[0]
        tags[tag] = list(struct.unpack_from(f"{order}{count}{code}", raw, place))
    width, height = tags[256][0], tags[257][0]
    check_extent(height, width)
    depth = tags.get(277, [1])[0]
    plain = tags.get(259, [1])[0] == 1 and tags.get(284, [1])[0] == 1 and set(tags.get(258, [1])) == {8}
    if not plain or depth not in (1, 3, 4):
        raise ValueError("a TIFF with compression, planes or other than 8 bits a channel is not supported")
    strips = [raw[start : start + size] for start, size in zip(tags[273], tags[279])]
    pixels = np.frombuffer(b"".join(strips), np.uint8, width * height * depth).reshape(height, width, depth)
    return pixels[:, :, :3]
