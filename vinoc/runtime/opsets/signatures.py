"""The arguments of OpenVINO's factories, in order, with their defaults; facts of its Python API.

    FIRST[-LAST] name[/alias](arguments) Type[@OPSET]

FIRST and LAST are the opsets that have this form; OPSET has the form of the operation that takes these inputs, where
that of the opset itself orders them otherwise. An argument is an attribute where the operation `Type` has one of
that name, else an input; `argument: attribute` is an attribute that IR spells otherwise; `*argument` is a list of
inputs; `**argument` is a dict of attributes; `argument: .` does nothing. An input with the default None may be left
out. Every factory also takes `name=None`.
"""

from __future__ import annotations

_ELEMENTWISE = """
1 add Add; 1 subtract Subtract; 1 multiply Multiply; 1 divide Divide; 1 power Power; 1 mod Mod; 1 floor_mod FloorMod
1 maximum Maximum; 1 minimum Minimum; 1 equal Equal; 1 not_equal NotEqual; 1 less Less; 1 less_equal LessEqual
1 greater Greater; 1 greater_equal GreaterEqual; 1 logical_and LogicalAnd; 1 logical_or LogicalOr
1 logical_xor LogicalXor; 13 bitwise_and BitwiseAnd; 13 bitwise_or BitwiseOr; 13 bitwise_xor BitwiseXor
"""

_UNARY = """
1 absolute/abs Abs; 1 acos Acos; 4 acosh Acosh; 1 asin Asin; 4 asinh Asinh; 1 atan Atan; 4 atanh Atanh; 1 cos Cos
1 cosh Cosh; 1 sin Sin; 1 sinh Sinh; 1 tan Tan; 1 tanh Tanh; 1 ceiling/ceil Ceiling; 1 floor Floor; 1 erf Erf; 1 exp Exp
1 log Log; 1 logical_not LogicalNot; 1 negative Negative; 1 relu ReLU; 1 sign Sign; 1 sqrt Sqrt; 9 softsign SoftSign
13 bitwise_not BitwiseNot; 2-6 gelu Gelu
"""

_REDUCTIONS = """
1 reduce_sum ReduceSum; 1 reduce_prod ReduceProd; 1 reduce_mean ReduceMean; 1 reduce_max ReduceMax
1 reduce_min ReduceMin; 1 reduce_logical_and ReduceLogicalAnd; 1 reduce_logical_or ReduceLogicalOr
4 reduce_l1 ReduceL1; 4 reduce_l2 ReduceL2
"""

_FAMILIES = (
    (_ELEMENTWISE, '(left_node, right_node, auto_broadcast="NUMPY")'),
    (_UNARY, "(node)"),
    (_REDUCTIONS, "(node, reduction_axes, keep_dims=False)"),
)

