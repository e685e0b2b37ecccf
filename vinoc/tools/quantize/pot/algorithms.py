"""The algorithms of a configuration file, put together to one run of vinoc's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ....passes.quantize import Setting
from ...problems import Notes
from ..algorithms.accuracy_aware import Aware
from ..options import Preset
from ..schemes import Bound, Scheme, Schemes
from .schema import ALGORITHMS, ALIGNMENT, CORRECTION, ESTIMATED, FAST, PRESETS, RANGES

GRANULARITY = {"pertensor": "tensor", "perchannel": "channel"}


@dataclass
class Steps:
    """What all algorithms together say."""

    preset: Preset = "performance"
    subset: int | None = None
    bits: int = 8
    weight_bits: int = 8
    shuffle: int | None = None
    names: tuple[str, ...] = ()
    schemes: Schemes | None = None
    scope: list[str] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)


def steps_of(algorithms: Sequence[tuple[str, Mapping[str, Any]]], where: str, notes: Notes) -> Steps:
    """One run of vinoc's for the algorithms of a file."""
    out = Steps()
    for _, params in algorithms:
        if params.get("preset"):
            out.preset = cast(Preset, PRESETS[params["preset"]])
        if params.get("stat_subset_size") is not None:
            out.subset = max(out.subset or 0, params["stat_subset_size"])
        if params.get("shuffle_data"):
            out.shuffle = params.get("seed") or 0
        ignored = params.get("ignored") or {}
        if any(isinstance(v, dict) for v in ignored.values()):
            notes.wrong("'ignored' has blocks for models of a cascade, which are not quantized", where)
        elif ignored.get("skip_model"):
            notes.wrong("'skip_model' leaves nothing to do", where)
        out.scope += [n for n in ignored.get("scope") or [] if n is not None]
        out.operations += [o for o in ignored.get("operations") or [] if o.get("type") is not None]
        _schemes(out, params, where, notes)
    out.names = _names([name for name, _ in algorithms], dict(algorithms), out.schemes is not None)
    return out


def _names(asked: Sequence[str], params: Mapping[str, Mapping[str, Any]], schemes: bool) -> tuple[str, ...]:
    """The algorithms of vinoc; none: what its default is, which has all that DefaultQuantization has."""
    whole = next((n for n in ("DefaultQuantization", "AccuracyAwareQuantization") if n in asked), None)
    exact = whole is not None and params[whole].get("use_fast_bias") is False
    simple = whole is not None and params[whole].get("base_algorithm") == "MinMaxQuantization"
    if simple:
        found: tuple[str, ...] = (RANGES,)
    elif whole is not None:
        found = (ALIGNMENT, RANGES, CORRECTION if exact else FAST) if schemes or exact else ()
    else:
        found = tuple(step for name in asked for step in ALGORITHMS[name].steps)
    return tuple(ESTIMATED if schemes and n == RANGES else n for n in found)


def _schemes(out: Steps, params: Mapping[str, Any], where: str, notes: Notes) -> None:
    common = params.get("range_estimator")
    given = {kind: params.get(kind) for kind in ("activations", "weights")}
    if common is None and not any(given.values()):
        return
    found = {}
    for kind, block in given.items():
        block = dict(block or {})
        if common is not None:
            block.setdefault("range_estimator", common)
        found[kind] = _scheme(block, kind, where, notes)
    out.schemes = Schemes(found["activations"], found["weights"])
    out.bits = (given["activations"] or {}).get("bits") or out.bits
    out.weight_bits = (given["weights"] or {}).get("bits") or out.weight_bits


def _scheme(block: Mapping[str, Any], kind: str, where: str, notes: Notes) -> Scheme:
    low, high = block.get("level_low"), block.get("level_high")
    levels = None if low is None or high is None else high - low + 1
    granularity = GRANULARITY.get(block.get("granularity") or "")
    if kind == "activations":
        if granularity == "channel":
            notes.remark("'activations': channels have ranges of their own where depthwise layers read them", where)
        granularity = None
    setting = Setting(block.get("mode"), block.get("bits"), levels, cast(Any, granularity))
    if levels is not None and levels > 2 ** (setting.bits or 8):
        notes.wrong(f"'{kind}': {levels} levels are more than {setting.bits or 8} bits have", where)
    estimator = block.get("range_estimator") or {}
    if kind == "weights" and any((estimator.get(end) or {}).get("type") for end in ("min", "max")):
        notes.remark("'weights': their scales are chosen by the error, no quantiles are cut off", where)
    ends = [_bound(estimator.get(end), end) for end in ("min", "max")]
    return Scheme(setting, ends[0], ends[1], estimator.get("preset") == "quantile")


def _bound(block: Mapping[str, Any] | None, end: str) -> Bound | None:
    if not block:
        return None
    bound = Bound(block.get("type") or end)
    for key, name in (("aggregator", "aggregator"), ("outlier_prob", "outliers"), ("clipping_value", "clip")):
        if block.get(key) is not None:
            bound = replace(bound, **{name: block[key]})
    return bound


def aware_of(params: Mapping[str, Any] | None, notes: Notes, where: str) -> tuple[Aware | None, tuple[str, ...], bool]:
    """Accuracy-aware quantization, the names of its metrics, whether the float model's answers are the labels."""
    if params is None:
        return None, (), False
    metrics = params.get("metrics") or []
    names = tuple(m.get("name") or m.get("type") for m in metrics)
    baselines = [m["baseline_value"] for m in metrics if m.get("baseline_value") is not None]
    if len(baselines) > 1:
        notes.remark("'baseline_value': the first counts", where)
    if params.get("annotation_conf_threshold") is not None and params.get("annotation_free"):
        notes.remark("'annotation_conf_threshold': all samples count", where)
    return Aware(
        maximal_drop=params.get("maximal_drop", 0.01),
        kind=params.get("drop_type") or "absolute",
        most=params.get("max_iter_num") or 0,
        ranking=params.get("ranking_subset_size") or 0,
        mixed_first=bool(params.get("convert_to_mixed_preset")),
        keep_worse=params.get("use_prev_if_drop_increase") is False,
        baseline=baselines[0] if baselines else None,
    ), tuple(n for n in names if n), bool(params.get("annotation_free"))  # fmt: skip
