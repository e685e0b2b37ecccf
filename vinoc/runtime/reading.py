"""Models from files, from their contents and from streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fsdecode
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..ir.errors import ArgumentTypeError
from ..ir.graph import Graph
from ..ir.quiet import quiet_gc
from .tensor import Tensor

if TYPE_CHECKING:
    from .model import Model

Source: TypeAlias = Any
"""A path; the contents of a model file, as bytes, a Tensor or text; a binary stream; a `ModelProto` of ONNX."""


def read_model(model: Source, weights: Source = None, config: Any = None) -> Model:
    """A model from a file, or from the contents of one. Raises VinocError, TypeError for what is neither.

    `weights`: the .bin of an OpenVINO IR, where it is not found beside the .xml. `config` is there for programs
    written for OpenVINO, whose keys say how a file is read; vinoc maps files into memory anyway.
    """
    from .model import Model

    return Model(read_graph(model, weights))


def read_graph(model: Source, weights: Source = None) -> Graph:
    """The graph of a model. To compile a file needs no more, and a `Model` takes time to import."""
    from ..compiler import driver  # what CACHE_DIR holds is loaded without it

    with quiet_gc(), model_file(model, weights) as path:
        return driver.read_model(path)


def is_path(model: Source) -> bool:
    """Whether a source is the path of a file, and not its contents."""
    if isinstance(model, str):
        return not model.lstrip().startswith("<")
    return isinstance(model, PathLike)


@contextmanager
def model_file(model: Source, weights: Source = None) -> Iterator[Path]:
    """The file of a model. Contents, or files that do not lie side by side, lie in a folder under one stem."""
    weights = None if isinstance(weights, bytes | str) and not weights else weights
    if is_path(model) and weights is None:
        yield Path(fsdecode(model))
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="vinoc-") as folder:
        path = Path(folder) / "model"
        if is_path(model):
            path = path.with_suffix(Path(model).suffix)
            path.symlink_to(Path(model).resolve())
        else:
            path.write_bytes(_contents(model, "model"))
        if weights is not None and is_path(weights):
            path.with_suffix(".bin").symlink_to(Path(weights).resolve())
        elif weights is not None:
            path.with_suffix(".bin").write_bytes(_contents(weights, "weights"))
        yield path


def _contents(given: Any, what: str) -> bytes | memoryview:
    if isinstance(given, str):
        return given.encode()
    if isinstance(given, Tensor):
        return given.data.tobytes()
    if hasattr(given, "read"):
        given.seek(0)
        given = given.read()
    elif hasattr(given, "SerializeToString"):
        given = given.SerializeToString()
    try:
        return memoryview(given)
    except TypeError:
        raise ArgumentTypeError(
            f"`{what}` is a {type(given).__name__}", help="give a path, the bytes of a file, or a binary stream"
        ) from None
