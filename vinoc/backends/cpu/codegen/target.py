"""What a kernel is generated for: lanes, registers, features."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cache

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
    dots       whether an instruction adds four products of u8 and i8 to an i32 (VNNI)
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

    @property
    def width(self) -> int:
        """Columns of a weight panel."""
        return self.lanes * self.vectors


_X86 = "x86_64-unknown-linux-gnu"
_AVX2, _AVX512 = "+avx2,+fma,+f16c", "+avx512f,+avx512vl,+avx512bw,+avx512dq,+fma"
_ALL = (
    Target("sse2", _X86, 4, 6, 2, "x86-64", "", False, False),
    Target("avx2", _X86, 8, 6, 2, "haswell", _AVX2, True, True),
    Target("avx2vnni", _X86, 8, 6, 2, "haswell", f"{_AVX2},+avxvnni", True, True, True),
    Target("avx512", _X86, 16, 12, 2, "skylake-avx512", _AVX512, True, True),
    Target("avx512vnni", _X86, 16, 12, 2, "skylake-avx512", f"{_AVX512},+avx512vnni", True, True, True),
    Target("neon", "aarch64-unknown-linux-gnu", 4, 8, 3, "generic", "+neon", True, True),
)
TARGETS = {t.name: t for t in _ALL}


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
        chosen = TARGETS["neon"]
    elif features.issuperset(("avx512f", "avx512vl", "avx512bw", "avx512dq", "fma")):
        chosen = TARGETS["avx512vnni" if features & {"avx512_vnni", "avx512vnni"} else "avx512"]
    elif features.issuperset(("avx2", "fma", "f16c")):
        chosen = TARGETS["avx2vnni" if features & {"avx_vnni", "avxvnni"} else "avx2"]
    else:
        chosen = TARGETS["sse2"]
    return chosen if chosen.triple == triple else replace(chosen, triple=triple)


def _machine() -> tuple[set[str], str]:
    """The processor's features by LLVM's names, and the triple of this process.

    Linux says for x86-64 by the same names what LLVM does, but for underscores in some; importing LLVM takes longer
    than to load a small model.
    """
    if sys.platform == "linux" and os.uname().machine == "x86_64" and sys.maxsize > 1 << 32:
        with suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.split()), _X86
    import llvmlite.binding as llvm

    return {name for name, there in llvm.get_host_cpu_features().items() if there}, llvm.get_process_triple()
