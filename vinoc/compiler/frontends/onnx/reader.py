"""From the bytes of a file to a ModelProto; large tensors stay in the file until they are touched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from ....ir.errors import ModelError
from ....ir.record import record
from .tensors import map_file

LARGE = 1 << 14
"""Bytes. An initializer of this size is not parsed with the model but read from the mapped file."""

# Field numbers and wire types of onnx.proto.
MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER, NODE_ATTRIBUTE, ATTRIBUTE_GRAPH, TENSOR_RAW = 7, 1, 5, 5, 6, 9
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
PARSER_DEPTH = 32
"""Subgraphs within one another that the protobuf parser follows: it stops at 100 messages, three to a subgraph."""


@record(frozen=True)
class Source:
    """A parsed model and, by position, the raw bytes of the initializers that were left in the file."""

    model: Any
    raw: dict[int, memoryview]


def protobuf() -> Any:
    """The module of ONNX's message classes, without the rest of the `onnx` package, which is slow to import."""
    name = "onnx.onnx_ml_pb2"
    if name in sys.modules:
        return sys.modules[name]
    if "onnx" in sys.modules:
        import onnx.onnx_ml_pb2 as module

        return module
    import importlib.util

    package = importlib.util.find_spec("onnx")
    if package is None or not package.submodule_search_locations:
        raise ModelError("the package `onnx` is not installed", help="pip install onnx")
    path = Path(package.submodule_search_locations[0]) / "onnx_ml_pb2.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.exists():
        import onnx.onnx_ml_pb2 as module

        return module
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return sys.modules.setdefault(name, module)  # complete, as other threads may look for it


def read_file(path: str | PathLike[str]) -> Source:
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


def parse(data: memoryview, file: str) -> Source:
    """The model in the bytes of a file. Raises ModelError."""
    if not data.nbytes:
        raise ModelError("the file is empty", file, "export or download the model again")
    try:
        slim, raw = _without_large_tensors(data)
    except _MalformedError as error:
        raise _not_a_model(data, file, error) from None
    model = protobuf().ModelProto()
    try:
        model.ParseFromString(slim)
    except Exception as error:  # the parser's own class varies with its implementation
        raise _unparsable(data, file, error) from None
    if not model.HasField("graph"):
        raise ModelError("has no graph: this is not an ONNX model", file, "check that the file is the model itself")
    return Source(model, raw)


class _MalformedError(Exception):
    """The bytes are no protobuf message; the text says why."""


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            break
    raise _MalformedError(f"a number is cut off or too long at byte {at}")


def _parts(data: memoryview, at: int, end: int, wanted: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a number, of bytes, of the message in data[at:end]: where the tag, the contents begin, the end."""
    while at < end:
        start, tag = at, data[at]
        if tag < 0x80:
            at += 1
        else:
            tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise _MalformedError(f"there is no field 0 (byte {start})")
        body = at
        if kind == BYTES:
            length, body = _varint(data, at, end)
            at = body + length
        elif kind == VARINT:
            _, at = _varint(data, at, end)
        elif kind == FIXED64:
            at += 8
        elif kind == FIXED32:
            at += 4
        else:
            raise _MalformedError(f"field {number} has the unknown wire type {kind} (byte {start})")
        if at > end:
            raise _MalformedError(
                f"field {number} at byte {start} needs {at - body} bytes, {max(end - body, 0)} are left"
            )
        if number == wanted and kind == BYTES:
            yield start, body, at


def _without_large_tensors(data: memoryview) -> tuple[memoryview | bytes, dict[int, memoryview]]:
    """The message without the raw data of large initializers of its main graph, and these by position."""
    graphs = list(_parts(data, 0, data.nbytes, MODEL_GRAPH))
    if len(graphs) != 1 or data.nbytes < LARGE:
        return data, {}
    ((graph, body, after),) = graphs
    raw: dict[int, memoryview] = {}
    parts: list[memoryview | bytes] = []
    kept = body
    for position, (start, first, end) in enumerate(_parts(data, body, after, GRAPH_INITIALIZER)):
        large = list(_parts(data, first, end, TENSOR_RAW)) if end - first >= LARGE else []
        if len(large) == 1 and large[0][2] - large[0][1] >= LARGE // 2:
            ((tag, begin, stop),) = large
            raw[position] = data[begin:stop]
            rest = bytes(data[first:tag]) + bytes(data[stop:end])
            parts += [data[kept:start], _tagged(GRAPH_INITIALIZER, len(rest)), rest]
            kept = end
    if not raw:
        return data, {}
    parts.append(data[kept:after])
    size = sum(len(p) for p in parts)
    return b"".join([data[:graph], _tagged(MODEL_GRAPH, size), *parts, data[after:]]), raw


def _tagged(number: int, length: int) -> bytes:
    out = bytearray([number << 3 | BYTES])
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out)


# Saying what is wrong


def _not_a_model(data: memoryview, file: str, error: _MalformedError) -> ModelError:
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


def _unparsable(data: memoryview, file: str, error: Exception) -> ModelError:
    try:
        depth = _depth(data)
    except _MalformedError as cause:
        return ModelError(f"the file is cut short or damaged: {cause}", file, "export or download the model again")
    if depth > PARSER_DEPTH:
        return ModelError(
            f"subgraphs are nested {depth} deep, {PARSER_DEPTH} can be read",
            file,
            "simplify the model before converting it",
        )
    return ModelError(
        f"is not an ONNX model: {str(error) or type(error).__name__}", file, "check that the file is the model itself"
    )


def _depth(data: memoryview) -> int:
    """How deep subgraphs are nested."""
    stack = [(begin, end, 0) for _, begin, end in _parts(data, 0, data.nbytes, MODEL_GRAPH)]
    deepest = 0
    while stack:
        start, stop, depth = stack.pop()
        deepest = max(deepest, depth)
        for _, node, after_node in _parts(data, start, stop, GRAPH_NODE):
            for _, attribute, after in _parts(data, node, after_node, NODE_ATTRIBUTE):
                stack += [(begin, end, depth + 1) for _, begin, end in _parts(data, attribute, after, ATTRIBUTE_GRAPH)]
    return deepest
