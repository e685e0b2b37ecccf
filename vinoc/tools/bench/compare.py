"""--compare: several models, engines, devices or precisions side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...ir.errors import UsageError, nearest
from ..engines.base import Asked, Loaded
from ..engines.find import ALIASES, ENGINES, engine_called, load
from ..inputs.slots import by_input
from .interleave import Samples, apart, interleaved, ratio, ratios
from .prepare import existing, timed
from .settings import Settings

AGAIN = " again"
KEYS = ("engine", "model", "device", "precision", "threads", "streams", "label")


@dataclass(frozen=True)
class Contender:
    """One side of a comparison."""

    label: str
    engine: str
    asked: Asked


@dataclass
class Comparison:
    """What was measured: samples in milliseconds, and of each contender its stages and how far its results stray."""

    samples: Samples
    load_ms: dict[str, float] = field(default_factory=dict)
    first_ms: dict[str, float] = field(default_factory=dict)
    apart: dict[str, float] = field(default_factory=dict)
    batch: int = 1

    @property
    def base(self) -> str:
        return next(iter(self.samples))

    def median(self, name: str) -> float:
        return statistics.median(self.samples[name])

    def noise(self) -> tuple[float, float] | None:
        """The range of the ratios of a contender to its second instance, without the outermost quarters."""
        pairs = [(n, n.removesuffix(AGAIN)) for n in self.samples if n.endswith(AGAIN)]
        found = sorted(r for a, b in pairs for r in ratios(self.samples, a, b))
        cut = len(found) // 4
        return (found[cut], found[-1 - cut]) if found else None


def contenders(settings: Settings, texts: Sequence[str]) -> list[Contender]:
    """The model that is measured, then those that it is compared with. Raises UsageError for what cannot be read."""
    streams = _number("-nstreams", settings.nstreams or "0")
    base = Asked(settings.model, settings.device, settings.infer_precision, settings.nthreads, streams)
    fields = [{"engine": "vinoc"}, *(_fields(t) for t in texts)]
    made = [_made(f, base) for f in fields]
    for i, one in enumerate(made):
        if any(one.label == other.label for other in made[:i]):
            raise UsageError(f"two contenders are called '{one.label}'", "--compare", "tell them apart: label=NAME")
    return made


def _fields(text: str) -> dict[str, str]:
    """`onnxruntime`, `model=b.onnx,device=TEMPLATE`, `ov,precision=bf16,label=half`, `other.onnx`."""
    found: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals and ":" in found.get("device", "") and part.lower() not in (*ENGINES, *ALIASES):
            found["device"] += f",{part}"  # HETERO:CPU,TEMPLATE
            continue
        if not equals:
            key, value = ("engine", part) if part.lower() in (*ENGINES, *ALIASES) else ("model", part)
        if key not in KEYS:
            raise UsageError(f"'{key}' says nothing of a contender", "--compare", nearest(key, KEYS))
        if key in found:
            raise UsageError(f"'{key}' is given twice in '{text}'", "--compare")
        found[key] = value
    if not found:
        raise UsageError("a contender is empty", "--compare", "for example --compare onnxruntime")
    return found


def _made(fields: Mapping[str, str], base: Asked) -> Contender:
    engine = engine_called(fields.get("engine", "vinoc"))
    asked = base
    if "model" in fields:
        asked = replace(asked, model=existing(Path(fields["model"])))
    if "device" in fields or (engine == "openvino" and base.device == "TEMPLATE"):
        asked = replace(asked, device=fields.get("device", "CPU"))
    if "precision" in fields:
        asked = replace(asked, precision=fields["precision"])
    elif engine != "vinoc" and "engine" in fields:
        asked = replace(asked, precision="" if engine == "onnxruntime" else base.precision or "f32")
    if "threads" in fields:
        asked = replace(asked, threads=_number("threads", fields["threads"]))
    if "streams" in fields:
        asked = replace(asked, streams=_number("streams", fields["streams"]))
    told = [engine, *(f"{v}" for k, v in fields.items() if k not in ("engine", "label", "model"))]
    told += [Path(fields["model"]).name] if "model" in fields else []
    return Contender(fields.get("label", " ".join(told)), engine, asked)


def _number(key: str, text: str) -> int:
    if not text.isdigit():
        raise UsageError(f"'{text}' is no number", f"--compare, {key}")
    return int(text)


def compare(
    made: Sequence[Contender], settings: Settings, rounds: int, seconds: float, again: bool,
    tick: Callable[[float], None],
) -> Comparison:  # fmt: skip
    """Loads all contenders, then measures them in turn. Times of one thread are the process's CPU time."""
    out = Comparison({})
    loaded: dict[str, Loaded] = {}
    for c in made:
        loaded[c.label], out.load_ms[c.label] = timed(lambda c=c: load(c.engine, c.asked))  # type: ignore[misc]
        if again and c is made[0]:
            loaded[c.label + AGAIN] = load(c.engine, c.asked)
    arrays = values(loaded[made[0].label], settings)
    runs: dict[str, Callable[[], Any]] = {}
    results: dict[str, list[Any]] = {}
    for name, model in loaded.items():
        request, feeds = model.request(), _fitted(arrays, model, name)
        found, took = timed(lambda request=request, feeds=feeds: request(feeds))  # type: ignore[misc]
        results[name] = [np.array(r) for r in found]
        if not name.endswith(AGAIN):
            out.first_ms[name] = took
        runs[name] = lambda request=request, feeds=feeds: request(feeds)  # type: ignore[misc]
    single = all(c.asked.threads == 1 for c in made)
    clock = time.process_time if single else time.perf_counter
    out.samples = interleaved(runs, rounds, seconds, not single, clock, tick)
    first = results[made[0].label]
    same = [c.label for c in made[1:] if len(results[c.label]) == len(first)]
    out.apart = {name: apart(results[name], first) for name in same}
    out.batch = int(next(iter(arrays)).shape[0]) if arrays and next(iter(arrays)).ndim > 3 else 1
    return out


