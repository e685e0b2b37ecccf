"""From a file to a ModelProto; large tensors stay in the file until they are touched."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from ....ir.errors import ModelError
from .messages import MalformedError, NestedError, model_of
from .tensors import map_file


def read_file(path: str | PathLike[str]) -> Any:
    """The model in a file. Raises ModelError for what is no ONNX model, or a damaged one."""
    path = Path(path)
    if path.is_dir():
        raise ModelError("is a folder, not an ONNX file", str(path), "name the .onnx file in it")
    try:
        data = map_file(path)
    except FileNotFoundError:
        raise ModelError("no such file", str(path), "check the path") from None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}", str(path), "check its permissions") from None
    return parse(data, str(path))


def parse(data: memoryview, file: str) -> Any:
    """The model in the bytes of a file. Raises ModelError."""
    if not data.nbytes:
        raise ModelError("the file is empty", file, "export or download the model again")
    try:
        model = model_of(data)
    except MalformedError as error:
        raise _not_a_model(data, file, error) from None
    except NestedError as error:
        raise ModelError(str(error), file, "simplify the model before converting it") from None
    if not model.HasField("graph"):
        raise ModelError("has no graph: this is not an ONNX model", file, "check that the file is the model itself")
    return model


def _not_a_model(data: memoryview, file: str, error: MalformedError) -> ModelError:
    head = bytes(data[:64])
    if head.startswith(b"version https://git-lfs"):
        return ModelError("is a Git LFS pointer, not the model", file, "fetch the model itself: git lfs pull")
    for magic, what in _MAGIC.items():
        if head.startswith(magic, 4 if magic == b"TFL3" else 0):
            return ModelError(f"is {what}, not an ONNX model", file, "convert or unpack it first")
    if head[:1] == b"\x08" or b"onnx" in head:
        return ModelError(f"the file is cut short or damaged: {error}", file, "export or download the model again")
    return ModelError(f"is not an ONNX model: {error}", file, "check that the file is the model itself")


_MAGIC = {
    b"PK\x03\x04": "a zip archive (perhaps of PyTorch)",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file (perhaps of Keras)",
    b"TFL3": "a TensorFlow Lite model",
    b"<?xml": "an XML file (perhaps OpenVINO IR)",
    b"\x80": "a Python pickle (perhaps of PyTorch)",
}
