"""Whether data are scaled as a model was trained on them, as far as the model tells.

Batch normalization keeps the mean and the variance that each channel had in training. What it reads is compared with
them, as normal distributions, by the Kullback-Leibler divergence of a channel

    KL = (v / var + (m - mean)^2 / var - 1 - ln(v / var)) / 2

Without batch normalization the bias of the first convolutions tells less: in trained networks it is of the order of the
sums that it is added to. The order of colors shows in neither: that is judged by what a model file says itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import VinocError
from ...ir.graph import Graph, Node
from ..inputs.slots import Input
from .collect import Runner
from .data import Preparation, Samples
from .measure import constant, dot

PROBES = 8
"""Samples that are looked at."""

LAYERS = 3
"""Convolutions that are looked at, the first of the model."""

LIKELY, BETTER, HOPELESS = 0.3, 3.0, 10.0
"""Divergences from which on another scaling is looked for; how much better it must fit; from which on a warning comes
though none fits."""

HIGH, LOW = 30.0, 0.005
"""Ratios of sums to biases that are unusual: networks that are fed right have 0.05 to 10."""

IMAGENET = (116.3, 57.4)
"""Mean and scale of `--normalize imagenet`, over all colors."""


@dataclass(frozen=True)
class Scaling:
    """x = (bytes - mean) / scale, and the option that says so."""

    name: str
    mean: float
    scale: float


SCALINGS = (
    Scaling("bytes as they are, 0 to 255", 0.0, 1.0),
    Scaling("--normalize unit", 0.0, 255.0),
    Scaling("--normalize signed", 127.5, 127.5),
    Scaling("--normalize imagenet", *IMAGENET),
)


def suspicions(raw: Graph, graph: Graph, samples: Samples, preparation: Preparation | None = None) -> Iterator[str]:
    """Warnings about the scaling of colour images. `raw` is the graph as it was read, with its batch normalizations,
    `graph` the one after clean-up."""
    yield from contradictions(raw.rt_info, preparation or Preparation())
    pictures = [i for i in samples.inputs if i.is_image and i.dtype.is_float]
    if len(samples.inputs) != 1 or not pictures or not len(samples):
        return
    given = pictures[0]
    try:
        arrays = [samples.load(i * len(samples) // PROBES)[given.name] for i in range(min(PROBES, len(samples)))]
    except VinocError:
        return  # a sample that cannot be read is named elsewhere
    norm = first_norm(raw)
    yield from by_norm(raw, norm, given, arrays) if norm else by_biases(graph, given, arrays)


def contradictions(info: Mapping[str, Any], preparation: Preparation) -> Iterator[str]:
    """Where the data are prepared otherwise than `model_info` of an IR says, which OpenVINO's Model API writes."""
    told = info.get("model_info")
    if not isinstance(told, Mapping):
        return
    reverse = str(told.get("reverse_input_channels", "")).lower()
    if reverse in ("yes", "true", "no", "false"):
        wanted = "rgb" if reverse in ("yes", "true") else "bgr"  # images of OpenCV are BGR before they are reversed
        if (wanted == "bgr") != preparation.look.bgr:
            yield f"the model file says that it takes {wanted.upper()} images: --color {wanted}"
    for key, given in (("mean_values", preparation.mean), ("scale_values", preparation.scale)):
        try:
            numbers = tuple(float(v) for v in str(told.get(key, "")).replace(",", " ").split())
        except ValueError:
            continue
        if numbers and isinstance(given, tuple) and not _same(given, numbers):
            yield f"the model file says {key} {list(numbers)}, the data are prepared with {list(given) or 'none'}"


def _same(given: Sequence[float], told: Sequence[float]) -> bool:
    return len(given) in (1, len(told)) and all(abs(a - b) <= 0.5 for a, b in zip(tuple(given) * len(told), told))


