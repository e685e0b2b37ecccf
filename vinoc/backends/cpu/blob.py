"""Compiled models in one file: schedule, packed weights and machine code. To load it compiles, packs and reads nothing.

    "vinoc cpu blob\\n\\0", u64 size of the header, its BLAKE2b, header (JSON), sections

Sections begin at multiples of 64 bytes, constants at multiples of a page, and are used where the file is mapped. A blob
is for the version of vinoc and the kind of processor that it was made with.

What a damaged file could lead a kernel astray by is hashed: header, schedule, code, tables of offsets. Weights are not:
it would take longer than to load them, and wrong ones make wrong numbers alone.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from ...ir.digest import blake2b
from ...ir.dtype import DType
from ...ir.errors import ModelError, UsageError, VinocError
from ...ir.record import record
from ...ir.types import TensorType
from .codegen.library import Library, sources
from .codegen.target import Target, host
from .engine.image import Image
from .engine.islands import State
from .engine.pool import Pool
from .engine.program import Program
from .lowering.packed import Array
from .lowering.plan import Address, Fault, Island

MAGIC = b"vinoc cpu blob\n\0"
LINE, PAGE, HASH = 64, 4096, 32

Port: TypeAlias = "tuple[list[str], TensorType]"
"""Names and type of an input or output."""


@record()
class Blob:
    """A compiled model.

    threads   that it was planned for
    target    the instruction set: triple, processor, features
    code      object code by the name of its function
    """

    image: Image
    inputs: list[Port]
    outputs: list[Port]
    threads: int
    target: list[str]
    code: dict[str, bytes | memoryview]

    @property
    def name(self) -> str:
        return self.image.name


def blob_of(image: Image, ports: tuple[list[Port], list[Port]], threads: int, library: Library) -> Blob:
    """What a file holds of an image. Raises VinocError that names the nodes which only a process of vinoc can run."""
    islands = [s for s in image.steps if isinstance(s, Island)]
    foreign = [f.name for f in image.functions if isinstance(f.build, int)]
    if islands or foreign:
        where = [f"'{s.node.label}' ({s.node.kind})" if s.node else "a copy" for s in islands]
        raise VinocError(
            f"cannot be stored as machine code alone: there is no generated kernel for {', '.join([*where, *foreign])}",
            image.name,
            "`vinoc show MODEL --plan` tells why",
        )
    builds = {f.name: f.build for f in image.functions if not isinstance(f.build, int)}
    code = library.codes(builds | {"engine_run": Pool.builder(library)})
    return Blob(image, *ports, threads, _facts(library.target), dict(code))


def _facts(target: Target) -> list[str]:
    return [target.triple, target.cpu, target.features]


# Writing


def write(blob: Blob, file: BinaryIO, about: Any = None) -> None:
    """Writes a blob to a file that can seek. `about`: what JSON can hold, which `read_about` gives back."""
    image = blob.image
    header: dict[str, Any] = {
        "about": about,
        "name": image.name,
        "threads": blob.threads,
        "sources": sources(),
        "target": blob.target,
        "inputs": list(map(_port, blob.inputs)),
        "outputs": list(map(_port, blob.outputs)),
        "arena": image.arena_size,
        "alone": image.alone,
        "functions": [f.name for f in image.functions],
        "faults": [[f.where, f.text] for f in image.faults],
        "steps": image.steps,
    }
    sections: list[tuple[str, Any, int]] = [
        *((name, getattr(image, name), LINE) for name in ("calls", "words", "relocations")),
        *((f"code {name}", code, LINE) for name, code in blob.code.items()),
        *(("constant", c, PAGE if c.nbytes >= PAGE else LINE) for c in image.constants),
    ]
    header["sections"] = list(_layout(sections))
    header["hashed"] = [i for i, (name, data, _) in enumerate(sections) if name != "constant" or _is_table(data)]
    header["hash"] = _hash(np.ascontiguousarray(sections[i][1]).data for i in header["hashed"]).hex()
    text = json.dumps(header).encode()
    start = len(MAGIC) + 8 + HASH
    begin = _up(start + len(text), PAGE)
    file.write(MAGIC + len(text).to_bytes(8, "little") + _hash([text]) + text)
    for (_, data, _), (_, offset, _) in zip(sections, header["sections"], strict=True):
        file.seek(begin + offset)
        file.write(np.ascontiguousarray(data).data if isinstance(data, np.ndarray) else data)


def _is_table(array: Array) -> bool:
    return array.dtype in (np.int32, np.int64)


def _hash(parts: Iterable[Any]) -> bytes:
    found = blake2b(digest_size=HASH)
    for part in parts:
        found.update(part)
    return found.digest()


def _port(port: Port) -> list[Any]:
    names, type = port
    return [names, type.dtype.name, list(type.shape or ())]


def _layout(sections: Sequence[tuple[str, Any, int]]) -> Iterator[tuple[str, int, int]]:
    at = 0
    for name, data, align in sections:
        size = data.nbytes if isinstance(data, np.ndarray | memoryview) else len(data)
        at = _up(at, align)
        yield name, at, size
        at += size


def _up(n: int, to: int) -> int:
    return -(-n // to) * to


# Reading


def read(source: Path | bytes) -> Blob:
    """A blob of a file, which stays mapped, or of the bytes of one.

    Raises ModelError for what is none, or was made by another version or for another processor.
    """
    raw = _bytes(source)
    where = str(source) if isinstance(source, Path) else "the blob"
    header, begin = _header(raw, where)
    if header["sources"] != sources():
        raise ModelError("was made by another version of vinoc", where, "compile the model again")
    if header["target"] != _facts(host()):
        made, here = header["target"], _facts(host())
        raise ModelError(f"is for a processor {' '.join(made)}, this one is {' '.join(here)}", where, "compile it here")
    parts = [raw[begin + offset : begin + offset + size] for _, offset, size in header["sections"]]
    if any(len(part) < size for part, (_, _, size) in zip(parts, header["sections"], strict=True)):
        raise _damaged(where)
    if _hash(parts[i] for i in header["hashed"]).hex() != header["hash"]:
        raise _damaged(where)
    found: dict[str, list[memoryview]] = {}
    constants: list[Array] = []
    hashed = set(header["hashed"])
    for i, (part, (name, _, _)) in enumerate(zip(parts, header["sections"], strict=True)):
        found.setdefault(name, []).append(part)
        if name == "constant":  # a table is known by its type when the blob is written again
            constants.append(np.frombuffer(part, np.int32 if i in hashed else np.uint8))

    def numbers(name: str, columns: int) -> Array:
        array: Array = np.frombuffer(found[name][0], np.int64)
        return array.reshape(-1, columns) if columns else array

    image = Image(
        numbers("calls", 4),
        numbers("words", 0),
        numbers("relocations", 4),
        [Address(name, _stored) for name in header["functions"]],
        constants,
        [Fault(where, text, np.zeros(2, np.int64)) for where, text in header["faults"]],
        [(first, last) for first, last in header["steps"]],
        header["arena"],
        [(tuple(shape), DType.registry[dtype].numpy) for _, dtype, shape in header["outputs"]],
        header["alone"],
        header["name"],
    )
    code = {name.removeprefix("code "): held[0] for name, held in found.items() if name.startswith("code ")}
    return Blob(
        image, _ports(header["inputs"]), _ports(header["outputs"]), header["threads"], header["target"], dict(code)
    )


def _ports(listed: list[Any]) -> list[Port]:
    return [(names, TensorType(DType.registry[dtype], tuple(shape))) for names, dtype, shape in listed]


def read_about(path: Path) -> Any:
    """What `write` was told about a blob. Raises ModelError for a file that is none."""
    return _header(_bytes(path), str(path))[0]["about"]


def _bytes(source: Path | bytes) -> memoryview:
    if isinstance(source, bytes):
        aligned = np.empty(len(source) + PAGE, np.uint8)
        start = -aligned.ctypes.data % PAGE
        aligned[start : start + len(source)] = np.frombuffer(source, np.uint8)
        return aligned[start : start + len(source)].data
    with open(source, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _header(raw: memoryview, where: str) -> tuple[dict[str, Any], int]:
    """The header, and where sections begin."""
    if raw[: len(MAGIC)] != MAGIC:
        raise ModelError("is not a compiled model of vinoc's CPU device", where)
    size = int.from_bytes(raw[len(MAGIC) : len(MAGIC) + 8], "little")
    start = len(MAGIC) + 8 + HASH
    text = bytes(raw[start : start + size])
    if bytes(raw[start - HASH : start]) != _hash([text]):
        raise _damaged(where)
    header: dict[str, Any] = json.loads(text)
    return header, _up(start + size, PAGE)


def _damaged(where: str) -> ModelError:
    return ModelError("is damaged: it is cut short, or was changed", where, "compile the model again")


def _stored(module: Any) -> None:
    raise VinocError("the code of a kernel is missing in a compiled model", help="compile the model again")


class Loaded:
    """A blob that is ready to run: one run at a time."""

    def __init__(self, blob: Blob, library: Library, threads: int = 0) -> None:
        library.load(blob.code)
        self.inputs = blob.inputs
        self.image = blob.image
        pool = Pool(library, threads or blob.threads)
        self._program = Program(blob.image, library, pool, _no_bodies)

    def run(self, inputs: Sequence[Any], state: State | None = None) -> list[Any]:
        """The outputs for arrays of the model's types. Raises UsageError for others."""
        arrays = []
        for given, (names, type) in zip(inputs, self.inputs, strict=True):
            array = np.ascontiguousarray(given)
            if array.shape != type.shape or array.dtype != type.dtype.numpy:
                wanted, found = f"{type.dtype}{list(type.shape or ())}", f"{array.dtype}{list(array.shape)}"
                raise UsageError(f"expected {wanted}, got {found}", f"input '{names[0]}'" if names else "an input")
            arrays.append(array)
        return list(self._program.run(arrays, state or State()))


def _no_bodies(_: Any) -> Any:
    raise VinocError("a compiled model has no bodies")