_OTHERS = """
8 adaptive_avg_pool(data, output_shape) AdaptiveAvgPool
8 adaptive_max_pool(data, output_shape, index_element_type="i64") AdaptiveMaxPool
3-5 assign(new_value, variable_id) Assign
1-13 avg_pool(data_batch, strides, pads_begin, pads_end, kernel_shape: kernel, exclude_pad: "exclude-pad", \
rounding_type="floor", auto_pad=None) AvgPool
14-15 avg_pool(data_batch, strides, pads_begin, pads_end, kernel_shape: kernel, exclude_pad: "exclude-pad", \
rounding_type="floor", auto_pad=None) AvgPool
16 avg_pool(data_batch, strides, pads_begin, pads_end, kernel_shape: kernel, exclude_pad: "exclude-pad", \
rounding_type="floor", auto_pad=None, dilations: dilations = None) AvgPool
1 batch_norm_inference(data, gamma, beta, mean, variance, epsilon) BatchNormInference@5
3-5 read_value(init_value, variable_id) ReadValue
2 batch_to_space(data, block_shape, crops_begin, crops_end) BatchToSpace
15 bitwise_left_shift(arg0, arg1, auto_broadcast="NUMPY") BitwiseLeftShift
15 bitwise_right_shift(arg0, arg1, auto_broadcast="NUMPY") BitwiseRightShift
1-2 broadcast(data, target_shape, axes_mapping=None, mode="NUMPY") Broadcast
3 broadcast(data, target_shape, axes_mapping=None, broadcast_spec: mode = "NUMPY") Broadcast
3 bucketize(data, buckets, output_type="i64", with_right_bound=True) Bucketize
1 clamp(data, min_value: min, max_value: max) Clamp
15 col2im(data, output_size, kernel_size, strides=None, dilations=None, pads_begin=None, pads_end=None) Col2Im
1 concat(*nodes, axis) Concat
1 convert(data, destination_type) Convert
1 convert_like(data, like) ConvertLike
1 convolution(data, filters, strides, pads_begin, pads_end, dilations, auto_pad="EXPLICIT") Convolution
1 convolution_backprop_data(data, filters, strides, output_shape=None, pads_begin=None, pads_end=None, \
dilations=None, auto_pad=None, output_padding=None) ConvolutionBackpropData
3 cum_sum/cumsum(arg, axis, exclusive=False, reverse=False) CumSum
1-7 deformable_convolution(data, deformable_values, filters, strides, pads_begin, pads_end, dilations, \
auto_pad="EXPLICIT", group=1, deformable_group=1) DeformableConvolution
8 deformable_convolution(data, offsets, filters, strides, pads_begin, pads_end, dilations, mask=None, \
auto_pad="EXPLICIT", group=1, deformable_group=1, bilinear_interpolation_pad=False) DeformableConvolution
1 depth_to_space(node, mode, block_size=1) DepthToSpace
7 dft(data, axes, signal_size=None) DFT
7 einsum(*inputs, equation) Einsum
1 elu(data, alpha) Elu
3 extract_image_patches(image, sizes, strides, rates, auto_pad) ExtractImagePatches
9 eye(num_rows, num_columns, diagonal_index, output_type, batch_shape=None) Eye
13 fake_convert(data, scale, shift=None, destination_type="f8e4m3") FakeConvert
1 fake_quantize(data, input_low, input_high, output_low, output_high, levels, auto_broadcast="NUMPY") FakeQuantize
1-6 gather(data, indices, axis) Gather
7 gather(data, indices, axis, batch_dims=0) Gather
6 gather_elements(data, indices, axis=0) GatherElements
5 gather_nd(data, indices, batch_dims=0) GatherND
1 gather_tree(step_ids, parent_idx, max_seq_len, end_token) GatherTree
7 gelu(data, approximation_mode) Gelu
9 grid_sample(data, grid, **attributes) GridSample
1 grn(data, bias) GRN
1 group_convolution(data, filters, strides, pads_begin, pads_end, dilations, auto_pad="EXPLICIT") GroupConvolution
1 group_convolution_backprop_data(data, filters, strides, output_shape=None, pads_begin=None, pads_end=None, \
dilations=None, auto_pad="EXPLICIT", output_padding=None) GroupConvolutionBackpropData
12 group_normalization(data, scale, bias, num_groups, epsilon) GroupNormalization
3 gru_cell(X, initial_hidden_state, W, R, B, hidden_size, activations=None, activations_alpha=None, \
activations_beta=None, clip=0.0, linear_before_reset=False) GRUCell
5 gru_sequence(X, initial_hidden_state, sequence_lengths, W, R, B, hidden_size, direction, activations=None, \
activations_alpha=None, activations_beta=None, clip=0.0, linear_before_reset=False) GRUSequence
1 hard_sigmoid(data, alpha, beta) HardSigmoid
5 hsigmoid(data) HSigmoid
4 hswish(data) HSwish
8 i420_to_bgr(arg, arg_u=None, arg_v=None) I420toBGR
8 i420_to_rgb(arg, arg_u=None, arg_v=None) I420toRGB
16 identity(data) Identity
7 idft(data, axes, signal_size=None) IDFT
1-9 interpolate(image, output_shape, **attrs) Interpolate
10 interpolate(image, output_shape, scales, mode, shape_calculation_mode, pads_begin=None, pads_end=None, \
coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_floor", antialias=False, cube_coeff=-0.75, \
axes=None) Interpolate
11 interpolate(image, scales_or_sizes, mode, shape_calculation_mode, pads_begin=None, pads_end=None, \
coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_floor", antialias=False, cube_coeff=-0.75, \
axes=None) Interpolate
14 inverse(data, adjoint=False) Inverse
9 irdft(data, axes, signal_size=None) IRDFT
10 is_finite(data) IsFinite
10 is_inf(data, **attributes: None) IsInf
10 is_nan(data) IsNaN
5 log_softmax(data, axis) LogSoftmax
1 lrn(data, axes, alpha=1, beta=0.5, bias=1, size=5) LRN
1-3 lstm_cell(X, initial_hidden_state, initial_cell_state, W, R, B, hidden_size, activations=None, \
activations_alpha=None, activations_beta=None, clip=0.0) LSTMCell
4 lstm_cell(X, initial_hidden_state, initial_cell_state, W, R, B, hidden_size, activations=None, \
activations_alpha=None, activations_beta=None, clip=0.0) LSTMCell
5 lstm_sequence(X, initial_hidden_state, initial_cell_state, sequence_lengths, W, R, B, hidden_size, direction, \
activations=None, activations_alpha=None, activations_beta=None, clip=0.0) LSTMSequence
1 matmul(data_a, data_b, transpose_a, transpose_b) MatMul
1-7 max_pool(data, strides, pads_begin, pads_end, kernel_shape: kernel, rounding_type="floor", auto_pad=None) MaxPool
8 max_pool(data, strides, dilations, pads_begin, pads_end, kernel_shape: kernel, rounding_type="floor", \
auto_pad=None, index_element_type="i64", axis=0) MaxPool
4 mish(data) Mish
13 multinomial(probs, num_samples, convert_type, with_replacement, log_probs, global_seed=0, op_seed=0) Multinomial
2-5 mvn(data, across_channels: across_channels = False, normalize_variance=False, eps=1e-9) MVN
6 mvn(data, axes, normalize_variance, eps, eps_mode) MVN
1-2 non_max_suppression(boxes, scores, max_output_boxes_per_class=None, iou_threshold=None, score_threshold=None, \
box_encoding="corner", sort_result_descending=True) NonMaxSuppression
3-4 non_max_suppression(boxes, scores, max_output_boxes_per_class=None, iou_threshold=None, score_threshold=None, \
box_encoding="corner", sort_result_descending=True, output_type="i64") NonMaxSuppression
5 non_max_suppression(boxes, scores, max_output_boxes_per_class=None, iou_threshold=None, score_threshold=None, \
soft_nms_sigma=None, box_encoding="corner", sort_result_descending=True, output_type="i64") NonMaxSuppression
3 non_zero(data, output_type="i64") NonZero
1 normalize_l2(data, axes, eps, eps_mode) NormalizeL2
8 nv12_to_bgr(arg, arg_uv=None) NV12toBGR
8 nv12_to_rgb(arg, arg_uv=None) NV12toRGB
1-15 one_hot(indices, depth, on_value, off_value, axis) OneHot
16 one_hot(indices, depth, on_value, off_value, axis, negative_indices_mode: negative_indices_mode = None) OneHot
1 pad(arg, pads_begin, pads_end, pad_mode, arg_pad_value=None) Pad
1 prelu(data, slope) PReLU
8 random_uniform(output_shape, min_val, max_val, output_type, global_seed=0, op_seed=0, \
alignment="tensorflow") RandomUniform
1-11 range(start, stop, step) Range
12 range(start, stop, step, output_type) Range
9 rdft(data, axes, signal_size=None) RDFT
1 reshape(node, output_shape, special_zero) Reshape
1 reverse_sequence(input, seq_lengths, batch_axis, seq_axis) ReverseSequence
3 rnn_cell(X, initial_hidden_state, W, R, B, hidden_size, activations, activations_alpha, activations_beta, \
clip=0.0) RNNCell
5 rnn_sequence(X, initial_hidden_state, sequence_lengths, W, R, B, hidden_size, direction, activations=None, \
activations_alpha=None, activations_beta=None, clip=0.0) RNNSequence
3-8 roi_align(data, rois, batch_indices, pooled_h, pooled_w, sampling_ratio, spatial_scale, mode) ROIAlign
9 roi_align(data, rois, batch_indices, pooled_h, pooled_w, sampling_ratio, spatial_scale, mode, \
aligned_mode="asymmetric") ROIAlign
2 roi_pooling(input, coords, output_roi: output_size = None, spatial_scale=None, method="max") ROIPooling
7 roll(data, shift, axes) Roll
5 round(data, mode="half_to_even") Round
13 scaled_dot_product_attention(query, key, value, attention_mask=None, scale=None, \
causal=False) ScaledDotProductAttention
3-11 scatter_elements_update(data, indices, updates, axis) ScatterElementsUpdate
12 scatter_elements_update(data, indices, updates, axis, reduction="None", use_init_val=True) ScatterElementsUpdate
4-14 scatter_nd_update(data, indices, updates) ScatterNDUpdate
15 scatter_nd_update(data, indices, updates, reduction=None) ScatterNDUpdate
3 scatter_update(data, indices, updates, axis) ScatterUpdate
15 search_sorted(sorted_sequence, values, right_mode=False) SearchSorted
1 select(cond, then_node, else_node, auto_broadcast="numpy") Select
1 selu(data, alpha, lambda_value) Selu
1-2 shape_of(data) ShapeOf
3 shape_of(data, output_type="i64") ShapeOf
3 shuffle_channels(data, axis, group) ShuffleChannels
1 sigmoid(data) Sigmoid
8 slice(data, start, stop, step, axes=None) Slice
15 slice_scatter(data, updates, start, stop, step, axes=None) SliceScatter
1 softmax(data, axis) SoftMax
4 softplus(data) SoftPlus
2 space_to_batch(data, block_shape, pads_begin, pads_end) SpaceToBatch
1 space_to_depth(data, mode, block_size=1) SpaceToDepth
1 split(data, axis, num_splits) Split
1 squared_difference(x1, x2, auto_broadcast="NUMPY") SquaredDifference
1-14 squeeze(data, axes) Squeeze
15 squeeze(data, axes=None, allow_axis_skip: allow_axis_skip = False) Squeeze
1 strided_slice(data, begin, end, strides, begin_mask, end_mask, new_axis_mask=None, shrink_axis_mask=None, \
ellipsis_mask=None) StridedSlice
4 swish(data, beta=None) Swish
1 tile(data, repeats) Tile
1-2 topk(data, k, axis, mode, sort) TopK
3-10 topk(data, k, axis, mode, sort, index_element_type="i32") TopK
11 topk(data, k, axis, mode, sort, index_element_type="i32", stable=False) TopK
1 transpose(data, input_order) Transpose
10 unique(data, axis=None, sorted=True, index_element_type="i64", count_element_type="i64") Unique
1 unsqueeze(data, axes) Unsqueeze
1 variadic_split(data, axis, split_lengths) VariadicSplit
"""


def lines() -> list[str]:
    """The list, a form a line."""
    found = []
    for text, arguments in _FAMILIES:
        for entry in text.replace("\n", ";").split(";"):
            if entry.strip():
                opsets, name, kind = entry.split()
                found.append(f"{opsets} {name}{arguments} {kind}")
    return found + [line for line in _OTHERS.splitlines() if line]
