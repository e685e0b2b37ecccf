"""Compiling and linking with LLVM: imported where code is missing from the cache, or cannot be placed as it is."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from ....ir.freed import give_back
from .target import Target

LARGE = 1 << 18
"""Characters of a module from which on what compiling it took is given back at once: ten and more times as much."""


@cache
def _prepare() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def target_machine(target: Target) -> Any:
    """A new machine: an engine takes ownership of its own."""
    _prepare()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=3, reloc="default", codemodel="jitdefault"
    )


def module_of(name: str, build: Callable[[ir.Module], None] | None, target: Target) -> ir.Module:
    """The module of function `name`, as it is before it is optimized."""
    module = ir.Module(name)
    module.triple = target.triple
    if build:
        build(module)
    return module


def text_of(name: str, build: Callable[[ir.Module], None], target: Target) -> str:
    """The module of function `name` in LLVM's language."""
    text = str(module_of(name, build, target))
    if len(text) > LARGE:
        gc.collect()  # the module of Python objects, which has cycles
    return text


def emitted(text: str, target: Target) -> bytes:
    """The object code of a module."""
    machine = target_machine(target)
    code: bytes = machine.emit_object(_optimized(text, machine))
    if len(text) > LARGE:
        give_back()
    return code


class Linked:
    """Object code that LLVM's linker places in memory."""

    def __init__(self, code: Iterable[bytes | memoryview], target: Target) -> None:
        empty = llvm.parse_assembly(f'target triple = "{target.triple}"')
        self._engine = llvm.create_mcjit_compiler(empty, target_machine(target))
        for part in code:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(bytes(part)))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """The address of a function, good as long as this lives. Raises KeyError."""
        found: int = self._engine.get_function_address(name)
        if not found:
            raise KeyError(name)
        return found


def _optimized(text: str, machine: Any) -> Any:
    """Parsed and optimized.

    By few passes: the kernels are vectors in single assignment form already. LLVM's own pipelines (-O1, -O2) take ten
    times as long and give code that is no faster; machine code generation does loop-invariant motion and the like anew.
    """
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.add_new_gvn_pass()
    passes.add_dead_code_elimination_pass()
    for function in parsed.functions:
        if not function.is_declaration:
            passes.run(function, builder)
    return parsed
