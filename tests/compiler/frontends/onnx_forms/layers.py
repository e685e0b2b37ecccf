"""Forms of layers: convolutions, pools, normalizations, recurrent networks, quantization, images, losses, attention."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from .base import bytes_of, distinct, f32, form, ints, positive

X = f32(1, 4, 6, 7)
W, DEPTH = f32(2, 4, 3, 3), f32(4, 1, 3, 2)
form("Conv", X, W)
form("Conv", X, W, f32(2), pads=[1, 0, 1, 2], strides=[2, 1], kernel_shape=[3, 3])
form("Conv", X, DEPTH, group=4, auto_pad="SAME_UPPER")
form("Conv", X, W, dilations=[2, 1], auto_pad="VALID")
form("Conv", X, W, auto_pad="SAME_LOWER", strides=[2, 2])
form("Conv", f32(1, 4, 9), f32(3, 4, 3))
form("ConvTranspose", X, f32(4, 2, 3, 3))
form("ConvTranspose", X, f32(4, 2, 3, 3), f32(4), group=2, strides=[2, 2], output_padding=[1, 1], pads=[1, 1, 1, 1])
form("ConvTranspose", X, f32(4, 2, 3, 3), strides=[2, 3], output_shape=[13, 20])
form("ConvTranspose", X, f32(4, 2, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER")
form("DeformConv", f32(1, 2, 4, 4), f32(3, 2, 2, 2), f32(1, 8, 3, 3))
form("DeformConv", f32(1, 2, 4, 4), f32(3, 2, 2, 2), f32(1, 8, 3, 3), f32(3), positive(1, 4, 3, 3))

for op in ("AveragePool", "MaxPool", "LpPool"):
    form(op, X, kernel_shape=[2, 3], until=1 if op == "LpPool" else 99, strides=[1, 1])
    form(op, X, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 2], since=2 if op == "LpPool" else 1, asked=7)
    form(op, X, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER", since=2 if op == "LpPool" else 1, asked=7)
form("AveragePool", X, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1, since=7)
form("MaxPool", distinct(1, 2, 5, 5), kernel_shape=[2, 2], outputs=2, since=8)
form("MaxPool", distinct(1, 2, 5, 5), kernel_shape=[2, 2], storage_order=1, outputs=2, since=8)
for op in ("AveragePool", "MaxPool"):
    form(op, X, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, since=10)
form("MaxPool", X, kernel_shape=[2, 2], dilations=[2, 3], since=10)
form("MaxPool", bytes_of(1, 2, 5, 5), kernel_shape=[2, 2], since=12)
form("AveragePool", X, kernel_shape=[2, 2], dilations=[2, 2], since=19)
form("LpPool", X, kernel_shape=[2, 2], p=3, since=2)
form("LpPool", X, kernel_shape=[2, 2], ceil_mode=1, strides=[2, 2], since=18)
form("LpPool", X, kernel_shape=[2, 2], dilations=[2, 1], since=18)
POWERS = (np.abs(X) ** 3.0).sum(axis=(2, 3), keepdims=True) ** (1 / 3)
form("GlobalLpPool", X, until=1, p=3.0, want=POWERS.astype("f4"), why="p was a float then")
form("GlobalLpPool", X)
form("GlobalLpPool", X, p=3, since=2)
form("LpPool", X, kernel_shape=[6, 7], until=1, p=3.0, want=POWERS.astype("f4"), why="p was a float then")
form("GlobalAveragePool", X)
form("GlobalMaxPool", X)
ROIS = np.array([[0, 0, 0, 3, 3], [0, 1, 2, 5, 4]], np.float32)
form("MaxRoiPool", X, ROIS, pooled_shape=[2, 2])
form("MaxRoiPool", X, ROIS, pooled_shape=[2, 1], spatial_scale=0.5)
form("RoiAlign", X, ROIS[:, 1:], ints(0, 0), since=10, output_height=2, output_width=3, sampling_ratio=2)
form("RoiAlign", X, ROIS[:, 1:], ints(0, 0), since=16, output_height=2, output_width=2, sampling_ratio=2,
     coordinate_transformation_mode="output_half_pixel", mode="max")  # fmt: skip
PLACES = ints([[[5, 7], [13, 15]]])
SPREAD = np.zeros((1, 1, 5, 5), np.float32)
SPREAD[:, :, 1:4:2, 1:4:2] = f32(1, 1, 2, 2)
form("MaxUnpool", f32(1, 1, 2, 2), PLACES, kernel_shape=[2, 2], strides=[2, 2])
form("MaxUnpool", f32(1, 1, 2, 2), PLACES, ints(1, 1, 5, 5), kernel_shape=[2, 2], strides=[2, 2],
     want=SPREAD, why="onnxruntime counts in the larger shape, ONNX's own case does not")  # fmt: skip
form("Upsample", f32(1, 1, 2, 2), until=6, height_scale=2.0, width_scale=3.0, why="scales by name then",
     want=f32(1, 1, 2, 2).repeat(2, 2).repeat(3, 3))  # fmt: skip
form("Upsample", f32(1, 1, 2, 2), since=7, until=8, scales=[1.0, 1.0, 2.0, 3.0])
form("Upsample", f32(1, 1, 2, 2), since=7, until=8, scales=[1.0, 1.0, 2.0, 2.0], mode="linear")
SCALES, NONE = np.array([1, 1, 2, 1.5], np.float32), np.zeros(0, np.float32)
form("Upsample", f32(1, 1, 2, 4), SCALES, since=9, until=9, constant=(1,))
form("Upsample", f32(1, 1, 2, 4), SCALES, since=9, until=9, mode="linear")
form("Resize", f32(1, 1, 2, 4), SCALES, since=10, until=10)
form("Resize", f32(1, 1, 2, 4), SCALES, since=10, until=10, mode="linear", constant=(1,))
form("Resize", f32(1, 1, 2, 4), NONE, SCALES, since=11, mode="linear", constant=(1, 2))
form("Resize", f32(1, 1, 4, 4), NONE, NONE, ints(1, 1, 7, 3), since=11, mode="cubic",
     coordinate_transformation_mode="align_corners", constant=(1, 2))  # fmt: skip
form("Resize", f32(1, 1, 4, 4), None, SCALES, since=13, mode="nearest", nearest_mode="floor",
     coordinate_transformation_mode="asymmetric")  # fmt: skip
form("Resize", f32(1, 1, 4, 4), None, None, ints(3, 3), since=18, axes=[2, 3], mode="linear", antialias=1)
form("Resize", f32(1, 1, 4, 6), None, None, ints(7, 9), since=18, axes=[2, 3], keep_aspect_ratio_policy="not_larger")
form("Resize", f32(1, 1, 4, 4), None, np.array([0.6, 0.6], np.float32), since=19, axes=[2, 3], mode="linear",
     coordinate_transformation_mode="half_pixel_symmetric")  # fmt: skip
GRID = positive(1, 3, 3, 2) * 2 - 1
for since, modes in ((16, ("bilinear", "nearest", "bicubic")), (20, ("linear", "nearest", "cubic"))):
    for mode in modes:
        form("GridSample", f32(1, 2, 4, 5), GRID, since=since, until=19 if since == 16 else 99, mode=mode)
form("GridSample", f32(1, 2, 4, 5), GRID * 1.5, align_corners=1, padding_mode="border")
form("GridSample", f32(1, 2, 4, 5), GRID * 1.5, padding_mode="reflection")
form("GridSample", f32(1, 2, 3, 4, 5), positive(1, 2, 2, 2, 3) * 2 - 1, since=20)
form("Det", f32(2, 3, 3))
form("DFT", f32(1, 5, 1), until=19, axis=1)
form("DFT", f32(1, 5, 3, 2), ints(4)[0], until=19, axis=1)
form("DFT", f32(1, 6, 1), until=19, axis=1, onesided=1)
form("DFT", f32(1, 5, 3, 2), None, ints(1)[0], since=20, inverse=1)
form("DFT", f32(1, 5, 1), ints(4)[0], ints(1)[0], since=20, onesided=1)

# Normalizations

C4 = [positive(4), f32(4), f32(4) * 2, positive(4) * 2]
form("BatchNormalization", X, *C4, until=1, consumed_inputs=[0, 0, 0, 1, 1], is_test=1, epsilon=0.01, why="opset 1",
     want=((X - C4[2][:, None, None]) / np.sqrt(C4[3] + 0.01)[:, None, None] * C4[0][:, None, None]
           + C4[1][:, None, None]).astype("f4"))  # fmt: skip
form("BatchNormalization", X, *C4, since=6, until=6, is_test=1, epsilon=0.01)
EACH = [positive(4, 6, 7), f32(4, 6, 7), f32(4, 6, 7) * 2, positive(4, 6, 7) * 2]
form("BatchNormalization", X, *EACH, since=7, until=8, spatial=0)
form("BatchNormalization", X, *C4, since=7, epsilon=0.01, momentum=0.5)
form("BatchNormalization", X, *C4, since=14, training_mode=1, outputs=3)
form("InstanceNormalization", X, f32(4), positive(4))
form("InstanceNormalization", X, f32(4), positive(4), epsilon=0.1)
form("GroupNormalization", X, f32(2), positive(2), until=20, num_groups=2)
form("GroupNormalization", X, f32(4), positive(4), since=21, num_groups=2, epsilon=0.1)
form("LRN", X, size=3)
form("LRN", X, size=3, alpha=0.5, beta=0.5, bias=2.0)
form("LpNormalization", f32(2, 3))
form("LpNormalization", f32(2, 3), axis=0, p=1)
form("MeanVarianceNormalization", X)
form("MeanVarianceNormalization", X, axes=[1, 2, 3])
for op in ("Softmax", "LogSoftmax", "Hardmax"):
    form(op, f32(2, 3, 4))
    form(op, f32(2, 3, 4), axis=2)
    form(op, f32(2, 3, 4), axis=0)
    form(op, f32(2, 3, 4), axis=-2, since=11)
LOGITS, CLASSES = f32(3, 4), ints(0, 3, 1)
form("NegativeLogLikelihoodLoss", LOGITS, CLASSES)
form("NegativeLogLikelihoodLoss", LOGITS, CLASSES, positive(4), reduction="sum")
form("NegativeLogLikelihoodLoss", LOGITS, CLASSES, positive(4), reduction="none", ignore_index=3)
form("SoftmaxCrossEntropyLoss", LOGITS, CLASSES)
form("SoftmaxCrossEntropyLoss", LOGITS, CLASSES, positive(4), reduction="none", outputs=2, ignore_index=3)

# Recurrent

STEPS = f32(4, 2, 3)
for op, gates, outputs in (("RNN", 1, 2), ("GRU", 3, 2), ("LSTM", 4, 3)):
    one = [STEPS, f32(1, gates * 5, 3), f32(1, gates * 5, 5)]
    two = [STEPS, f32(2, gates * 5, 3), f32(2, gates * 5, 5), f32(2, gates * 10)]
    form(op, *one, hidden_size=5, outputs=outputs, since=7)
    form(op, *two, hidden_size=5, direction="bidirectional", outputs=outputs, since=7)
    form(op, *one, f32(1, gates * 10), np.array([4, 2], np.int32), f32(1, 2, 5), hidden_size=5, direction="reverse",
         outputs=outputs, since=7)  # fmt: skip
    form(op, *one, f32(1, gates * 10), hidden_size=5, clip=0.5, outputs=outputs, since=7)
    form(op, STEPS.transpose(1, 0, 2).copy(), *one[1:], hidden_size=5, layout=1, outputs=outputs, since=14)
    form(op, *two, hidden_size=5, direction="bidirectional", outputs=outputs, asked=7)
form(
    "GRU",
    STEPS,
    f32(1, 15, 3),
    f32(1, 15, 5),
    f32(1, 30),
    hidden_size=5,
    linear_before_reset=1,
    outputs=2,
    since=3,
    asked=7,
)

# Quantization

POINT = np.uint8(128)
form("QuantizeLinear", f32(2, 3) * 50, np.float32(0.5), POINT)
form("QuantizeLinear", f32(2, 3) * 50, np.float32(0.5))
form("QuantizeLinear", f32(2, 3) * 50, positive(3), np.array([0, 3, -3], np.int8), since=13)
form("QuantizeLinear", f32(2, 3), positive(2), np.array([0, 3], np.int8), since=13, axis=0)
form("QuantizeLinear", f32(2, 4) * 9, positive(2, 2), since=21, axis=1, block_size=2, output_dtype=TensorProto.INT8)
form("DequantizeLinear", bytes_of(2, 3), np.float32(0.5), POINT)
form("DequantizeLinear", bytes_of(2, 3), np.float32(0.5))
form("DequantizeLinear", bytes_of(2, 3), positive(3), np.array([0, 3, 200], np.uint8), since=13)
form("DequantizeLinear", bytes_of(2, 3), positive(2), since=13, axis=0)
form("DequantizeLinear", bytes_of(2, 4), positive(2, 2), since=21, axis=1, block_size=2)
S, Z = np.float32(0.02), np.uint8(120)
form("QLinearMatMul", bytes_of(2, 3), S, Z, bytes_of(3, 4), S, Z, np.float32(0.1), Z)

# Detection and attention

BOXES = np.array([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 2, 1, 3]]], np.float32)
SCORES = np.array([[[0.9, 0.8, 0.7]]], np.float32)
LIMITS = (ints(3)[0], np.float32(0.5), np.float32(0.1))
form("NonMaxSuppression", BOXES, SCORES, *LIMITS)
form("NonMaxSuppression", BOXES, SCORES, ints(2)[0], center_point_box=1)
HEADS = [f32(1, 2, 3, 4), f32(1, 2, 5, 4), f32(1, 2, 5, 6)]
form("Attention", *HEADS)
form("Attention", *HEADS, is_causal=1, scale=0.3)
form("Attention", *HEADS, f32(3, 5))
form("Attention", f32(2, 3, 8), f32(2, 5, 8), f32(2, 5, 12), q_num_heads=2, kv_num_heads=2, softcap=2.0)
form("Attention", *HEADS, None, f32(1, 2, 2, 4), f32(1, 2, 2, 6), outputs=3)
form("Attention", *HEADS, None, None, None, ints(4), since=24)
form("Attention", *HEADS, since=25, is_causal=1, left_window_size=2)
