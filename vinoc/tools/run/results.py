"""Outputs as people read them, and as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...backends.files import written_together
from ...ir.dtype import Array
from ...ir.errors import UsageError

SUFFIXES = (".npz", ".npy", ".json")
FEW = 12
"""Elements up to which an output is printed whole."""

CLASSES = 10
"""From how many numbers on a row of an output is taken for scores of classes."""


def read_labels(path: Path) -> list[str]:
    """A name a line; of lines such as `n01440764 tench, Tinca tinca` or `0: tench` the words behind the number.

    Raises UsageError.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read as text: {error}", f"--labels {path}") from error
    found = [line.strip() for line in lines if line.strip()]
    heads = [line.replace(":", " ").split(maxsplit=1) for line in found]
    numbered = all(len(h) == 2 and _is_number(h[0]) for h in heads)
    return [h[1].strip() for h in heads] if numbered and found else found


def _is_number(word: str) -> bool:
    return word.isdigit() or (word[0] == "n" and word[1:].isdigit() and len(word) == 9)


def rows_of_classes(array: Array, asked: bool) -> Array | None:
    """[samples, classes] where an output is that: [C], [N, C] or [N, C, 1, 1] of enough numbers, or of any where
    classes are asked for, dimensions of size 1 aside."""
    if array.dtype.kind not in "fiu" or not array.ndim or not array.size:
        return None
    classes = max(array.shape[1:] or array.shape)
    if array.size != classes * (array.shape[0] if array.ndim > 1 else 1):
        return None
    usual = array.ndim in (1, 2) or array.shape[2:] == (1, 1)
    return array.reshape(-1, classes) if (usual and classes >= CLASSES) or (asked and classes > 1) else None


def best(row: Array, count: int, labels: Sequence[str]) -> list[tuple[int, str, float]]:
    """The classes of the highest scores: number, name, score."""
    order = np.argsort(-row.astype(np.float64), kind="stable")[:count]
    offset = len(labels) - len(row)  # lists without a background class, and models with one, or the other way round
    names = labels[1:] if offset == 1 else labels
    return [(int(i), names[i] if i < len(names) else "", float(row[i])) for i in order]


def told(name: str, value: Any, count: int, labels: Sequence[str], asked: bool) -> Iterator[str]:
    """Lines about an output."""
    if not isinstance(value, np.ndarray):
        yield f"{name}: {'nothing' if value is None else f'{len(value)} values'}"
        return
    yield f"{name}: {value.dtype}[{','.join(map(str, value.shape))}]{_span(value)}"
    rows = rows_of_classes(value, asked)
    if rows is not None:
        for i, row in enumerate(rows):
            if len(rows) > 1:
                yield f"  sample {i}"
            for number, label, score in best(row, count, labels):
                yield f"  {number:>5}  {score:<12.6g}{label}".rstrip()
    elif value.size <= FEW:
        yield f"  {np.array2string(value, precision=6, separator=', ', max_line_width=100)}".replace("\n", "\n  ")


def _span(value: Array) -> str:
    if value.dtype.kind not in "fiu" or not value.size:
        return ""
    wide = value.astype(np.float64)
    bad = int(np.isnan(wide).sum()), int(np.isinf(wide).sum())
    text = f", {np.nanmin(wide):.6g} to {np.nanmax(wide):.6g}, mean {np.nanmean(wide):.6g}"
    return text + (f", {bad[0]} NaN and {bad[1]} infinite" if any(bad) else "")


def save(results: Sequence[Mapping[str, Any]], titles: Sequence[str], path: Path) -> None:
    """Outputs of all sets: in .npz under their names, `NAME.1`, `NAME.2` of later sets; in .json with what they are of.

    Raises UsageError for what a format cannot hold.
    """
    arrays = {
        name if i == 0 else f"{name}.{i}": value for i, found in enumerate(results) for name, value in found.items()
    }
    if path.suffix != ".json" and not all(isinstance(v, np.ndarray) for v in arrays.values()):
        raise UsageError("sequences can be saved as .json alone", f"--save {path}")
    if path.suffix == ".npy" and len(arrays) != 1:
        raise UsageError(
            f"{len(arrays)} arrays cannot be one .npy", f"--save {path}", "save as .npz, or choose --output"
        )
    with written_together([path]) as (file,):
        if path.suffix == ".npy":
            np.save(file, next(iter(arrays.values())))
        elif path.suffix == ".npz":
            named: dict[str, Any] = arrays
            np.savez(file, **named)
        else:
            shown = [
                {"input": title, "outputs": {n: _plain(v) for n, v in found.items()}}
                for title, found in zip(titles, results, strict=True)
            ]
            file.write((json.dumps(shown, indent=1) + "\n").encode())


def _plain(value: Any) -> Any:
    """Lists and numbers; NaN and infinities as text, which JSON lacks."""
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "type": str(value.dtype), "values": [_number(v) for v in value.reshape(-1)]}
    return None if value is None else [_plain(v) for v in value]


def _number(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not np.isfinite(plain):
        return str(plain)
    return plain if isinstance(plain, int | float | str | bool) else float(plain)
