"""Images of brightness and color difference (YUV), made images of three colors."""

from __future__ import annotations

from ..dtype import Array, u8
from ..errors import InferenceError
from ..kernels import color
from ..op import Op, Operand, op
from ..types import Shape, TensorType, merge

HELP = "images are NHWC; of a single plane, two thirds of the rows are brightness"


def _plane(image: Operand, what: str, channels: int) -> TensorType:
    """The type of a plane of [N, H, W, channels]. Raises InferenceError."""
    type = image.tensor
    if type.dtype is not u8 and not type.dtype.is_float:
        raise InferenceError(f"{what} is {type}, expected u8 or floats")
    if type.shape is not None:
        if len(type.shape) != 4:
            raise InferenceError(f"{what} is {type}, expected four dimensions", help=HELP)
        last = type.shape[3]
        if isinstance(last, int) and last != channels:
            raise InferenceError(f"{what} is {type}, expected {channels} in the last dimension", help=HELP)
    return type


def _single(image: Operand) -> TensorType:
    """[N, 3/2 H, W, 1] -> [N, H, W, 3]."""
    type = _plane(image, "the image", 1)
    if type.shape is None:
        return type
    n, rows, w, _ = type.shape
    if isinstance(rows, int) and rows % 3:
        raise InferenceError(f"the image is {type}, expected a height that 3 divides", help=HELP)
    if isinstance(w, int) and w % 2:
        raise InferenceError(f"the image is {type}, expected an even width", help=HELP)
    return TensorType(type.dtype, (n, rows // 3 * 2, w, 3))


def _several(light: Operand, *colors: tuple[str, Operand, int]) -> TensorType:
    """Y [N, H, W, 1] and planes [N, H/2, W/2, channels] -> [N, H, W, 3]."""
    type = _plane(light, "y", 1)
    shape: Shape | None = None if type.shape is None else (*type.shape[:3], 3)
    if type.shape is not None and any(isinstance(d, int) and d % 2 for d in type.shape[1:3]):
        raise InferenceError(f"y is {type}, expected an even height and width", help=HELP)
    for what, plane, channels in colors:
        half = _plane(plane, what, channels)
        if half.dtype is not type.dtype:
            raise InferenceError(f"y is {type}, {what} is {half}: the planes are of one element type")
        if half.shape is not None:
            n, h, w, _ = half.shape
            try:
                shape = merge(shape, (n, h * 2, w * 2, 3))
            except InferenceError:
                raise InferenceError(f"{what} is {half}, expected half the height and width of y {type}") from None
    return TensorType(type.dtype, shape)


class _Nv12(Op):
    """One plane [N, 3/2 H, W, 1], or Y and UV."""

    def infer(self, y: Operand, uv: Operand | None = None) -> TensorType:
        return _single(y) if uv is None else _several(y, ("uv", uv, 2))


class _I420(Op):
    """One plane [N, 3/2 H, W, 1], or Y, U and V."""

    def infer(self, y: Operand, u: Operand | None = None, v: Operand | None = None) -> TensorType:
        if u is None and v is None:
            return _single(y)
        if u is None or v is None:
            raise InferenceError("I420 has one plane or three", help=HELP)
        return _several(y, ("u", u, 1), ("v", v, 1))


@op(opset=8)
class NV12toRGB(_Nv12):
    """RGB [N,H,W,3] from NV12: one plane [N,3/2 H,W,1], or Y [N,H,W,1] and UV [N,H/2,W/2,2]. BT.601."""

    def evaluate(self, y: Array, uv: Array | None = None) -> Array:
        return color.nv12_to_rgb(y, uv, False)


@op(opset=8)
class NV12toBGR(_Nv12):
    """BGR [N,H,W,3] from NV12: one plane [N,3/2 H,W,1], or Y [N,H,W,1] and UV [N,H/2,W/2,2]. BT.601."""

    def evaluate(self, y: Array, uv: Array | None = None) -> Array:
        return color.nv12_to_rgb(y, uv, True)


@op(opset=8)
class I420toRGB(_I420):
    """RGB [N,H,W,3] from I420: one plane [N,3/2 H,W,1], or Y [N,H,W,1], U and V [N,H/2,W/2,1]. BT.601."""

    def evaluate(self, y: Array, u: Array | None = None, v: Array | None = None) -> Array:
        return color.i420_to_rgb(y, u, v, False)


@op(opset=8)
class I420toBGR(_I420):
    """BGR [N,H,W,3] from I420: one plane [N,3/2 H,W,1], or Y [N,H,W,1], U and V [N,H/2,W/2,1]. BT.601."""

    def evaluate(self, y: Array, u: Array | None = None, v: Array | None = None) -> Array:
        return color.i420_to_rgb(y, u, v, True)
