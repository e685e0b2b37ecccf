"""ONNX's own backend test suite, written to IR by vinoc, read and run by OpenVINO."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openvino as ov

import vinoc
from vinoc.ir.buffer import pack, unpack
from vinoc.ir.dtype import dtype, from_numpy
from vinoc.ir.errors import VinocError

from . import onnx_suite

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
RTOL, ATOL = 1e-3, 1e-5
"""At least these: OpenVINO's kernels are held to what its own tests ask of them, not to the suite's 1e-7."""
BF16 = 2**-6
"""What the suite's own runner allows for bf16."""
CONTEXT = get_context("spawn")
_CORE: list[Any] = []


def to_openvino(array: Any) -> Any:
    """An array as OpenVINO holds it: types that NumPy lacks by their bytes, those below a byte packed."""
    array = np.asarray(array)
    if array.dtype.kind in "OSU":
        return ov.Tensor(np.array(array, dtype=np.str_)) if array.size else ov.Tensor(ov.Type.string, array.shape)
    kind = from_numpy(array.dtype)
    if kind.numpy.isbuiltin == 1:
        return array
    tensor = ov.Tensor(getattr(ov.Type, kind.name), list(array.shape))
    raw = np.frombuffer(bytes(pack(kind, array)), np.uint8)
    if raw.size:
        _bytes(tensor)[:] = raw
    return tensor


def _bytes(tensor: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The memory of a tensor, to read and to write."""
    flat = np.atleast_1d(tensor.data).reshape(-1)
    return flat.view(np.uint8)


def from_openvino(tensor: Any) -> Any:
    """The array of a tensor of OpenVINO's, in the type that `ml_dtypes` has for it."""
    name = tensor.element_type.get_type_name()
    if name == "string":
        return np.array(tensor.str_data)
    kind = dtype(name)
    if kind.numpy.isbuiltin == 1:
        return np.array(tensor.data)
    shape = tuple(tensor.shape)
    if not tensor.size:
        return np.zeros(shape, kind.numpy)
    return unpack(kind, _bytes(tensor).copy(), shape)


def outcome(case: Any) -> tuple[str, str]:
    """How a case ends, and why: pass, refused (by vinoc), openvino (which rejects it) or values (which differ)."""
    model, sets = onnx_suite.content(case)
    with TemporaryDirectory() as folder:
        source, xml = Path(folder, "m.onnx"), Path(folder, "m.xml")
        source.write_bytes(model.SerializeToString())
        try:
            vinoc.save_model(vinoc.convert_model(source), xml, compress_to_fp16=False)
        except VinocError as error:
            return "refused", str(error)
        return _run(case, model, sets, xml)


def _run(case: Any, model: Any, sets: Sequence[tuple[list[Any], list[Any]]], xml: Path) -> tuple[str, str]:
    stored = {t.name for t in model.graph.initializer}
    names = [v.name for v in model.graph.input if v.name not in stored]
    if not _CORE:
        _CORE.append(ov.Core())
    try:
        compiled = _CORE[0].compile_model(str(xml), "CPU", EXACT)
        taken = {n for port in compiled.inputs for n in port.get_names()}
        for given, wanted in sets:
            request = compiled.create_infer_request()
            request.infer({n: to_openvino(v) for n, v in zip(names, given, strict=False) if n in taken})
            for i, expected in enumerate(wanted):
                if why := difference(expected, from_openvino(request.get_output_tensor(i)), case):
                    return "values", f"output {i}: {why}"
    except Exception as error:  # RuntimeError, and TypeError or ValueError of its Python layer
        return "openvino", f"{type(error).__name__}: {error}"
    return "pass", ""


def difference(expected: Any, got: Any, case: Any) -> str:
    """What tells an output from the expected one; empty when nothing does."""
    expected = np.asarray(expected)
    if expected.shape != got.shape:
        return f"shape {got.shape} for {expected.shape}"
    if expected.dtype.kind in "OSU":
        same = [str(v) for v in expected.flat] == [str(v) for v in got.flat]
        return "" if same else f"{got!r} for {expected!r}"
    if expected.dtype != got.dtype:
        return f"type {got.dtype} for {expected.dtype}"
    rtol = max(case.rtol, BF16 if expected.dtype.name == "bfloat16" else RTOL)
    try:
        a, b = got.astype(np.float64), expected.astype(np.float64)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=max(case.atol, ATOL))
    except AssertionError as error:
        return " ".join(str(error).split())
    return ""


def _serve(channel: Any, indices: Sequence[int]) -> None:
    """Runs the cases at those places and tells of each; the body of a worker process."""
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    known = onnx_suite.cases()
    for i in indices:
        channel.send(outcome(known[i]))
    channel.close()


def _chunk(indices: Sequence[int]) -> list[tuple[str, str]]:
    """The outcomes of those cases. A case that ends its process is a crash, and the next one has a new process."""
    found: list[tuple[str, str]] = []
    while len(found) < len(indices):
        here, there = CONTEXT.Pipe()
        worker = CONTEXT.Process(target=_serve, args=(there, indices[len(found) :]), daemon=True)
        worker.start()
        there.close()
        try:
            while len(found) < len(indices):
                found.append(here.recv())
        except EOFError:
            worker.join()
            found.append(("crash", f"the process ended with code {worker.exitcode}"))
        worker.join()
    return found


def outcomes(indices: Sequence[int], workers: int = 2) -> dict[str, tuple[str, str]]:
    """The outcome of each case at those places, by name."""
    parts = [indices[i::workers] for i in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(_chunk, parts))
    known = onnx_suite.cases()
    return {
        str(known[i].name): row
        for part, rows in zip(parts, found, strict=True)
        for i, row in zip(part, rows, strict=True)
    }
