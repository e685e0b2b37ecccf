"""Statistics on their way in a file, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...backends.files import written_together
from ...ir.constant import Constant
from ...ir.dtype import Array
from ...ir.errors import UsageError
from ...ir.graph import Graph
from ..inputs.numpy_files import DAMAGED
from .data import Samples
from .statistics import Spec, Statistics

EVERY = 8
"""Samples after which the file is written."""

LAYOUT = 3
"""Of the file; others are not read."""

KEPT = 3
"""Other statistics that stay in the file, the latest."""


def key_of(graph: Graph, samples: Samples, wanted: Mapping[str, Any], what: Spec) -> str:
    """A text that is another one for another model, other data, and other statistics."""
    found = hashlib.blake2b(digest_size=20)
    for part in (graph, samples.identity(), what, list(samples.names), list(wanted), LAYOUT, __version__):
        found.update(str(part).encode() + b"\0")
    for inner in graph.walk():
        for node in inner:
            if isinstance(node.op, Constant):
                found.update(np.ascontiguousarray(node.op.value.array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def check_resume(path: Path) -> None:
    """Raises UsageError where there is a file that holds something else: it would be overwritten."""
    try:
        with np.load(path) as stored:
            is_ours = "meta" in stored
    except FileNotFoundError:
        return
    except DAMAGED:
        is_ours = path.stat().st_size == 0 or path.read_bytes()[:2] == b"PK"  # one that was damaged
    if not is_ours:
        raise UsageError("is no file of statistics, and would be overwritten", f"--resume {path}", "name another file")


class Resume:
    """A file of statistics, by key: an algorithm that changes the graph makes further ones. What another model, other
    data or other options left is not taken."""

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self.others: dict[str, tuple[Any, Array]] = {}

    def load(self, statistics: Mapping[str, Statistics]) -> tuple[int, dict[str, str]]:
        """Fills in what the file knows: how many samples are done, and those among them that were left out."""
        try:
            with np.load(self.path) as stored:
                meta = json.loads(bytes(stored["meta"]))
                self.others = {key: (told, stored[key]) for key, told in meta.items()}
        except DAMAGED:
            self.others = {}  # there is none, or it is no such file: it is written anew
        own = self.others.pop(self.key, None)
        self.others = dict(list(self.others.items())[-KEPT:])
        if own is None:
            return 0, {}
        told, flat = own
        place = 0
        for name, shapes in told["values"].items():
            arrays = {}
            for field, shape in shapes.items():
                size = int(np.prod(shape, dtype=int))
                arrays[field] = flat[place : place + size].reshape(shape).copy()
                place += size
            statistics[name].take(arrays)
        return int(told["done"]), dict(told["skipped"])

    def save(self, statistics: Mapping[str, Statistics], done: int, skipped: Mapping[str, str]) -> None:
        """Writes the file, whole or not at all: a process that is killed leaves the one before it."""
        parts: list[Array] = []
        values: dict[str, dict[str, list[int]]] = {}
        for name, found in statistics.items():
            arrays = found.arrays()
            values[name] = {field: list(a.shape) for field, a in arrays.items()}
            parts += [a.reshape(-1) for a in arrays.values()]
        told = {"done": done, "skipped": dict(skipped), "values": values}
        entries = {**self.others, self.key: (told, np.concatenate(parts) if parts else np.zeros(0))}
        meta = json.dumps({key: entry[0] for key, entry in entries.items()}).encode()
        numbers: dict[str, Any] = {key: entry[1] for key, entry in entries.items()}
        with written_together([self.path]) as (file,):
            np.savez(file, meta=np.frombuffer(meta, np.uint8), **numbers)
