"""Small valid models, in which tests then break things: between them, the operators that people use."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
from onnx import numpy_helper, parser

_HEAD = '<ir_version: 8, opset_import: ["" : {opset}{more}]>\n'

CONV = """
g (float[N,3,8,8] x) => (float[N,4] y) {
  a = Conv <pads = [1,1,1,1], strides = [1,1], group = 1> (x, w, b)
  n = BatchNormalization <epsilon = 0.001> (a, s, b, b, s)
  r = Relu (n)
  p = MaxPool <kernel_shape = [2,2], strides = [2,2], pads = [0,0,1,1], ceil_mode = 1> (r)
  v = AveragePool <kernel_shape = [3,3], auto_pad = "SAME_UPPER", count_include_pad = 1> (p)
  t = ConvTranspose <strides = [2,2], output_padding = [1,1]> (v, wt)
  c = Clip (t, lo, hi)
  q = GlobalAveragePool (c)
  f = Flatten <axis = 1> (q)
  g = Gemm <transB = 1, alpha = 0.5> (f, m, b)
  y = Softmax <axis = -1> (g)
}"""
RESIZE = """
g (float[1,3,H,W] x) => (float[1,3,H2,W2] y, float[A,B,C,D] z) <float[4] scales = {1.0, 1.0, 2.0, 1.5}> {
  y = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> (x, , scales)
  s = Shape (x)
  h = Slice (s, two, four)
  d = Mul (h, two)
  n = Slice (s, nought, two)
  t = Concat <axis = 0> (n, d)
  z = Resize <mode = "cubic", coordinate_transformation_mode = "asymmetric", cubic_coeff_a = -0.5> (x, , , t)
}"""
RESHAPE = """
g (float[N,4,6] x, int64[2] at) => (float[A,B] y, float[C,D,E] z, float[F] e) {
  s = Shape (x)
  n = Gather <axis = 0> (s, nought)
  k = Concat <axis = 0> (n, minus)
  r = Reshape (x, k)
  t = Transpose <perm = [1,0]> (r)
  y = Slice (t, two, big, nought, two)
  u = Unsqueeze (x, nought)
  q = Squeeze (u, nought)
  g = Gather <axis = 2> (q, at)
  p, o = Split <axis = 1> (g)
  c = Concat <axis = -1> (p, o)
  d = Pad <mode = "constant"> (c, pads)
  l = Tile (d, reps)
  z = Expand (l, ones)
  i = Range (zero, six, one)
  j = ConstantOfShape (two)
  f = Cast <to = 1> (i)
  m = ReduceMean <axes = [0], keepdims = 0> (f)
  h = CumSum (f, zero)
  w = Where (no, h, m)
  e, ei = TopK <axis = 0, largest = 1> (w, two)
}"""
LSTM = """
g (float[T,1,3] x, int32[1] n) => (float[T,2,1,4] y, float[1,1,4] z) {
  y, h, c = LSTM <hidden_size = 4, direction = "bidirectional"> (x, w, r, b, n)
  z, zh = GRU <hidden_size = 4, linear_before_reset = 1, layout = 0> (x, gw, gr)
  k, kh = RNN <hidden_size = 4, activations = ["Tanh"], clip = 3.0> (x, rw, rr)
}"""
CONTROL = """
g (float[2,3] x, bool p) => (float[A,B] y, float[C,D] z, float[E,F] v, float[2,3] u) {
  c = Cast <to = 9> (p)
  y = If (c) <
    then_branch = t () => (float[2,3] a) { a = Mul (x, x) },
    else_branch = e () => (float[2,3] b) { k = Constant <value = float {2.0}> () b = Add (x, k) }
  >
  w, z = Loop (trips, , x) <body = b (int64 i, bool on, float[2,3] s) => (bool more, float[2,3] s2, float[3] row) {
    s2 = Add (s, x)
    row = ReduceSum <keepdims = 0> (s2, nought)
    more = Identity (on)
  }>
  f, v = Scan <num_scan_inputs = 1, body = sc (float[3] acc, float[3] line) => (float[3] nacc, float[3] out) {
    nacc = Add (acc, line)
    out = Mul (nacc, nacc)
  }> (start, x)
  u = Abs (w)
}"""
QDQ = """
g (float[1,3,6,6] x) => (float[1,4,6,6] y, float[1,4] z) {
  q = QuantizeLinear (x, sx, zx)
  d = DequantizeLinear (q, sx, zx)
  w = DequantizeLinear <axis = 0> (wq, sw, zw)
  c = Conv <pads = [1,1,1,1]> (d, w)
  r = Relu (c)
  e = QuantizeLinear (r, sx, zx)
  y = DequantizeLinear (e, sx, zx)
  k = QLinearConv <pads = [1,1,1,1]> (q, sx, zx, wq, sw, zw, sx, zx)
  o, os, oz = DynamicQuantizeLinear (y)
  i = MatMulInteger (o, mq, oz)
  f = Cast <to = 1> (i)
  z = ReduceMax <axes = [2,3], keepdims = 0> (f)
}"""
DETECT = """
g (float[1,6,4] boxes, float[1,2,6] scores, float[1,4,9,9] map, float[3,4] rois) => (int64[K,3] y, float[3,4,2,2] z,
    int64[NZ,M] w, float[6,4] s, float[1,6] oh) {
  y = NonMaxSuppression <center_point_box = 0> (boxes, scores, most, iou, least)
  z = RoiAlign <output_height = 2, output_width = 2, sampling_ratio = 2, mode = "avg"> (map, rois, which)
  b = Greater (scores, iou)
  w = NonZero (b)
  f = Squeeze (boxes, nought)
  s = ScatterND (f, where, lines)
  e = GatherElements <axis = 1> (f, where)
  h = ArgMax <axis = -1, keepdims = 0> (boxes)
  o = OneHot <axis = -1> (h, six, pair)
  d = Einsum <equation = "bnc,nc->bn"> (boxes, f)
  oh = DepthToSpace <blocksize = 1> (d4)
  d4 = Unsqueeze (d, two)
}"""
TRANSFORMER = """
g (float[B,S,8] x, bool[B,S] mask) => (float[B,S,8] y, seq(float[B,S,8]) parts) {
  n = LayerNormalization <axis = -1, epsilon = 0.00001> (x, s, b)
  q = MatMul (n, w)
  t = Reshape (q, heads)
  p = Transpose <perm = [0,2,1,3]> (t)
  k = Transpose <perm = [0,2,3,1]> (t)
  a = MatMul (p, k)
  m = Cast <to = 1> (mask)
  u = Unsqueeze (m, axes)
  i = Mul (u, far)
  c = Add (a, i)
  o = Softmax <axis = 3> (c)
  v = MatMul (o, p)
  r = Transpose <perm = [0,2,1,3]> (v)
  f = Reshape (r, back)
  e = Erf (f)
  g = twice (e)
  y = Add (x, g)
  parts = SequenceConstruct (y, x)
}
<domain: "local", opset_import: ["" : 17]>
twice (a) => (b) { k = Constant <value_float: float = 2.0> () b = Mul (a, k) }"""

_F, _I = np.float32, np.int64
_NUMBERS = {
    "nought": _I([0]), "two": _I([2]), "four": _I([4]), "minus": _I([-1]), "big": _I([1 << 62]), "zero": _I(0),
    "six": _I(6), "one": _I(1), "ones": _I([2, 1, 1]), "no": np.array(False), "trips": _I(3), "most": _I([3]),
    "iou": _F([0.5]), "least": _F([0.1]), "lo": _F(0), "hi": _F(6), "pads": _I([0, 0, 1, 0, 0, 1]),
    "reps": _I([1, 2, 1]),
    "which": _I([0, 0, 0]), "where": _I([[0], [2]]), "pair": _F([0, 1]), "heads": _I([0, -1, 2, 4]),
    "back": _I([0, -1, 8]), "far": _F(-1e4), "axes": _I([1, 2]), "sx": _F(0.05), "zx": np.uint8(128),
    "zw": np.zeros(4, np.int8), "start": _F([0, 0, 0]),
}  # fmt: skip


def _random(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def _model(text: str, opset: int, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    more = ', "local" : 1' if "local" in text else ""
    model = parser.parse_model(_HEAD.format(opset=opset, more=more) + text.replace("twice (e)", "local.twice (e)"))
    read = {name for node in model.graph.node for name in node.input}
    read |= {n for node in model.graph.node for a in node.attribute for m in a.g.node for n in m.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(a), name) for name, a in {**_NUMBERS, **weights}.items() if name in read
    )
    return model


@cache
def seeds() -> dict[str, onnx.ModelProto]:
    """The models by name. They are shared: copy one before changing it."""
    conv = {**_random(w=(4, 3, 3, 3), wt=(4, 4, 2, 2), m=(4, 4), b=(4,)), "s": np.full(4, 1.5, np.float32)}
    lstm = _random(
        w=(2, 16, 3), r=(2, 16, 4), b=(2, 32), gw=(1, 12, 3), gr=(1, 12, 4), rw=(1, 4, 3), rr=(1, 4, 4)
    )  # fmt: skip
    q = {"wq": np.arange(108, dtype=np.int8).reshape(4, 3, 3, 3), "sw": np.full(4, 0.1, np.float32),
         "mq": np.ones((6, 5), np.uint8)}  # fmt: skip
    return {
        "conv": _model(CONV, 13, conv),
        "resize": _model(RESIZE, 13, {}),
        "reshape": _model(RESHAPE, 13, {}),
        "lstm": _model(LSTM, 14, lstm),
        "control": _model(CONTROL, 13, {}),
        "qdq": _model(QDQ, 13, q),
        "detect": _model(DETECT, 17, _random(lines=(2, 4))),
        "transformer": _model(TRANSFORMER, 17, _random(w=(8, 8), s=(8,), b=(8,))),
    }