def values(model: Loaded, settings: Settings) -> list[Any]:
    """Random inputs for a model as it is; -shape and -b give the sizes that are open."""
    names = [s.name for s in model.slots]
    given = by_input("-shape", settings.shape, names)
    rng = np.random.default_rng(0)
    out: list[Any] = []
    for slot in model.slots:
        if slot.shape is None:
            raise UsageError(f"the rank of input '{slot.name}' is open", help="measure it with -shape alone")
        wanted = given.get(slot.name, [""])[-1].split(",")
        told = [int(w) if w.strip().isdigit() else None for w in wanted] if len(wanted) == len(slot.shape) else []
        fallback = [settings.batch or 1, *[1] * len(slot.shape)]
        sizes = [d or (told[i] if told else None) or fallback[i] for i, d in enumerate(slot.shape)]
        kind = slot.dtype.kind
        if kind == "O":
            out.append(np.full(sizes, "", object))
        elif kind in "iub":
            out.append(rng.integers(0, 2, sizes).astype(slot.dtype))
        else:
            out.append(rng.standard_normal(sizes).astype(slot.dtype))
    return out


def _fitted(arrays: Sequence[Any], model: Loaded, name: str) -> dict[str, Any]:
    """The same arrays by the names that another model's inputs have. Raises UsageError where they do not fit."""
    if len(model.slots) != len(arrays):
        raise UsageError(f"'{name}' has {len(model.slots)} inputs, the first {len(arrays)}", "--compare")
    for slot, array in zip(model.slots, arrays, strict=True):
        fits = slot.shape is None or (
            len(slot.shape) == array.ndim and all(d in (None, n) for d, n in zip(slot.shape, array.shape))
        )
        if not fits or slot.dtype != array.dtype:
            shown = f"{slot.dtype}{list(slot.shape or ())}"
            raise UsageError(
                f"input '{slot.name}' of '{name}' is {shown}, that of the first {array.dtype}{list(array.shape)}",
                "--compare",
            )
    return {s.name: a for s, a in zip(model.slots, arrays, strict=True)}


def table(found: Comparison) -> list[tuple[str, ...]]:
    """A head, and a row for each contender."""
    base = found.base
    rows: list[tuple[str, ...]] = [
        ("contender", "median ms", "min ms", "deviation ms", "of the first", "load ms", "first inference ms", "apart")
    ]
    for name, times in found.samples.items():
        spread = statistics.stdev(times) if len(times) > 1 else 0.0
        rows.append(
            (
                name,
                f"{found.median(name):.4g}",
                f"{min(times):.4g}",
                f"{spread:.2g}",
                f"{ratio(found.samples, name, base):.3f}",
                f"{found.load_ms[name]:.1f}" if name in found.load_ms else "",
                f"{found.first_ms[name]:.2f}" if name in found.first_ms else "",
                f"{found.apart[name]:.1e}" if name in found.apart else "",
            )
        )
    return rows
