"""Object code is placed as LLVM's linker places it, and LLVM is imported to compile alone."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.cpu.codegen.compile import Linked, emitted, text_of
from vinoc.backends.cpu.codegen.library import Library
from vinoc.backends.cpu.codegen.objects import ForeignCodeError, Placed
from vinoc.backends.cpu.codegen.target import TARGETS, Target, host
from vinoc.backends.cpu.kernels.base import Kernel
from vinoc.backends.cpu.kernels.lrn import lrn

from .checked import KERNEL_TYPE

MODEL = Path(__file__).parents[3] / "examples/models/mnist/mnist.onnx"


def code(kernel: Kernel, target: Target) -> bytes:
    return emitted(text_of(kernel.name, lambda module: kernel.build(module, target), target), target)


of_x86 = pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="object code of other processors is LLVM's")


@of_x86
def test_placed_code_computes_what_linked_code_does() -> None:
    kernel = lrn("any")  # it has constants of several sections
    made = [code(kernel, host())]
    x = np.random.default_rng(0).standard_normal((7, 37)).astype(np.float32)
    results = []
    for held in (Placed(made), Linked(made, host())):
        out = np.zeros_like(x)
        numbers = {n: int(np.float32(v).view(np.int32)) for n, v in (("bias", 2.0), ("factor", 0.3), ("beta", 0.6))}
        block = kernel.block(
            input=x.ctypes.data, output=out.ctypes.data, pixels=7, part=7, channels=37, size=5, before=2,
            in_pixel=37 * 4, out_pixel=37 * 4, **numbers,
        )  # fmt: skip
        KERNEL_TYPE(held.address(kernel.name))(block.ctypes.data, 0, 1)
        results.append(out)
        with pytest.raises(KeyError):
            held.address("nothing")
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0]).max() > 0


@of_x86
def test_code_of_another_processor_is_refused() -> None:
    held = bytearray(code(lrn("1"), TARGETS["avx2"]))
    struct.pack_into("<H", held, 18, 183)  # EM_AARCH64
    with pytest.raises(ForeignCodeError, match="x86-64"):
        Placed([bytes(held)])


@of_x86
def test_a_relocation_of_another_kind_is_refused() -> None:
    held = bytearray(code(lrn("any"), TARGETS["avx2"]))
    sections, count = struct.unpack_from("<Q", held, 40)[0], struct.unpack_from("<H", held, 60)[0]
    kinds = [struct.unpack_from("<IIQQQQ", held, sections + 64 * i) for i in range(count)]
    (table,) = (offset for _, kind, _, _, offset, _ in kinds if kind == 4)
    struct.pack_into("<I", held, table + 8, 2)  # R_X86_64_PC32
    with pytest.raises(ForeignCodeError, match="type 2"):
        Placed([bytes(held)])


@pytest.mark.parametrize("damage", [lambda code: b"", lambda code: code[:300], lambda code: bytes(len(code))])
def test_a_damaged_file_of_the_cache_is_compiled_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    kernel = lrn("any")
    build = {kernel.name: lambda module: kernel.build(module, host())}
    whole = Library(host(), tmp_path).codes(build)
    (file,) = tmp_path.glob("*.o")
    kept = file.read_bytes()
    for wrong in (damage(kept), kept[:-9] + bytes([kept[-9] ^ 1]) + kept[-8:]):
        file.write_bytes(wrong)
        assert Library(host(), tmp_path).codes(build) == whole
        assert file.read_bytes() == kept


def test_a_cache_that_cannot_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    kernel = lrn("any")
    held = Library(host(), tmp_path)
    held._file(kernel.name).mkdir()
    assert held.codes({kernel.name: lambda module: kernel.build(module, host())})
    assert [p.is_dir() for p in tmp_path.iterdir()] == [True]


def test_the_host_is_what_llvm_says() -> None:
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    wide = ("avx512f", "avx512vl", "avx512bw", "avx512dq", "fma")
    assert host().triple == llvm.get_process_triple()
    assert host().name.startswith("avx512") == all(features.get(f) for f in wide)
    assert (host().name == "sse2") == (host().triple.startswith("x86_64") and not features.get("avx2"))


@pytest.mark.skipif(sys.platform != "linux" or not host().triple.startswith("x86_64"), reason="of Linux on x86-64")
def test_with_warm_kernels_llvm_is_not_imported(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np, vinoc\n"
        "model = vinoc.compile_model(sys.argv[1])\n"
        "model([np.ones(p.shape, p.element_type.to_dtype()) for p in model.inputs])\n"
        "print('llvmlite.binding' in sys.modules)\n"
    )
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, str(MODEL)],
            env={**os.environ, "VINOC_CACHE": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.append(done.stdout.strip())
    assert said == ["True", "False"]
