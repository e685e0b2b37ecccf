"""What a kernel is generated for: lanes, registers, features."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from ....ir.errors import UsageError, did_you_mean
from ....ir.record import record


@record(frozen=True)
class Target:
    """An instruction set, as the generators see it.

    lanes      f32 elements of a vector
    rows       accumulator rows of the matrix micro-kernel
    vectors    accumulator vectors of a row; rows * vectors + vectors + 1 fit into the registers
    cpu        LLVM's name of the processor to schedule for
    features   LLVM's feature string, on top of the processor's own
    fma        whether multiply-add is one instruction; without it the product is rounded
    half       whether vectors of f16 are converted by an instruction
    dots       whether an instruction adds four products of u8 and i8 to an i32 (VNNI), or of i8 (ARM's SDOT)
    element    whether multiply-add takes one element of a vector for all lanes: two adjacent factors are then loaded at
               once, and the tile has room for the weights of both
    """

    name: str
    triple: str
    lanes: int
    rows: int
    vectors: int
    cpu: str
    features: str
    fma: bool
    half: bool
    dots: bool = False
    element: bool = False

    @property
    def offset(self) -> int:
        """What comes off data of u8 where the instruction for their products is for i8: their highest bit is turned."""
        return 128 if self.dots and not self.triple.startswith("x86") else 0

    @property
    def sums(self) -> int:
        """Accumulators of all sets of a tile of few rows: enough to hide the latency of the multiply-add."""
        return 16 if self.element else self.rows * self.vectors

    @property
    def width(self) -> int:
        """Columns of a weight panel."""
        return self.lanes * self.vectors


_X86, _ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
_AVX2, _AVX512 = "+avx2,+fma,+f16c", "+avx512f,+avx512vl,+avx512bw,+avx512dq,+fma"
_ALL = (
    Target("sse2", _X86, 4, 6, 2, "x86-64", "", False, False),
    Target("avx2", _X86, 8, 6, 2, "haswell", _AVX2, True, True),
    Target("avx2vnni", _X86, 8, 6, 2, "haswell", f"{_AVX2},+avxvnni", True, True, True),
    Target("avx512", _X86, 16, 12, 2, "skylake-avx512", _AVX512, True, True),
    Target("avx512vnni", _X86, 16, 12, 2, "skylake-avx512", f"{_AVX512},+avx512vnni", True, True, True),
    Target("neon", _ARM, 4, 12, 2, "generic", "+neon", True, True, element=True),
    Target("neondot", _ARM, 4, 12, 2, "generic", "+neon,+dotprod", True, True, True, element=True),
)
TARGETS = {t.name: t for t in _ALL}

_HWCAP, _HARDWARE = 16, {1: "neon", 20: "dotprod"}
"""What getauxval calls the features of an ARM processor, and which bits of them are asked for."""


def target(name: str) -> Target:
    """The target of that name. Raises UsageError."""
    if name not in TARGETS:
        raise UsageError(f"no CPU target '{name}'", help=did_you_mean(name, TARGETS) or f"one of {', '.join(TARGETS)}")
    return TARGETS[name]


@cache
def host() -> Target:
    """The best target that this machine runs, for its own triple."""
    features, triple = _machine()
    if triple.startswith(("aarch64", "arm64")):
        chosen = TARGETS["neondot" if "dotprod" in features else "neon"]
    elif features.issuperset(("avx512f", "avx512vl", "avx512bw", "avx512dq", "fma")):
        chosen = TARGETS["avx512vnni" if features & {"avx512_vnni", "avx512vnni"} else "avx512"]
    elif features.issuperset(("avx2", "fma", "f16c")):
        chosen = TARGETS["avx2vnni" if features & {"avx_vnni", "avxvnni"} else "avx2"]
    else:
        chosen = TARGETS["sse2"]
    return chosen if chosen.triple == triple else replace(chosen, triple=triple)


def _machine() -> tuple[set[str], str]:
    """The processor's features by LLVM's names, and the triple of this process.

    Linux says for x86-64 by the same names what LLVM does, but for underscores in some, and for ARM in bits; importing
    LLVM takes longer than to load a small model.
    """
    if sys.platform == "linux" and os.uname().machine == "aarch64":
        with suppress(AttributeError, OSError):
            words: Any = ctypes.CDLL(None).getauxval
            words.argtypes, words.restype = (ctypes.c_ulong,), ctypes.c_ulong
            return {name for bit, name in _HARDWARE.items() if words(_HWCAP) >> bit & 1}, _ARM
    if sys.platform == "linux" and os.uname().machine == "x86_64" and sys.maxsize > 1 << 32:
        with suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.split()), _X86
    import llvmlite.binding as llvm

    return {name for name, there in llvm.get_host_cpu_features().items() if there}, llvm.get_process_triple()
