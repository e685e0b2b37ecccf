"""Cases of ONNX's backend test suite that fail through IR, each with its outcome and the reason (see onnx_ir.py)."""

from __future__ import annotations

_GROUPS: dict[tuple[str, str], str] = {
    (
        "refused",
        "BitCast: OpenVINO has no operation that reads the bits of floats, and its CPU device holds u32 and i64 in i32",
    ): """
        bitcast_2d_float32_to_int32 bitcast_float32_to_int32 bitcast_float64_to_int64 bitcast_int32_to_float32
        bitcast_int64_to_float64 bitcast_scalar_float32_to_int32 bitcast_uint32_to_int32 cast_e8m0_FLOAT16_to_FLOAT8E8M0
        cast_e8m0_FLOAT_to_FLOAT8E8M0
    """,
    (
        "refused",
        "Col2ImND: OpenVINO's Col2Im has images alone, no volumes",
    ): """
        col2im_5d
    """,
    (
        "refused",
        "DropoutMask: the numbers are those of NumPy's generator, which OpenVINO lacks",
    ): """
        training_dropout training_dropout_default training_dropout_default_mask training_dropout_mask
        training_dropout_zero_ratio training_dropout_zero_ratio_mask
    """,
    (
        "refused",
        "Gradient: no derivatives are formed",
    ): """
        gradient_of_add gradient_of_add_and_mul
    """,
    (
        "refused",
        "GridSampleND: OpenVINO's GridSample has images alone, no volumes",
    ): """
        gridsample_volumetric_bilinear_align_corners_0 gridsample_volumetric_bilinear_align_corners_1
        gridsample_volumetric_nearest_align_corners_0 gridsample_volumetric_nearest_align_corners_1
    """,
    (
        "refused",
        "MelWeightMatrix: the size of the result is computed from inputs, which OpenVINO has no operation for",
    ): """
        melweightmatrix
    """,
    (
        "refused",
        "OpenVINO has no decoder of images",
    ): """
        image_decoder_decode_bmp_rgb image_decoder_decode_jpeg2k_rgb image_decoder_decode_jpeg_bgr
        image_decoder_decode_jpeg_grayscale image_decoder_decode_jpeg_rgb image_decoder_decode_png_rgb
        image_decoder_decode_pnm_rgb image_decoder_decode_tiff_rgb image_decoder_decode_webp_rgb
    """,
    (
        "refused",
        "OpenVINO has no element type i2",
    ): """
        cast_FLOAT16_to_INT2 cast_FLOAT_to_INT2 cast_INT2_to_FLOAT cast_INT2_to_FLOAT16 cast_INT2_to_INT8
        castlike_FLOAT16_to_INT2 castlike_FLOAT16_to_INT2_expanded castlike_FLOAT_to_INT2
        castlike_FLOAT_to_INT2_expanded castlike_INT2_to_FLOAT castlike_INT2_to_FLOAT16
        castlike_INT2_to_FLOAT16_expanded castlike_INT2_to_FLOAT_expanded castlike_INT2_to_INT8
        castlike_INT2_to_INT8_expanded dequantizelinear_int2 quantizelinear_int2
    """,
    (
        "refused",
        "OpenVINO has no element types f8e4m3fnuz and f8e5m2fnuz",
    ): """
        cast_FLOAT16_to_FLOAT8E4M3FNUZ cast_FLOAT16_to_FLOAT8E5M2FNUZ cast_FLOAT8E4M3FNUZ_to_FLOAT
        cast_FLOAT8E4M3FNUZ_to_FLOAT16 cast_FLOAT8E5M2FNUZ_to_FLOAT cast_FLOAT8E5M2FNUZ_to_FLOAT16
        cast_FLOAT_to_FLOAT8E4M3FNUZ cast_FLOAT_to_FLOAT8E5M2FNUZ cast_no_saturate_FLOAT16_to_FLOAT8E4M3FNUZ
        cast_no_saturate_FLOAT16_to_FLOAT8E5M2FNUZ cast_no_saturate_FLOAT_to_FLOAT8E4M3FNUZ
        cast_no_saturate_FLOAT_to_FLOAT8E5M2FNUZ castlike_FLOAT16_to_FLOAT8E4M3FNUZ
        castlike_FLOAT16_to_FLOAT8E4M3FNUZ_expanded castlike_FLOAT16_to_FLOAT8E5M2FNUZ
        castlike_FLOAT16_to_FLOAT8E5M2FNUZ_expanded castlike_FLOAT8E4M3FNUZ_to_FLOAT castlike_FLOAT8E4M3FNUZ_to_FLOAT16
        castlike_FLOAT8E4M3FNUZ_to_FLOAT16_expanded castlike_FLOAT8E4M3FNUZ_to_FLOAT_expanded
        castlike_FLOAT8E5M2FNUZ_to_FLOAT castlike_FLOAT8E5M2FNUZ_to_FLOAT16 castlike_FLOAT8E5M2FNUZ_to_FLOAT16_expanded
        castlike_FLOAT8E5M2FNUZ_to_FLOAT_expanded castlike_FLOAT_to_FLOAT8E4M3FNUZ
        castlike_FLOAT_to_FLOAT8E4M3FNUZ_expanded castlike_FLOAT_to_FLOAT8E5M2FNUZ
        castlike_FLOAT_to_FLOAT8E5M2FNUZ_expanded castlike_no_saturate_FLOAT16_to_FLOAT8E4M3FNUZ
        castlike_no_saturate_FLOAT16_to_FLOAT8E4M3FNUZ_expanded castlike_no_saturate_FLOAT16_to_FLOAT8E5M2FNUZ
        castlike_no_saturate_FLOAT16_to_FLOAT8E5M2FNUZ_expanded castlike_no_saturate_FLOAT_to_FLOAT8E4M3FNUZ
        castlike_no_saturate_FLOAT_to_FLOAT8E4M3FNUZ_expanded castlike_no_saturate_FLOAT_to_FLOAT8E5M2FNUZ
        castlike_no_saturate_FLOAT_to_FLOAT8E5M2FNUZ_expanded
    """,
    (
        "refused",
        "OpenVINO's operation set has no operations on strings",
    ): """
        ai_onnx_ml_label_encoder_string_int ai_onnx_ml_label_encoder_string_int_no_default
        ai_onnx_ml_label_encoder_tensor_mapping ai_onnx_ml_label_encoder_tensor_value_only_mapping equal_string
        equal_string_broadcast regex_full_match_basic regex_full_match_email_domain regex_full_match_empty string_concat
        string_concat_broadcasting string_concat_empty_string string_concat_utf8 string_concat_zero_dimensional
        string_split_basic string_split_consecutive_delimiters string_split_empty_string_delimiter
        string_split_empty_tensor string_split_maxsplit string_split_no_delimiter
        strnorm_model_monday_casesensintive_lower strnorm_model_monday_casesensintive_nochangecase
        strnorm_model_monday_casesensintive_upper strnorm_model_monday_empty_output
        strnorm_model_monday_insensintive_upper_twodim strnorm_model_nostopwords_nochangecase
        strnormalizer_export_monday_casesensintive_lower strnormalizer_export_monday_casesensintive_nochangecase
        strnormalizer_export_monday_casesensintive_upper strnormalizer_export_monday_empty_output
        strnormalizer_export_monday_insensintive_upper_twodim strnormalizer_nostopwords_nochangecase
    """,
    (
        "refused",
        "ROICornerMax: OpenVINO's ROIAlign has the maximum of averages, not of single pixels",
    ): """
        roialign_mode_max
    """,
    (
        "refused",
        "a sequence or an optional is an input or an output, or not known one by one: OpenVINO has tensors alone",
    ): """
        identity_opt identity_sequence if_opt if_seq loop13_seq loop16_seq_none optional_get_element_optional_sequence
        optional_get_element_optional_tensor optional_get_element_sequence optional_has_element_empty_optional_input
        optional_has_element_optional_input optional_has_element_tensor_input sequence_insert_at_back
        sequence_insert_at_front sequence_map_add_1_sequence_1_tensor sequence_map_add_1_sequence_1_tensor_expanded
        sequence_map_add_2_sequences sequence_map_add_2_sequences_expanded sequence_map_extract_shapes
        sequence_map_extract_shapes_expanded sequence_map_identity_1_sequence sequence_map_identity_1_sequence_1_tensor
        sequence_map_identity_1_sequence_1_tensor_expanded sequence_map_identity_1_sequence_expanded
        sequence_map_identity_2_sequences sequence_map_identity_2_sequences_expanded sequence_model8 split_to_sequence_1
        split_to_sequence_2 split_to_sequence_nokeepdims
    """,
    (
        "openvino",
        "OpenVINO takes no TensorIterator within a TensorIterator",
    ): """
        scan_sum
    """,
    (
        "values",
        "OpenVINO computes f64 in f32, and saturates: 5.9e199 becomes 3.4e38 (Add of f64 [5.9e199] and [0])",
    ): """
        operator_add_broadcast operator_add_size1_right_broadcast operator_add_size1_singleton_broadcast
        operator_addconstant
    """,
    (
        "values",
        "OpenVINO computes f64 in f32, and saturates: infinity becomes 3.4e38 (Convert of f32 [inf] to f64)",
    ): """
        cast_DOUBLE_to_FLOAT cast_FLOAT16_to_DOUBLE cast_FLOAT_to_DOUBLE castlike_DOUBLE_to_FLOAT
        castlike_DOUBLE_to_FLOAT_expanded castlike_FLOAT16_to_DOUBLE castlike_FLOAT16_to_DOUBLE_expanded
        castlike_FLOAT_to_DOUBLE castlike_FLOAT_to_DOUBLE_expanded
    """,
    (
        "values",
        "OpenVINO's DFT: errors of 2e-5 and more, 1e-5 is allowed (DFT of f32 [10, 2], 0 to 9 without imaginary parts)",
    ): """
        dft dft_axis dft_axis_opset19 dft_opset19
    """,
    (
        "values",
        "OpenVINO's Divide: -2.5 / 0.019607844 is -127.5, not -127.49999, and is rounded the other way",
    ): """
        dynamicquantizelinear dynamicquantizelinear_expanded
    """,
    (
        "values",
        "OpenVINO's FloorMod: of finite and infinite numbers NaN (FloorMod of f32 [3] and [inf])",
    ): """
        mod_float_edge_cases_fmod_0_float16 mod_float_edge_cases_fmod_0_float32 mod_float_edge_cases_fmod_0_float64
    """,
    (
        "values",
        "OpenVINO's NonMaxSuppression drops a box whose overlap is exactly the threshold",
    ): """
        nonmaxsuppression_iou_threshold_boundary
    """,
    (
        "values",
        "OpenVINO's ReduceMax of no elements is -3.4e38 (ReduceMax of f32 [2, 0, 4] along 1)",
    ): """
        reduce_max_empty_set
    """,
    (
        "values",
        "OpenVINO's Tile leaves memory unwritten (Tile of f32 [2, 3, 4, 5] by computed repeats [7, 6, 4, 2])",
    ): """
        tile
    """,
    (
        "values",
        "random: the expected values are those of one generator, which the standard does not name",
    ): """
        bernoulli bernoulli_double bernoulli_double_expanded bernoulli_expanded bernoulli_seed bernoulli_seed_expanded
    """,
}  # fmt: skip
"""The cases, without `test_`, by outcome and reason."""

EXPECTED = {f"test_{name}": group for group, names in _GROUPS.items() for name in names.split()}
"""The outcome of each case that does not pass, and why. A case that begins to pass has to go."""
