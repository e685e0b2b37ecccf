"""Models with dynamic dimensions at shapes other than the stored ones, against onnxruntime on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import pytest

import vinoc

from ..conftest import SHARED
from . import zoo

pytestmark = pytest.mark.shared
Feed = dict[str, np.ndarray]
MODELS = {m.name: m for m in zoo.onnx_models(SHARED)}


def noise(shape: Sequence[int], scale: float = 1.0) -> np.ndarray:
    r = np.random.default_rng(sum(shape))
    return r.normal(0, scale, shape).astype(np.float32)


def numbers(shape: Sequence[int], below: int, dtype: type) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, below, shape).astype(dtype)


def audio(batch: int) -> Feed:
    return {"serving_default_input_2:0": noise([batch, 43844, 1], 0.1)}


def tokens(batch: int, length: int) -> Feed:
    """The last token of every row but the first is masked."""
    mask = np.ones([batch, length], np.int64)
    mask[1:, -1] = 0
    ids = numbers([batch, length], 100, np.int64)
    return {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "input_mask": mask}


def images(batch: int) -> Feed:
    """The stored pictures, each time moved by a few lines: on noise int8 networks are no oracle for one another."""
    stored = np.concatenate([case.inputs["image"] for case in MODELS["mobilenetv2_qdq_int8"].cases()])
    return {"image": np.stack([np.roll(stored[i % len(stored)], 8 * i, axis=1) for i in range(batch)])}


def page(height: int, width: int) -> Feed:
    """A piece of the stored page: without text all scores are 0 to within rounding."""
    (x, *_) = [case.inputs["x"] for case in MODELS["ppocrv3_det_ch"].cases()]
    at = 320 - height
    return {"x": np.ascontiguousarray(x[:, :, at:, :width])}


def speech(batch: int, length: int, rate: int) -> Feed:
    return {
        "input": noise([batch, length], 0.1),
        "state": noise([2, batch, 128], 0.1),
        "sr": np.array(rate, np.int64),
    }


SHAPES: dict[str, tuple[Callable[..., Feed], tuple[tuple[int, ...], ...]]] = {
    "basic_pitch": (audio, ((3,), (4,), (5,))),
    "bert_toy": (tokens, ((1, 17), (3, 5), (4, 2))),
    "byte_bidi_lstm": (lambda n, t: {"input": numbers([n, t], 256, np.uint8)}, ((1, 1), (3, 7), (5, 40))),
    "kaldi_qtdnn": (lambda t: {"input": noise([t, 10])}, ((3,), (11,), (40,))),
    "mobilenetv2_qdq_int8": (images, ((3,), (4,), (5,))),
    "ppocrv3_det_ch": (page, ((320, 320), (224, 480), (288, 416))),
    "silero_vad_16k": (speech, ((2, 576, 16000), (5, 288, 8000), (4, 640, 16000))),
    "stories260k": (lambda n, t: {"ids": numbers([n, t], 512, np.int64)}, ((1, 1), (3, 4), (2, 60))),
}
"""Model -> what feeds it, and the sizes it is fed with."""


def dynamic(model: zoo.Model) -> bool:
    """Whether a dimension of an input (initializers aside) is open."""
    graph = onnx.load(str(model.path)).graph
    constant = {t.name for t in graph.initializer}
    shapes = [v.type.tensor_type.shape for v in graph.input if v.name not in constant]
    return any(d.dim_value <= 0 for s in shapes for d in s.dim)


def test_every_dynamic_model_is_here() -> None:
    assert {name for name, m in MODELS.items() if dynamic(m)} == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_the_shapes_are_other_than_the_stored_ones(name: str) -> None:
    feed, sizes = SHAPES[name]
    stored = {tuple(a.shape for a in case.inputs.values()) for case in MODELS[name].cases()}
    fed = {tuple(a.shape for a in feed(*s).values()) for s in sizes}
    assert len(fed) >= 3
    assert not fed & stored


SLOW = ("basic_pitch", "mobilenetv2_qdq_int8")
"""On the reference, which takes seconds a case."""
RUNS = [
    pytest.param(name, device, marks=[pytest.mark.long] if device == "TEMPLATE" and name in SLOW else [])
    for name in SHAPES
    for device in ("TEMPLATE", "CPU")
]


@pytest.mark.parametrize(("name", "device"), RUNS)
def test_other_shapes_agree_with_onnxruntime(name: str, device: str) -> None:
    """One compiled model serves all of them, one after the other."""
    model = MODELS[name]
    feed, sizes = SHAPES[name]
    session = zoo.onnxruntime_session(model)
    names = [o.name for o in session.get_outputs()]
    compiled = vinoc.Core().compile_model(str(model.path), device)
    for size in sizes:
        inputs = feed(*size)
        for output, expected in zip(names, session.run(names, inputs), strict=True):
            actual = np.asarray(compiled(inputs)[output])
            assert actual.shape == expected.shape, (output, size)
            assert zoo.error(expected, actual) <= model.tolerance, (output, size)
