"""Normalizations, matrix products, activations, recurrent layers, attention, losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinoc.ir.errors import ConversionError

from .onnx_util import check, floats, kinds

RNG = np.random.default_rng(0)


CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}

# Normalization


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
def test_batch_normalization(opset: int) -> None:
    inputs = [floats(2, 3, 4, 5), floats(3), floats(3), floats(3), np.abs(floats(3)) + 0.1]
    graph = check("BatchNormalization", inputs, opset, constant=[1, 2, 3, 4], epsilon=1e-3, **CLOSE)
    assert kinds(graph) == ["BatchNormInference"]
    check("BatchNormalization", [floats(4, 3), *inputs[1:]], opset, **CLOSE)


def test_batch_normalization_over_every_element() -> None:
    inputs = [floats(2, 3, 4), floats(3, 4), floats(3, 4), floats(3, 4), np.abs(floats(3, 4)) + 0.1]
    x, scale, bias, mean, variance = inputs
    wanted = (x - mean) / np.sqrt(variance + np.float32(1e-5)) * scale + bias
    check("BatchNormalization", inputs, 7, spatial=0, expected=[wanted], **CLOSE)


def test_batch_normalization_in_training() -> None:
    inputs = [floats(2, 3, 4, 5), floats(3), floats(3), floats(3), np.abs(floats(3)) + 0.1]
    x, scale, bias, mean, variance = inputs
    m, v = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    shape = (1, 3, 1, 1)
    y = (x - m.reshape(shape)) / np.sqrt(v.reshape(shape) + 1e-5) * scale.reshape(shape) + bias.reshape(shape)
    wanted = [a.astype(np.float32) for a in (y, mean * 0.9 + m * 0.1, variance * 0.9 + v * 0.1)]
    check("BatchNormalization", inputs, 15, n_outputs=3, training_mode=1, expected=wanted, **CLOSE)
    with pytest.raises(ConversionError, match="statistics"):
        check("BatchNormalization", inputs, 9, n_outputs=3, expected=[])


@pytest.mark.parametrize(
    ("op", "inputs", "opset", "attributes"),
    [
        ("InstanceNormalization", [floats(2, 3, 4, 5), floats(3), floats(3)], 7, {"epsilon": 1e-2}),
        ("InstanceNormalization", [floats(2, 3, 4), floats(3), floats(3)], 22, {}),
        ("LayerNormalization", [floats(2, 3, 4), floats(4), floats(4)], 17, {}),
        ("LayerNormalization", [floats(2, 3, 4), floats(3, 4)], 17, {"axis": 1, "epsilon": 1e-2}),
        ("GroupNormalization", [floats(2, 4, 3, 3), floats(2), floats(2)], 18, {"num_groups": 2}),
        ("GroupNormalization", [floats(2, 4, 3, 3), floats(4), floats(4)], 21, {"num_groups": 2}),
        ("RMSNormalization", [floats(2, 3, 4), floats(4)], 23, {}),
        ("LRN", [floats(2, 7, 3, 3)], 13, {"size": 3, "alpha": 0.01, "beta": 0.5, "bias": 2.0}),
        ("LpNormalization", [floats(2, 3, 4)], 7, {"p": 2, "axis": 1}),
        ("LpNormalization", [floats(2, 3, 4)], 22, {"p": 1}),
        ("MeanVarianceNormalization", [floats(2, 3, 4, 5)], 13, {}),
        ("MeanVarianceNormalization", [floats(2, 3, 4, 5)], 9, {"axes": [0, 1]}),
    ],
)
def test_normalizations(op: str, inputs: list[np.ndarray], opset: int, attributes: dict[str, Any]) -> None:
    symbolic = (op, opset) != ("GroupNormalization", 18)
    check(op, inputs, opset, symbolic=symbolic, **CLOSE, **attributes)


def test_the_statistics_of_layer_normalization() -> None:
    check("LayerNormalization", [floats(2, 3, 4), floats(4), floats(4)], 17, n_outputs=3, **CLOSE)


def test_lp_normalization_keeps_zeros() -> None:
    check("LpNormalization", [np.zeros((2, 3), np.float32)], 22, expected=[np.zeros((2, 3), np.float32)])


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize("opset", [7, 11, 13])
@pytest.mark.parametrize("axis", [None, 0, 2, -1])
def test_softmax(op: str, opset: int, axis: int | None) -> None:
    options = {} if axis is None else {"axis": axis}
    if axis != -1 or opset >= 11:
        check(op, [floats(2, 3, 4, 2)], opset, **CLOSE, **options)


def test_softmax_over_flattened_dimensions_of_one_stays_plain() -> None:
    assert kinds(check("Softmax", [floats(2, 7, 1, 1)], 9, symbolic=False, **CLOSE)) == ["SoftMax"]


# Matrices


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 1, 2, 3), (4, 3, 2)), ((3,), (3,))]
)
def test_mat_mul(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    check("MatMul", [floats(*a), floats(*b)], 13, **CLOSE)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"transA": 1},
        {"transB": 1},
        {"alpha": 0.5, "beta": 2.0},
        {"beta": 0.0},
        {"alpha": 2.0, "transA": 1, "transB": 1},
    ],
)
@pytest.mark.parametrize("c", [None, (4,), (2, 1), (2, 4), ()])
def test_gemm(attributes: dict[str, Any], c: tuple[int, ...] | None) -> None:
    a = floats(3, 2) if attributes.get("transA") else floats(2, 3)
    b = floats(4, 3) if attributes.get("transB") else floats(3, 4)
    check("Gemm", [a, b, None if c is None else floats(*c)], 13, constant=[1], **CLOSE, **attributes)


def test_gemm_of_integers_scales_in_f32() -> None:
    a, b = RNG.integers(-5, 5, (2, 3), np.int32), RNG.integers(-5, 5, (3, 4), np.int32)
    check("Gemm", [a, b], 13, alpha=0.5, expected=[np.trunc((a @ b) * 0.5).astype(np.int32)])


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij, jk -> ik", [(2, 3), (3, 4)]), ("...ii->...i", [(2, 3, 3)]), ("bhqd,bhkd->bhqk", [(1, 2, 3, 4)] * 2)],
)
def test_einsum(equation: str, shapes: list[tuple[int, ...]]) -> None:
    check("Einsum", [floats(*s) for s in shapes], 12, equation=equation, symbolic=False, **CLOSE)


@pytest.mark.parametrize("per", [False, True])
def test_mat_mul_integer(per: bool) -> None:
    a, b = RNG.integers(0, 255, (2, 3), np.uint8), RNG.integers(0, 255, (3, 4), np.uint8)
    zeros = [np.uint8(7), RNG.integers(0, 255, 4, np.uint8) if per else np.uint8(9)]
    check("MatMulInteger", [a, b, *zeros], 10)
    check("MatMulInteger", [a, b], 10)


# Activations


@pytest.mark.parametrize(
    ("op", "opset", "attributes"),
    [
        ("Relu", 13, {}),
        ("LeakyRelu", 7, {"alpha": 0.3}),
        ("Elu", 7, {"alpha": 0.7}),
        ("Selu", 7, {}),
        ("Selu", 7, {"alpha": 1.5, "gamma": 2.0}),
        ("Celu", 12, {"alpha": 0.7}),
        ("Celu", 12, {}),
        ("HardSigmoid", 7, {"alpha": 0.3, "beta": 0.4}),
        ("HardSwish", 14, {}),
        ("Sigmoid", 13, {}),
        ("Tanh", 13, {}),
        ("Softplus", 7, {}),
        ("Softsign", 7, {}),
        ("ThresholdedRelu", 10, {"alpha": 0.5}),
        ("Gelu", 20, {}),
        ("Gelu", 20, {"approximate": "tanh"}),
        ("Mish", 18, {}),
        ("Erf", 13, {}),
        ("Shrink", 9, {"lambd": 0.3, "bias": 0.1}),
        ("Clip", 7, {"min": -0.5, "max": 0.3}),
        ("Clip", 7, {"min": 0.1}),
    ],
)
def test_activations(op: str, opset: int, attributes: dict[str, Any]) -> None:
    check(op, [floats(2, 3, 4) * 3], opset, **CLOSE, **attributes)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 1), (4,), (1, 3, 1, 1), (2, 3, 4, 4), (1, 1, 4)])
@pytest.mark.parametrize("channels", [3, 4])
def test_prelu_aligns_the_slope_with_the_last_dimensions(shape: tuple[int, ...], channels: int) -> None:
    shape = tuple(channels if d == 3 else d for d in shape)
    check("PRelu", [floats(2, channels, 4, 4), floats(*shape)], 16, constant=[1])


@pytest.mark.parametrize("limits", [(-0.5, 0.3), (None, 0.3), (-0.5, None), (None, None), (0.5, -0.5)])
@pytest.mark.parametrize("constant", [True, False])
def test_clip(limits: tuple[float | None, float | None], constant: bool) -> None:
    inputs = [floats(2, 3), *(None if v is None else np.array(v, np.float32) for v in limits)]
    given = [i for i in (1, 2) if inputs[i] is not None]
    check("Clip", inputs, 13, constant=given if constant else [])


def test_clip_of_integers() -> None:
    check("Clip", [RNG.integers(-9, 9, (2, 3)), np.array(-2), np.array(5)], 13, constant=[1, 2])


@pytest.mark.parametrize("opset", [7, 10, 12, 13])
def test_dropout_does_nothing(opset: int) -> None:
    x = floats(2, 3)
    mask = np.ones((2, 3), np.float32 if opset < 10 else np.bool_)
    check("Dropout", [x], opset, expected=[x])
    check("Dropout", [x], opset, n_outputs=2, expected=[x, mask])


def test_dropout_in_training_draws_with_its_seed() -> None:
    x = floats(4, 50)
    kept = np.random.RandomState(7).uniform(0, 1, x.shape) >= 0.25
    wanted = [np.where(kept, x, 0) / np.float32(0.75), kept]
    check("Dropout", [x, np.float32(0.25), np.array(True)], 13, n_outputs=2, seed=7, expected=wanted)
    check("Dropout", [x, np.float32(0.25), np.array(False)], 13, n_outputs=2, seed=7, expected=[x, np.ones_like(kept)])


# Recurrent layers

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(op: str, directions: int, bias: bool, lengths: bool, states: bool) -> list[np.ndarray | None]:
    t, n, i, h, g = 5, 2, 3, 4, GATES[op]
    inputs: list[np.ndarray | None] = [floats(t, n, i), floats(directions, g * h, i), floats(directions, g * h, h)]
    inputs += [floats(directions, 2 * g * h) if bias else None, np.array([5, 3], np.int32) if lengths else None]
    inputs += [floats(directions, n, h) if states else None] * (2 if op == "LSTM" else 1)
    return inputs


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("full", [False, True])
def test_recurrent_layers(op: str, direction: str, full: bool) -> None:
    inputs = recurrent(op, 2 if direction == "bidirectional" else 1, full, full, full)
    outputs = 3 if op == "LSTM" else 2
    constant = [i for i in (1, 2, 3) if inputs[i] is not None]
    graph = check(op, inputs, 14, n_outputs=outputs, constant=constant, direction=direction, hidden_size=4, **CLOSE)
    assert f"{op}Sequence" in kinds(graph)


def test_gru_that_resets_after_the_product() -> None:
    check("GRU", recurrent("GRU", 1, True, False, True), 14, n_outputs=2, hidden_size=4, linear_before_reset=1, **CLOSE)


def test_recurrent_layers_with_other_activations_and_a_clip() -> None:
    check("RNN", recurrent("RNN", 1, True, False, False), 14, n_outputs=2, hidden_size=4, activations=["Relu"], **CLOSE)
    options = {"hidden_size": 4, "activations": ["Tanh", "Sigmoid", "Relu"], "clip": 0.5}
    check("LSTM", recurrent("LSTM", 1, True, False, True), 14, n_outputs=3, **options, **CLOSE)


@pytest.mark.parametrize(
    "options",
    [
        {"activations": ["Softsign"]},
        {"activations": ["Softplus"]},
        {"activations": ["Affine"], "activation_alpha": [0.5], "activation_beta": [0.1]},
        {"activations": ["LeakyRelu"]},
        {"activations": ["ThresholdedRelu"], "activation_alpha": [0.3]},
        {"activations": ["ScaledTanh"], "activation_alpha": [0.7], "activation_beta": [1.3]},
        {"activations": ["HardSigmoid"], "clip": 0.4},
        {"activations": ["Elu"], "activation_alpha": [0.6]},
    ],
)
def test_all_activations_of_recurrent_layers(options: dict[str, Any]) -> None:
    graph = check("RNN", recurrent("RNN", 1, True, False, True), 14, n_outputs=2, hidden_size=4, **options, **CLOSE)
    assert "TensorIterator" in kinds(graph)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("op", "linear"), [("LSTM", 0), ("GRU", 0), ("GRU", 1), ("RNN", 0)])
def test_recurrent_layers_of_keras(op: str, linear: int, direction: str, full: bool) -> None:
    """Keras had hard sigmoids before 2.3; each direction may have functions and numbers of its own."""
    n = 2 if direction == "bidirectional" else 1
    first = {"LSTM": ["HardSigmoid", "Tanh", "Tanh"], "GRU": ["HardSigmoid", "Tanh"], "RNN": ["ScaledTanh"]}[op]
    second = {"LSTM": ["Sigmoid", "Elu", "Softsign"], "GRU": ["Sigmoid", "Affine"], "RNN": ["HardSigmoid"]}[op]
    options: dict[str, Any] = {"activations": [*first, *second][: n * len(first)], "activation_alpha": [0.3, 0.7]}
    options |= {"activation_beta": [0.6, 0.4], "direction": direction, "hidden_size": 4}
    if linear:
        options["linear_before_reset"] = 1
    check(op, recurrent(op, n, full, full, full), 14, n_outputs=3 if op == "LSTM" else 2, **options, **CLOSE)


def test_lstm_with_the_batch_first() -> None:
    inputs = recurrent("LSTM", 1, True, False, True)
    swapped = [inputs[0].transpose(1, 0, 2), *inputs[1:5], *(s.transpose(1, 0, 2) for s in inputs[5:])]  # type: ignore[union-attr]
    from .onnx_util import helper, make_model, run_reference

    names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
    node = helper.make_node("LSTM", names, ["y0", "y1", "y2"], hidden_size=4)
    feed = {f"x{i}": a for i, a in enumerate(inputs) if a is not None}
    y, h, c = run_reference(make_model(node, feed, 14), feed)
    wanted = [y.transpose(2, 0, 1, 3), h.transpose(1, 0, 2), c.transpose(1, 0, 2)]
    check("LSTM", swapped, 14, n_outputs=3, hidden_size=4, layout=1, expected=wanted, **CLOSE)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"activations": ["Swish", "Tanh", "Tanh"]}, "activation 'swish' is none of LSTM"),
        ({"activations": ["Sigmoid", "Tanh"]}, "2 activations are given, 3 are needed"),
        ({"direction": "sideways"}, "sideways"),
        ({"hidden_size": 5}, "expected"),
    ],
)
def test_recurrent_layers_that_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConversionError, match=word):
        check("LSTM", recurrent("LSTM", 1, False, False, False), 14, expected=[], **{"hidden_size": 4, **options})


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("coupled", [0, 1])
def test_peepholes_and_coupled_gates(direction: str, lengths: bool, coupled: int) -> None:
    n = 2 if direction == "bidirectional" else 1
    inputs = [*recurrent("LSTM", n, True, lengths, True), floats(n, 12)]
    check("LSTM", inputs, 14, n_outputs=3, hidden_size=4, direction=direction, input_forget=coupled, clip=2.0, **CLOSE)


# Attention


def test_plain_attention_is_one_operation() -> None:
    q, k, v = floats(2, 3, 4, 8), floats(2, 3, 6, 8), floats(2, 3, 6, 5)
    graph = check("Attention", [q, k, v], 23, symbolic=False, **CLOSE)
    assert kinds(graph) == ["ScaledDotProductAttention"]


# Losses


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [None, 1, -1])
def test_losses(reduction: str, weighted: bool, ignore: int | None) -> None:
    scores, target = floats(4, 3, 2), RNG.integers(0, 3, (4, 2))
    if ignore is not None:
        target[0, 0] = ignore
    inputs = [scores, target, np.abs(floats(3)) if weighted else None]
    options: dict[str, Any] = {"reduction": reduction}
    if ignore is not None:
        options["ignore_index"] = ignore
    check("NegativeLogLikelihoodLoss", inputs, 13, **CLOSE, **options)
    check("SoftmaxCrossEntropyLoss", inputs, 13, n_outputs=2, **CLOSE, **options)