def current(arrays: Sequence[Array]) -> Scaling:
    """The scaling that the range of the values looks like."""
    low, high = min(float(a.min()) for a in arrays), max(float(a.max()) for a in arrays)
    if low >= 0:
        return SCALINGS[0] if high > 1.01 else SCALINGS[1]
    return SCALINGS[2] if max(-low, high) <= 1.01 else SCALINGS[3]


def first_norm(raw: Graph) -> Node | None:
    """The first batch normalization, if its parameters are constant."""
    norm = next((n for n in raw if n.kind == "BatchNormInference"), None)
    return norm if norm is not None and all(v and v.is_const for v in norm.inputs[1:5]) else None


def divergence(run: Runner, node: Node, given: Input, arrays: Sequence[Array]) -> float:
    """The median over the channels of what a normalization reads."""
    first = second = np.zeros(())
    for array in arrays:
        x = np.asarray(run({given.name: array})[0])
        rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).astype(np.float64)
        first, second = first + rows.mean(1), second + (rows**2).mean(1)
    mean, var = (np.asarray(node.operand(k).const, np.float64) for k in (3, 4))
    var = var + float(getattr(node.op, "epsilon", 0.0))
    m = first / len(arrays)
    v = np.maximum(second / len(arrays) - m**2, 1e-12 * var)
    return float(np.median((v / var + (m - mean) ** 2 / var - 1 - np.log(v / var)) / 2))


def by_norm(raw: Graph, norm: Node, given: Input, arrays: Sequence[Array]) -> Iterator[str]:
    """A warning where other scalings fit the statistics of training much better, or where none does."""
    run = Runner(raw, [norm.operand(0)])
    own = current(arrays)
    now = divergence(run, norm, given, arrays)
    if now < LIKELY:
        return
    whole = [a * np.float32(own.scale) + np.float32(own.mean) for a in arrays]
    others = {
        s: divergence(run, norm, given, [(b - np.float32(s.mean)) / np.float32(s.scale) for b in whole])
        for s in SCALINGS
        if s is not own
    }
    best = min(others, key=lambda s: others[s])
    if others[best] * BETTER <= now:
        yield (
            f"images do not look like those of the model's training (first batch normalization: divergence {now:.2g}); "
            f"it would be {others[best]:.2g} with {best.name}"
        )
    elif now > HOPELESS:
        yield f"images do not look like those of the model's training: divergence {now:.2g} at the first normalization"


def by_biases(graph: Graph, given: Input, arrays: Sequence[Array]) -> Iterator[str]:
    """A warning where the biases of the first convolutions are nothing beside what they are added to."""
    pairs = _biased(graph)
    if not pairs:
        return
    run = Runner(graph, [node.outputs[0] for node, _ in pairs])
    ratios = []
    squares = np.zeros(len(pairs))
    for array in arrays:
        squares += [dot(x.reshape(-1), x.reshape(-1)) / x.size for x in map(np.asarray, run({given.name: array}))]
    for square, (_, bias) in zip(squares / len(arrays), pairs, strict=True):
        ratios.append(float(np.sqrt(square / max(float(np.mean(bias.astype(np.float64) ** 2)), 1e-30))))
    typical = float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-30)))))
    ends = f"{min(float(a.min()) for a in arrays):.3g} to {max(float(a.max()) for a in arrays):.3g}"
    if min(ratios) > HIGH:
        yield (
            f"values of {ends} are perhaps to be scaled (--normalize unit, signed, imagenet): "
            f"the first convolutions give {typical:.0f} times their biases"
        )
    elif ratios[0] < LOW:
        yield f"values of {ends} are perhaps too small: the first convolution gives {ratios[0]:.1g} of its biases"


def _biased(graph: Graph) -> list[tuple[Node, Array]]:
    """The first convolutions with biases."""
    found: list[tuple[Node, Array]] = []
    for node in graph:
        users = list(node.outputs[0].users) if node.kind == "Convolution" else []
        if len(users) != 1 or users[0].kind != "Add" or len(found) == LAYERS:
            continue
        bias = next((a for v in users[0].inputs if v and (a := constant(v)) is not None), None)
        if bias is not None and bias.any():
            found.append((node, bias))
    return found
