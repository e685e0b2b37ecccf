"""Operators of the domain com.microsoft, beside ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from .onnx_util import check, compare, floats, make_model, read, run_graph, run_reference

MS = "com.microsoft"
RNG = np.random.default_rng(11)


def ms(
    op_type: str, inputs: list[Any], n_outputs: int = 1, rtol: float = 1e-4, atol: float = 1e-5, **more: Any
) -> None:
    check(op_type, inputs, 20, n_outputs, domain=MS, rtol=rtol, atol=atol, **more)


MASKS = [
    None,
    np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32),
    np.array([3, 5], np.int32),
    RNG.integers(0, 2, (2, 5, 5)).astype(np.int32),
]


@pytest.mark.parametrize("mask", MASKS, ids=["none", "rows", "lengths", "pairs"])
@pytest.mark.parametrize("causal", [0, 1])
def test_attention(mask: np.ndarray | None, causal: int) -> None:
    ms("Attention", [floats(2, 5, 8), floats(8, 24), floats(24), mask], symbolic=False, num_heads=2,
       unidirectional=causal)  # fmt: skip


def test_attention_with_a_cache_and_sizes() -> None:
    past = floats(2, 2, 2, 3, 4)
    ms("Attention", [floats(2, 5, 8), floats(8, 24), floats(24), None, past], 2, symbolic=False, num_heads=2,
       unidirectional=1)  # fmt: skip
    ms("Attention", [floats(2, 5, 8), floats(8, 20), floats(20)], symbolic=False, num_heads=2,
       qkv_hidden_sizes=[8, 8, 4], scale=0.3)  # fmt: skip


def test_multi_head_attention() -> None:
    q, k, v = floats(2, 3, 8), floats(2, 5, 8), floats(2, 5, 8)
    ms("MultiHeadAttention", [q, k, v], symbolic=False, num_heads=2)
    ms("MultiHeadAttention", [q, k, v, floats(24)], symbolic=False, num_heads=2)
    ms("MultiHeadAttention", [q, k, v, None, np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)], symbolic=False,
       num_heads=2)  # fmt: skip
    ms("MultiHeadAttention", [q, k, v, None, None, floats(1, 2, 3, 5)], symbolic=False, num_heads=2)


def test_multi_head_attention_with_a_cache() -> None:
    inputs = [
        floats(2, 3, 8),
        floats(2, 3, 8),
        floats(2, 3, 8),
        None,
        None,
        None,
        floats(2, 2, 4, 4),
        floats(2, 2, 4, 4),
    ]
    ms("MultiHeadAttention", inputs, 3, symbolic=False, num_heads=2, unidirectional=1)


def tables(width: int, positions: int = 16) -> tuple[np.ndarray, np.ndarray]:
    angles = np.arange(positions)[:, None] * RNG.random(width).astype(np.float32)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("positions", [np.array([3]), np.array([[0, 1, 2], [5, 6, 7]])], ids=["first", "all"])
def test_rotary_embedding(interleaved: int, positions: np.ndarray) -> None:
    ms("RotaryEmbedding", [floats(2, 3, 16), positions, *tables(4)], symbolic=False, interleaved=interleaved)
    ms("RotaryEmbedding", [floats(2, 2, 3, 8), positions, *tables(4)], symbolic=False, interleaved=interleaved)


def test_rotary_embedding_of_a_part() -> None:
    ms("RotaryEmbedding", [floats(2, 3, 16), np.array([[0, 1, 2], [5, 6, 7]]), *tables(2)], symbolic=False,
       num_heads=2, rotary_embedding_dim=4)  # fmt: skip


@pytest.mark.parametrize("attributes", [{}, {"scale": 0.3}, {"local_window_size": 2}, {"softcap": 2.0}])
@pytest.mark.parametrize("rotary", [0, 1])
def test_group_query_attention_at_first(attributes: dict[str, Any], rotary: int) -> None:
    inputs = [floats(2, 5, 64), floats(2, 5, 32), floats(2, 5, 32), None, None, np.array([4, 4], np.int32),
              np.array(5, np.int32), *(tables(8) if rotary else ())]  # fmt: skip
    ms("GroupQueryAttention", inputs, 3, symbolic=False, num_heads=4, kv_num_heads=2, do_rotary=rotary, **attributes)


@pytest.mark.parametrize("lengths", [[6, 6], [6, 3]], ids=["alike", "different"])
def test_group_query_attention_with_a_cache(lengths: list[int]) -> None:
    """What lies behind the end of a row is no one's."""
    arrays = {
        "q": floats(2, 1, 64), "k": floats(2, 1, 32), "v": floats(2, 1, 32), "pk": floats(2, 2, 6, 16),
        "pv": floats(2, 2, 6, 16), "lengths": np.array(lengths, np.int32), "total": np.array(7, np.int32),
    }  # fmt: skip
    arrays["cos"], arrays["sin"] = tables(8)
    node = helper.make_node("GroupQueryAttention", [*arrays], ["y", "present_k", "present_v"], domain=MS, num_heads=4,
                            kv_num_heads=2, do_rotary=1)  # fmt: skip
    model = make_model(node, arrays, 20, domain=MS)
    got, wanted = run_graph(read(model), list(arrays.values())), run_reference(model, arrays)
    compare(got[:1], wanted[:1], rtol=1e-4, atol=1e-5)
    for i in (1, 2):
        assert got[i].shape == wanted[i].shape
        for row, length in enumerate(lengths):
            compare([got[i][row, :, : length + 1]], [wanted[i][row, :, : length + 1]], rtol=1e-4, atol=1e-5)


