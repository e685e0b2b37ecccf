"""What a cross check found, as text and as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .blame import worst_elements
from .compare import Pair
from .run import Check

COLUMNS = (
    "", "tensor", "kind A", "kind B", "shape", "max abs", "mean abs", "max rel", "mean rel", "SNR dB", "NaN,inf A",
    "NaN,inf B", "us A", "us B",
)  # fmt: skip
NUMBERS = range(5, len(COLUMNS))
NARROW = (0, 1, 2, 5, 7, 9, 11, 13)
"""The columns that a narrow terminal has room for: kind in A, largest differences, what is bad in B, time of B."""

WIDE = 150


def row(pair: Pair, tolerance: float) -> tuple[str, ...]:
    """As in COLUMNS; `!` marks what diverges."""
    d = pair.difference
    return (
        "!" if pair.diverges(tolerance) else "",
        pair.name,
        pair.a.kind,
        pair.b.kind,
        "x".join(map(str, pair.a.array.shape)) or "scalar",
        *(f"{v:.1e}" for v in (d.max_abs, d.mean_abs, d.max_rel, d.mean_rel)),
        decibels(d.snr),
        *(",".join(map(str, bad)) if any(bad) else "" for bad in (d.a_bad, d.b_bad)),
        *("" if s is None else f"{s * 1e6:.0f}" for s in (pair.a.seconds, pair.b.seconds)),
    )


def decibels(snr: float) -> str:
    """A ratio of signal to noise; nothing where there is no noise."""
    return f"{snr:.1f}" if math.isfinite(snr) else "" if snr > 0 else "none"


def overall(check: Check) -> Iterator[str]:
    """What is true of all tensors together."""
    found, pairs = check.found, check.found.pairs
    yield f"{len(pairs)} tensors compared; {len(found.only_a)} only in A, {len(found.only_b)} only in B"
    if found.reshaped:
        yield f"{len(found.reshaped)} have other shapes: {', '.join(found.reshaped[:5])}"
    for title, values in (
        ("max absolute difference", [p.difference.max_abs for p in pairs]),
        ("max relative difference", [p.difference.max_rel for p in pairs]),
        ("max difference of a range", [p.error for p in pairs]),
    ):
        yield f"Overall {title} = {max(values):.3e}"
    noisiest = min(pairs, key=lambda p: p.difference.snr)
    yield f"Least signal to noise = {decibels(noisiest.difference.snr) or 'no noise'} ({noisiest.name})"


def verdict(check: Check) -> Iterator[str]:
    """The first layer that diverges, and who made it."""
    if check.first is None:
        by = " by root mean square, as the model is quantized" if check.found.pairs[0].stepwise else ""
        yield f"A and B agree: no tensor is further apart than {check.tolerance:g} of its range{by}"
        return
    pair, d = check.first, check.first.difference
    bad = f", {sum(d.b_bad)} elements NaN or infinite" if d.broke else ""
    apart = f"{pair.error:.3g} of its range" if math.isfinite(pair.error) else "infinitely far"
    yield f"first diverging layer: '{pair.name}' ({pair.a.kind}), {apart} apart{bad}"
    if pair.b.nodes:
        yield f"  B computes with it: {', '.join(pair.b.nodes)}"
    before = check.found.last_good(check.tolerance)
    if before is not None:
        yield f"  the last one before it that agrees: '{before.name}'"
    for line in worst_elements(pair):
        yield f"  {line}"
    for b in check.blames:
        yield f"made by {b.what}"
        yield from (f"  {line}" for line in b.more)
    if not check.blames:
        yield "who made it is not known: one side is a file of tensors, or the files differ in nothing near it"


def as_dict(check: Check) -> dict[str, Any]:
    """All of it as plain values; infinite ones are texts, for JSON has none."""

    def plain(value: Any) -> Any:
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    return {
        "a": check.a.title,
        "b": check.b.title,
        "tolerance": check.tolerance,
        "first_diverging": check.first.name if check.first else None,
        "made_by": [{"what": b.what, "more": list(b.more)} for b in check.blames],
        "only_a": check.found.only_a,
        "only_b": check.found.only_b,
        "other_shapes": check.found.reshaped,
        "layers": [
            {
                "tensor": p.name,
                "kind_a": p.a.kind,
                "kind_b": p.b.kind,
                "nodes_b": list(p.b.nodes),
                "shape": list(p.a.array.shape),
                "diverges": p.diverges(check.tolerance),
                **{
                    k: plain(getattr(p.difference, k))
                    for k in ("max_abs", "mean_abs", "max_rel", "mean_rel", "of_range", "rms", "snr")
                },
                "nan_inf_a": list(p.difference.a_bad),
                "nan_inf_b": list(p.difference.b_bad),
                "seconds_a": p.a.seconds,
                "seconds_b": p.b.seconds,
            }
            for p in check.found.pairs
        ],
    }
