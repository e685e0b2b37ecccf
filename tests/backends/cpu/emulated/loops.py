"""The innermost loops of kernels for ARM: what they consist of, and what LLVM's models of cores make of them.

    python -m tests.backends.cpu.emulated.loops llvm-mca neoverse-n1 cortex-a55

prints for the loop of a whole tile of each kernel: instructions, multiply-adds, vectors loaded from or stored to the
stack, and multiply-adds a cycle on the cores that are named.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import llvmlite.binding as llvm

from vinoc.backends.cpu.codegen import compile
from vinoc.backends.cpu.codegen.target import TARGETS, Target
from vinoc.backends.cpu.kernels import attention, gemm, igemm, strassen
from vinoc.backends.cpu.kernels.base import Kernel
from vinoc.backends.cpu.kernels.igemm_bytes import igemm_bytes
from vinoc.ir.dtype import f16

WHOLE = (
    (igemm.IGEMM, "neon", 48),
    (gemm.GEMM, "neon", 96),
    (attention.ATTENTION, "neon", 96),
    (strassen.STRASSEN, "neon", 96),
    (gemm.GEMM_NARROW[f16], "neon", 88),
    (igemm_bytes("dot"), "neondot", 64),
)
"""Kernels, and the multiply-adds in a loop of a whole tile."""


def loops(kernel: Kernel, target: Target, least: int) -> list[list[str]]:
    """The loops of so many multiply-adds, at least; the shortest first."""
    found = [loop for loop in _innermost(_assembly(kernel, target)) if multiplies(loop) >= least]
    return sorted(found, key=len)


def _assembly(kernel: Kernel, target: Target) -> list[str]:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    text = compile.text_of(kernel.name, lambda module: kernel.build(module, target), target)
    machine = compile.target_machine(target)
    lines = machine.emit_assembly(compile._optimized(text, machine)).splitlines()
    plain = [line.split("//")[0].strip() for line in lines]
    return [line for line in plain if line and (line.endswith(":") or not line.startswith("."))]


def _innermost(lines: list[str]) -> Iterator[list[str]]:
    """Blocks that end with a jump to their own beginning."""
    start, label = 0, ""
    for i, line in enumerate(lines):
        if line.endswith(":"):
            start, label = i + 1, line[:-1]
        elif label and re.fullmatch(rf"b\.\w+\s+{re.escape(label)}", line):
            yield lines[start : i + 1]


def multiplies(loop: Sequence[str]) -> int:
    return sum(line.startswith(("fmla", "sdot")) for line in loop)


def on_stack(loop: Sequence[str]) -> int:
    """Vectors that are loaded from the stack, or stored there."""
    return sum(1 + line.startswith(("ldp", "stp")) for line in loop if re.match(r"(ld|st)\w+\s+[qds]\d.*\[sp", line))


def _a_cycle(loop: Sequence[str], tool: str, core: str) -> float:
    label = loop[-1].split()[-1]
    text = "\n".join([f"{label}:", *loop, ""])
    command = [tool, "-mtriple=aarch64-linux-gnu", f"-mcpu={core}", "-iterations=200", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    cycles = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    assert cycles is not None
    return 200 * multiplies(loop) / int(cycles[1])


def main(tool: str, *cores: str) -> None:
    for kernel, target, least in WHOLE:
        loop = loops(kernel, TARGETS[target], least)[0]
        cycles = [f"{_a_cycle(loop, tool, core):.2f}" for core in cores]
        print(kernel.name, len(loop), multiplies(loop), on_stack(loop), *cycles)


if __name__ == "__main__":
    main(*sys.argv[1:])
