"""Factories of OpenVINO that are missing here, with the reason."""

from __future__ import annotations

_NO_OPERATION = "the operation is not supported"

MISSING: dict[str, str] = dict.fromkeys(
    (
        "binary_convolution",
        "convert_promote_types",
        "ctc_greedy_decoder",
        "ctc_greedy_decoder_seq_len",
        "ctc_loss",
        "deformable_psroi_pooling",
        "detection_output",
        "embedding_bag_offsets",
        "embedding_bag_offsets_sum",
        "embedding_bag_packed",
        "embedding_bag_packed_sum",
        "embedding_segments_sum",
        "generate_proposals",
        "istft",
        "matrix_nms",
        "multiclass_nms",
        "nms_rotated",
        "prior_box",
        "prior_box_clustered",
        "proposal",
        "psroi_pooling",
        "region_yolo",
        "reorg_yolo",
        "roi_align_rotated",
        "segment_max",
        "sparse_fill_empty_rows",
        "stft",
        "string_tensor_pack",
        "string_tensor_unpack",
    ),
    _NO_OPERATION,
)
