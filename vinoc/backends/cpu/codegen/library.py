"""Compiling modules and finding them again: object code in a cache, by content.

The key is a hash of what decides the machine code: the generators' source, the function's name, llvmlite's version, the
processor and its features. Not the IR text: to write it takes ten times as long as to load the code. So a name stands
for one code; where the code depends on a graph, the name holds a hash of what it depends on.

Files are written under a temporary name and renamed, so that processes that compile the same at once do no harm. They
begin with a hash of the code: a disk that was full or lost power leaves files of zeros, and no such code must run. What
is damaged is compiled and written again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import llvmlite

from ....ir.digest import blake2b, digest
from .objects import ForeignCodeError, Placed
from .target import Target, host, target

if TYPE_CHECKING:
    from llvmlite import ir

    from .compile import Linked

HASH = 16

_lock = threading.Lock()
if hasattr(os, "register_at_fork"):  # LLVM has locks of its own: a fork waits until nothing is being compiled
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def cache_folder() -> Path:
    """Where object code is kept: VINOC_CACHE, or the user's cache folder."""
    given = os.environ.get("VINOC_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "vinoc"


@cache
def sources() -> str:
    """A hash of the generators: all that emits code."""
    found = blake2b(digest_size=20)
    backend = Path(__file__).parent.parent
    engine = (backend / "engine" / name for name in ("control.py", "runner.py"))
    emitters = [*backend.glob("codegen/*.py"), *backend.glob("kernels/*.py"), *engine]
    for file in sorted(emitters):
        found.update(file.read_bytes())
    return found.hexdigest()


Build: TypeAlias = "Callable[[ir.Module], None] | int"
"""What emits a function, with its helpers, into an empty module; or its address, where others have compiled it."""


class Library:
    """Compiled modules. It must outlive every address taken from it."""

    def __init__(self, target: Target, folder: Path | None = None) -> None:
        self.target = target
        self.folder = folder or cache_folder()
        self._held: list[Placed | Linked] = []
        self._addresses: dict[str, int] = {}

    def address(self, name: str, build: Build) -> int:
        """The address of function `name`."""
        return self._addresses.get(name) or self.addresses({name: build})[0]

    def addresses(self, functions: Mapping[str, Build]) -> list[int]:
        """The addresses of functions, by their names. Those that are new are linked together."""
        with _lock:
            known = self._addresses
            known |= {name: build for name, build in functions.items() if isinstance(build, int)}
            new = {n: b for n, b in functions.items() if n not in known and not isinstance(b, int)}
            if new:
                known |= self._link(self.codes(new))
            return [known[name] for name in functions]

    def address_of(self, name: str) -> int:
        """The address of another function of a module that is compiled. Raises KeyError."""
        with _lock:
            for held in self._held:
                with suppress(KeyError):
                    return held.address(name)
        raise KeyError(name)

    def codes(self, builds: Mapping[str, Callable[[ir.Module], None]]) -> dict[str, bytes]:
        """The object code of modules, by the names of their functions; from the cache where it is there."""
        found, missing = {}, {}
        for name, build in builds.items():
            code = _kept(self._file(name))
            if code is None:
                missing[name] = build
            else:
                found[name] = code
        if missing:
            from .parallel import object_codes

            for name, code in object_codes(missing, self.target).items():
                _keep(self._file(name), code)
                found[name] = code
        return found

    def _file(self, name: str) -> Path:
        return self.folder / f"{self._key(name)}.o"

    def text(self, name: str, build: Build) -> str:
        """The module of function `name` in LLVM's language, as it is before it is optimized."""
        from .compile import module_of

        return str(module_of(name, build if callable(build) else None, self.target))

    def load(self, code: Mapping[str, bytes | memoryview]) -> None:
        """Links object code, by the names of its functions; those that are there already stay."""
        with _lock:
            new = {name: c for name, c in code.items() if name not in self._addresses}
            if new:
                self._addresses |= self._link(new)

    def _link(self, code: Mapping[str, bytes | memoryview]) -> dict[str, int]:
        held: Placed | Linked
        try:
            held = Placed(code.values())
        except ForeignCodeError:
            from .compile import Linked

            held = Linked(code.values(), self.target)
        self._held.append(held)
        return {name: held.address(name) for name in code}

    def _key(self, name: str) -> str:
        parts = (sources(), name, llvmlite.__version__, self.target.triple, self.target.cpu, self.target.features)
        return digest("\0".join(parts).encode())


@cache
def library(name: str) -> Library:
    """The kernels of a target ("host": the best that this machine runs), shared by all models."""
    return Library(host() if name == "host" else target(name))


def _kept(file: Path) -> bytes | None:
    """The code in a file of the cache; None where there is none, or where it is not what was written."""
    with suppress(OSError):
        held = file.read_bytes()
        code = held[HASH:]
        if held[:HASH] == _hash(code):
            return code
    return None


def _hash(code: bytes) -> bytes:
    return blake2b(code, digest_size=HASH).digest()


def _keep(file: Path, code: bytes) -> None:
    """Writes a file of the cache; a cache that cannot be written is none."""
    with suppress(OSError):
        from tempfile import mkstemp  # drags in much, and most processes find all code in the cache

        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = mkstemp(dir=file.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(_hash(code) + code)
            os.replace(temporary, file)
        except BaseException:
            os.unlink(temporary)
            raise
