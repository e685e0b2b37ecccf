"""Images of brightness and color difference (YUV), which cameras and decoders give, as images of three colors.

Every two by two pixels share one pair of color differences. A single plane [N, 3/2 H, W, 1] holds the brightness Y in
its first H rows; below them NV12 has the pairs (U, V) side by side, H/2 rows of W/2, I420 has all U, then all V.
"""

from __future__ import annotations

import numpy as np

from .array import Array


def nv12_planes(image: Array) -> tuple[Array, Array]:
    """The planes Y [N,H,W,1] and UV [N,H/2,W/2,2] of a single one."""
    n, rows, w = image.shape[:3]
    h = rows // 3 * 2
    return image[:, :h], image[:, h:].reshape(n, h // 2, w // 2, 2)


def i420_planes(image: Array) -> tuple[Array, Array, Array]:
    """The planes Y [N,H,W,1], U and V [N,H/2,W/2,1] of a single one."""
    n, rows, w = image.shape[:3]
    h = rows // 3 * 2
    u, v = image[:, h:].reshape(n, 2, h // 2, w // 2, 1).swapaxes(0, 1)
    return image[:, :h], u, v


def nv12_to_rgb(y: Array, uv: Array | None, blue_first: bool) -> Array:
    """[N,H,W,3] from the planes, or from the single one."""
    if uv is None:
        y, uv = nv12_planes(y)
    return yuv_to_rgb(y, uv[..., :1], uv[..., 1:], blue_first)


def i420_to_rgb(y: Array, u: Array | None, v: Array | None, blue_first: bool) -> Array:
    """[N,H,W,3] from the planes, or from the single one."""
    if u is None or v is None:
        y, u, v = i420_planes(y)
    return yuv_to_rgb(y, u, v, blue_first)


def yuv_to_rgb(y: Array, u: Array, v: Array, blue_first: bool) -> Array:
    """BT.601 of video range, in f32, limited to 0..255; integers are rounded to even.

    R = 1.164 (Y - 16) + 1.596 (V - 128)
    G = 1.164 (Y - 16) - 0.391 (U - 128) - 0.813 (V - 128)
    B = 1.164 (Y - 16) + 2.018 (U - 128)
    """
    light = np.float32(1.164) * (y[..., 0].astype(np.float32) - np.float32(16))
    d, e = (each_twice(p[..., 0].astype(np.float32) - np.float32(128)) for p in (u, v))
    red = light + np.float32(1.596) * e
    green = light - np.float32(0.391) * d - np.float32(0.813) * e
    blue = light + np.float32(2.018) * d
    out = np.stack([blue, green, red] if blue_first else [red, green, blue], -1)
    if y.dtype.kind in "iu":
        out = np.rint(out)
    return out.clip(0, 255).astype(y.dtype)


def each_twice(plane: Array) -> Array:
    """[N,2h,2w] from [N,h,w]: every element stands in two rows and in two columns."""
    return plane.repeat(2, axis=1).repeat(2, axis=2)