def test_group_query_attention_of_packed_operands() -> None:
    inputs = [floats(2, 5, 128), None, None, None, None, np.array([4, 4], np.int32), np.array(5, np.int32), *tables(8)]
    ms("GroupQueryAttention", inputs, 3, symbolic=False, num_heads=4, kv_num_heads=2, do_rotary=1)


@pytest.mark.parametrize("zeros", ["none", "packed", "numbers"])
@pytest.mark.parametrize(("k", "size"), [(64, 32), (40, 16)])
def test_mat_mul_n_bits(zeros: str, k: int, size: int) -> None:
    n, blocks = 6, -(-k // size)
    codes = RNG.integers(0, 256, (n, blocks, size // 2), np.uint8)
    inputs: list[Any] = [floats(2, 3, k), codes, floats(n, blocks)]
    if zeros == "packed":
        inputs.append(RNG.integers(0, 256, (n, -(-blocks // 2)), np.uint8))
    elif zeros == "numbers":
        inputs.append(RNG.integers(0, 16, (n, blocks)).astype(np.float32))
    ms("MatMulNBits", inputs, constant=range(1, len(inputs)), rtol=1e-3, atol=1e-3, bits=4, block_size=size, N=n, K=k,
       accuracy_level=1)  # fmt: skip


def test_dynamic_quantize_mat_mul() -> None:
    weights = RNG.integers(-100, 100, (8, 4)).astype(np.int8)
    for scale in (np.float32(0.02), RNG.random(4).astype(np.float32) / 50):
        ms("DynamicQuantizeMatMul", [floats(3, 8), weights, np.asarray(scale), None, floats(4)], atol=1e-3)


def test_mat_mul_integer_to_float() -> None:
    a, w = RNG.integers(0, 255, (3, 8)).astype(np.uint8), RNG.integers(0, 255, (8, 4)).astype(np.uint8)
    ms("MatMulIntegerToFloat", [a, w, np.float32(0.02), np.float32(0.03), np.uint8(128), np.uint8(120), floats(4)],
       atol=1e-3)  # fmt: skip


def test_q_gemm() -> None:
    a, w = RNG.integers(0, 255, (3, 8)).astype(np.uint8), RNG.integers(-100, 100, (8, 4)).astype(np.int8)
    c = RNG.integers(-50, 50, 4).astype(np.int32)
    head = [a, np.float32(0.02), np.uint8(128), w, np.float32(0.03), np.int8(0), c]
    ms("QGemm", head, atol=1e-3)
    ms("QGemm", [*head, np.float32(0.1), np.uint8(100)])


def test_fused_gemm() -> None:
    for activation in ("Relu", "Tanh", "Sigmoid"):
        ms("FusedGemm", [floats(3, 4), floats(4, 5), floats(5)], activation=activation, alpha=0.5)


def test_complex_products_and_distances() -> None:
    ms("CDist", [floats(3, 4), floats(5, 4)], metric="euclidean")
    ms("Inverse", [floats(2, 3, 3) + 3 * np.eye(3, dtype=np.float32)], rtol=1e-3)


def test_older_forms() -> None:
    ms("ExpandDims", [floats(3, 4), np.array(1, np.int32)], constant=[1])
    ms("Trilu", [floats(3, 4)], upper=0)
    ms("GatherND", [floats(3, 4), np.array([[0, 1], [2, 3]])])


def test_is_all_finite() -> None:
    x = np.array([[1, np.nan], [2, 3]], np.float32)
    check("IsAllFinite", [floats(2, 2), x], 20, domain=MS, expected=[np.array(False)])
    check("IsAllFinite", [floats(2, 2), x], 20, domain=MS, expected=[np.array(True)], isinf_only=1)
