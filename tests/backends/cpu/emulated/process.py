"""Code of another processor, run by qemu as if it ran here.

The emulated process (guest.c) has none of this one's memory: it asks for each page when it first touches it, and gives
back what it changed when the function has returned. So the engine calls kernels of NEON where it would call its own,
with addresses that mean the same to both.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

EMULATOR = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
TOOLS = "aarch64-linux-gnu-"
PAGE = 4096
READ, CHANGED, TAKEN, DONE, FAILED = range(5)
NOTHING, PASSING, KEPT = (bytes([n]) for n in range(3))
FUNCTIONS = ("fmodf", "sched_yield", "syscall", "memcpy", "memmove", "memset")

GUEST, CODE, CODE_BYTES = 0x200000000, 0x204000000, 0x3000000
"""Where the emulated process lies, and code: near its functions, so that a call reaches them, and where no process has
anything else."""

SCRIPT = """SECTIONS {{
  . = {address:#x};
  .text : {{ *(.text .text.*) }}
  .rodata : {{ *(.rodata .rodata.*) }}
  .data : {{ *(.data .data.*) }}
  /DISCARD/ : {{ *(.eh_frame) *(.note*) *(.comment) }}
}}
"""


def missing() -> str:
    """What is not installed; empty where all is."""
    tools = [TOOLS + name for name in ("gcc", "ld", "objcopy", "nm")]
    names = ([] if EMULATOR else ["qemu-aarch64"]) + [tool for tool in tools if not shutil.which(tool)]
    return f"{', '.join(names)}: not installed" if names else ""


class EmulatedFaultError(Exception):
    """The code did what no memory allows, or no processor understands."""


class Process:
    """The emulated process, and the code that it runs."""

    def __init__(self) -> None:
        self.kept = tempfile.TemporaryDirectory(prefix="vinoc-emulated-")
        self.folder = Path(self.kept.name)
        source = Path(__file__).with_name("guest.c")
        self.guest = self.folder / "guest"
        place = f"-Wl,-Ttext-segment={GUEST:#x}"
        _tool("gcc", "-O1", "-static", "-no-pie", place, "-o", self.guest, source, "-lm")
        self.code = _reserved(CODE, CODE_BYTES)
        self.end = CODE
        self.functions: dict[str, int] = {}
        self.owner, self.memory, self.lock = 0, -1, threading.Lock()
        self.start()

    def start(self) -> None:
        assert EMULATOR is not None
        if self.owner != os.getpid():
            self.owner, self.lock = os.getpid(), threading.Lock()
            self.memory = os.open("/proc/self/mem", os.O_RDWR)
        self.process = subprocess.Popen(
            [EMULATOR, self.guest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        found = struct.unpack(f"<{len(FUNCTIONS)}Q", self._get(8 * len(FUNCTIONS)))
        self.functions = dict(zip(FUNCTIONS, found, strict=True))

    # Code

    def place(self, code: Iterable[bytes | memoryview]) -> dict[str, int]:
        """The addresses of the functions of object files."""
        found: dict[str, int] = {}
        for part in code:
            found |= self._place(bytes(part))
        return found

    def _place(self, part: bytes) -> dict[str, int]:
        given, script, linked, flat = (self.folder / f"code{end}" for end in (".o", ".ld", "", ".bin"))
        given.write_bytes(part)
        script.write_text(SCRIPT.format(address=self.end))
        known = [f"--defsym={name}={at:#x}" for name, at in self.functions.items()]
        _tool("ld", "-T", script, *known, "-o", linked, given)
        _tool("objcopy", "-O", "binary", linked, flat)
        data = flat.read_bytes()
        if self.end + len(data) > CODE + CODE_BYTES:
            raise MemoryError("there is no room for more code")
        ctypes.memmove(self.end, data, len(data))
        self.end += -(-len(data) // PAGE) * PAGE
        symbols = (line.split() for line in _tool("nm", "--defined-only", linked).splitlines())
        return {name: int(at, 16) for at, kind, name in symbols if kind in "Tt"}

    # Calls

    def call(self, function: int, *arguments: int) -> None:
        """Calls a function of up to three integers. Raises EmulatedFaultError."""
        if self.owner != os.getpid():  # a fork has a process of its own
            self.start()
        with self.lock:
            while not self._call(struct.pack("<4Q", function, *arguments, *[0] * (3 - len(arguments)))):
                self.process.wait()
                self.start()

    def _call(self, request: bytes) -> bool:
        """Whether it could be called: the process may have something of its own where it needs a page."""
        self._put(request)
        before: dict[int, bytes] = {}
        while True:
            word = self._word()
            what, page = word % PAGE, word - word % PAGE
            if what == READ:
                self._give(page, before)
            elif what == CHANGED:
                self._take(page, before[page], self._get(PAGE))
            elif what == FAILED:
                number, where = page // PAGE, self._word()
                self.process.wait()
                self.start()
                raise EmulatedFaultError(f"{signal.Signals(number).name} at {where:#x}")
            else:
                return what == DONE

    def _give(self, page: int, before: dict[int, bytes]) -> None:
        try:
            before[page] = os.pread(self.memory, PAGE, page)
        except (OSError, OverflowError):
            self._put(NOTHING)
            return
        self._put((KEPT if CODE <= page < CODE + CODE_BYTES else PASSING) + before[page])

    def _take(self, page: int, old: bytes, new: bytes) -> None:
        """Writes what differs: what lies beside it may be another thread's."""
        differs = np.frombuffer(old, np.uint8) != np.frombuffer(new, np.uint8)
        edges = np.flatnonzero(np.diff(differs, prepend=False, append=False)).tolist()
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            os.pwrite(self.memory, new[first:last], page + first)

    def _put(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def _get(self, size: int) -> bytes:
        assert self.process.stdout is not None
        data = b""
        while len(data) < size:
            part = self.process.stdout.read(size - len(data))
            if not part:
                raise EmulatedFaultError("the emulated process has ended")
            data += part
        return data

    def _word(self) -> int:
        found: int = struct.unpack("<Q", self._get(8))[0]
        return found


def _reserved(address: int, size: int) -> Any:
    """Memory at an address, which must be free."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    replace_nothing, no_reserve = 0x100000, 0x4000
    how = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | replace_nothing | no_reserve
    found = libc.mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, how, -1, 0)
    if found != address:
        raise MemoryError(f"the addresses from {address:#x} on are in use")
    return found


def _tool(name: str, *args: object) -> str:
    done = subprocess.run([TOOLS + name, *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    return done.stdout
