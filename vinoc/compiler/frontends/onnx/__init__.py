"""The ONNX frontend: ai.onnx up to opset 28, ai.onnx.ml, functions, control flow, external data.

`reader` parses the file, `structure` orders the nodes, `conversion` takes each through its converter, found in
`registry` and handed a `NodeContext`. The converters are in `converters`, a family a module.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from ....ir.errors import ModelError, UsageError, did_you_mean
from ....ir.graph import Graph
from ..base import Inputs

if TYPE_CHECKING:
    from ..outline import Outline

MAX_OPSET = 28
"""The newest version of ai.onnx whose operators are known."""


class OnnxFrontend:
    """Reads ONNX models."""

    name = "onnx"
    extensions = (".onnx", ".onnx.pb")

    def recognizes(self, path: Path) -> bool:
        """ModelProto begins with its IR version: field 1, a small number, then a field of the model's own."""
        with open(path, "rb") as f:
            head = f.read(3)
        return (
            len(head) == 3
            and head[0] == 0x08
            and 0 < head[1] < 0x40
            and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)
        )

    def outline(self, path: str | PathLike[str]) -> Outline:
        """The tensors and their declared types, without conversion."""
        from .outline import outline

        return outline(path)

    def load(
        self, path: str | PathLike[str], *, inputs: Inputs | None = None, outputs: Sequence[str] | None = None
    ) -> Graph:
        return load(path, inputs=inputs, outputs=outputs)


def load(
    path: str | PathLike[str] | bytes | memoryview,
    *,
    inputs: Inputs | None = None,
    outputs: Sequence[str] | None = None,
) -> Graph:
    """An ONNX model as a Graph.

    `path` is a file, or the bytes of one. `inputs` names tensors at which the model is to begin, with a type or
    None; a type for one of the model's own inputs replaces the declared one. `outputs` names the tensors, or
    nodes (`conv1`, `split1:1` for its second output), that are to be computed; nothing else is converted.

    Raises ModelError for a damaged file, ConversionError with all that cannot be converted.
    """
    from .conversion import Conversion, opsets_of
    from .reader import parse, read_file

    if isinstance(path, bytes | memoryview):
        file, folder = "model", None
        source = parse(memoryview(path), file)
    else:
        file, folder = Path(path).name, Path(path).parent
        source = read_file(path)
    model = source.model
    versions = opsets_of(model.opset_import) or {"": 1}
    if versions.get("", 1) > MAX_OPSET:
        raise ModelError(
            f"the model is of opset {versions['']}, vinoc knows opsets up to {MAX_OPSET}",
            fspath(path) if folder is not None else file,  # type: ignore[arg-type]  # a path where there is a folder
            "export it for an older opset, or convert it with onnx.version_converter",
        )
    if versions.get("", 1) < 1:
        raise ModelError(
            f"the model names opset {versions['']}, the first one is 1",
            fspath(path) if folder is not None else file,  # type: ignore[arg-type]  # a path where there is a folder
            "the file is damaged; export the model again",
        )
    tensors = _names(model.graph, inputs or {}, outputs or ())
    begin = {tensors[name]: type for name, type in (inputs or {}).items()}
    end = [tensors[name] for name in outputs or ()]
    with _no_collection():
        conversion = Conversion(file, folder, model.functions)
        graph = conversion.model(model.graph, versions, source.raw, begin, end)
    if folder is not None:
        graph.sources = tuple(os.path.abspath(f) for f in (folder / file, *conversion.tensors.files))
    return graph


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps the garbage collector from looking at a growing graph, in which there is no garbage, again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _names(graph: object, inputs: Inputs, outputs: Sequence[str]) -> dict[str, str]:
    """What users call a tensor -> its name: itself, the node that computes it, `node:1` or `1:node`.

    Raises UsageError with the nearest name where there is none.
    """
    asked = [*inputs, *outputs]
    if not asked:
        return {}
    known = {name: name for node in graph.node for name in (*node.input, *node.output) if name}  # type: ignore[attr-defined]
    known.update((v.name, v.name) for v in (*graph.input, *graph.output))  # type: ignore[attr-defined]
    for node in graph.node:  # type: ignore[attr-defined]
        for i, name in enumerate(node.output):
            if node.name and name:
                known.setdefault(f"{node.name}:{i}", name)
                known.setdefault(f"{i}:{node.name}", name)
                if i == 0:
                    known.setdefault(node.name, name)
    for name in asked:
        if name not in known:
            raise UsageError(
                f"the model has no tensor or node '{name}'",
                "--input" if name in inputs else "--output",
                did_you_mean(name, known) or None,
            )
    return {name: known[name] for name in asked}
