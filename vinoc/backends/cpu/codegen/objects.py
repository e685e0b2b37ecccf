"""Placing object code in memory: what a linker would do for the kernels, without one.

A kernel's module refers to its own constants and to the C library, by 64-bit addresses. To place it takes a copy and a
few sums; importing LLVM and starting its linker takes longer than reading and planning a small model. So LLVM is
imported to compile, and for code of other kinds alone.

Formats: System V ABI, chapter 4 (ELF-64); its x86-64 supplement, section 4.4 (relocations).
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Any, NamedTuple

_HEADER = Struct("<16sHHIQQQIHHHHHH")
_SECTION = Struct("<IIQQQQIIQQ")
_SYMBOL = Struct("<IBBHQQ")
_RELOCATION = Struct("<QQq")
_ADDRESS = Struct("<Q")

_MAGIC = b"\x7fELF\x02\x01"
_RELOCATABLE, _X86_64 = 1, 62
_SYMBOLS, _RELOCATIONS, _EMPTY = 2, 4, 8
_IN_MEMORY = 2
_FUNCTION = 2
_ABSOLUTE_64 = 1
_LONGEST_NAME = 1024


class ForeignCodeError(Exception):
    """Object code of a kind that is not placed here: it is for LLVM's linker."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class Placed:
    """Object code in memory."""

    def __init__(self, code: Iterable[bytes | memoryview]) -> None:
        """Raises ForeignCodeError."""
        objects = [_Object(c) for c in code]
        size = sum(o.size for o in objects)
        self._memory = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._functions: dict[str, int] = {}
        at = 0
        for o in objects:
            o.copy(self._memory, at, start + at)
            self._functions |= o.functions(start + at)
            at += o.size
        _make_executable(start, max(size, 1))

    def address(self, name: str) -> int:
        """The address of a function, good as long as this lives. Raises KeyError."""
        return self._functions[name]


class _Object:
    """One file: where each section lies from the beginning of its place."""

    def __init__(self, code: bytes | memoryview) -> None:
        self._code = code
        head = _HEADER.unpack_from(code)
        if head[0][:6] != _MAGIC or head[1:3] != (_RELOCATABLE, _X86_64):
            raise ForeignCodeError("no object code for x86-64")
        self._sections = [_Section(*_SECTION.unpack_from(code, head[6] + i * _SECTION.size)) for i in range(head[12])]
        self._places: dict[int, int] = {}
        at = 0
        for i, section in enumerate(self._sections):
            if section.flags & _IN_MEMORY and section.size:
                at = -(-at // max(section.align, 1)) * max(section.align, 1)
                self._places[i] = at
                at += section.size
        self.size = -(-at // mmap.PAGESIZE) * mmap.PAGESIZE
        """Whole pages, so that every alignment up to a page holds."""
        (self._symbols,) = (s for s in self._sections if s.kind == _SYMBOLS)

    def copy(self, memory: mmap.mmap, at: int, address: int) -> None:
        """Writes the sections to `memory` from `at`, for use at `address`."""
        for i, place in self._places.items():
            section = self._sections[i]
            if section.kind == _EMPTY:
                continue  # fresh memory is zero
            memory[at + place : at + place + section.size] = bytes(
                self._code[section.offset : section.offset + section.size]
            )
        for section in self._sections:
            if section.kind == _RELOCATIONS and section.info in self._places:
                self._relocate(section, memory, at + self._places[section.info], address)

    def _relocate(self, section: _Section, memory: mmap.mmap, at: int, address: int) -> None:
        for offset, info, addend in _RELOCATION.iter_unpack(self._code[section.offset : section.offset + section.size]):
            if info & 0xFFFFFFFF != _ABSOLUTE_64:
                raise ForeignCodeError(f"relocation of type {info & 0xFFFFFFFF}")
            _ADDRESS.pack_into(memory, at + offset, self._address(info >> 32, address) + addend)

    def _address(self, symbol: int, address: int) -> int:
        name, _, _, section, value, _ = _SYMBOL.unpack_from(self._code, self._symbols.offset + symbol * _SYMBOL.size)
        if section == 0:
            return _of_process(self._name(name))
        if section not in self._places:
            raise ForeignCodeError(f"a symbol in section {section}")
        place: int = address + self._places[section] + value
        return place

    def _name(self, at: int) -> str:
        start = self._sections[self._symbols.link].offset + at
        return bytes(self._code[start : start + _LONGEST_NAME]).partition(b"\0")[0].decode()

    def functions(self, address: int) -> dict[str, int]:
        """The addresses of the functions by name."""
        return dict(self._named(address))

    def _named(self, address: int) -> Iterator[tuple[str, int]]:
        table = self._code[self._symbols.offset : self._symbols.offset + self._symbols.size]
        for name, info, _, section, value, _ in _SYMBOL.iter_unpack(table):
            if info & 15 == _FUNCTION and section in self._places:
                yield self._name(name), address + self._places[section] + value


def _of_process(name: str) -> int:
    """The address of a function of the C library."""
    try:
        return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
    except AttributeError:
        raise ForeignCodeError(f"no function '{name}'") from None


def _make_executable(start: int, size: int) -> None:
    """From here on the memory can be read and run, not written. Raises OSError."""
    protect: Any = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if protect(start, size, mmap.PROT_READ | mmap.PROT_EXEC):
        code = ctypes.get_errno()
        raise OSError(code, "memory cannot be made executable")
