"""ONNX's own backend test suite, case by case, on vinoc's backend."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from glob import glob
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
_CASES: list[Any] = []


def cases() -> list[Any]:
    """All cases; the nodes' are made by running their scripts, which takes seconds."""
    if not _CASES:
        from onnx.backend.test.loader import load_model_tests

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for kind in KINDS:
                _CASES.extend(sorted(load_model_tests(kind=kind), key=lambda c: str(c.name)))
    return _CASES


def _value(given: Any, declared: Any = None) -> Any:
    """What a stored value is: an array, a list of arrays, or None."""
    if isinstance(given, bytes):
        if declared.HasField("sequence_type"):
            return numpy_helper.to_list(onnx.SequenceProto.FromString(given))
        if declared.HasField("optional_type"):
            return numpy_helper.to_optional(onnx.OptionalProto.FromString(given))
        return numpy_helper.to_array(onnx.TensorProto.FromString(given))
    if isinstance(given, onnx.TensorProto):
        return numpy_helper.to_array(given)
    if isinstance(given, onnx.SequenceProto):
        return numpy_helper.to_list(given)
    return numpy_helper.to_optional(given) if isinstance(given, onnx.OptionalProto) else given


def _read(folder: str, prefix: str, declared: Sequence[Any]) -> list[Any]:
    out = []
    for i in range(len(glob(os.path.join(folder, f"{prefix}_*.pb")))):
        with open(os.path.join(folder, f"{prefix}_{i}.pb"), "rb") as f:
            out.append(_value(f.read(), declared[i].type))
    return out


def content(case: Any) -> tuple[onnx.ModelProto, list[tuple[list[Any], list[Any]]]]:
    """The model of a case, and its inputs and outputs."""
    if case.data_sets:
        sets = [([_value(v) for v in given], [_value(v) for v in wanted]) for given, wanted in case.data_sets]
        return case.model, sets
    model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
    stored = {t.name for t in model.graph.initializer}
    inputs = [v for v in model.graph.input if v.name not in stored]
    folders = sorted(glob(os.path.join(case.model_dir, "test_data_set_*")))
    return model, [(_read(f, "input", inputs), _read(f, "output", model.graph.output)) for f in folders]


def problem(case: Any, device: str = "CPU") -> str:
    """What is wrong with a case by the suite's own tolerances; empty when nothing is."""
    from onnx.backend.test.runner import Runner

    from vinoc import onnx_backend

    try:
        model, sets = content(case)
        prepared = onnx_backend.prepare(model, device)
        for given, wanted in sets:
            got = prepared.run(given)
            Runner.assert_similar_outputs(list(_leaves(wanted)), list(_leaves(got)), case.rtol, case.atol)
    except Exception as error:  # whatever it is, the case has failed
        return f"{type(error).__name__}: {error}".strip()
    return ""


def _leaves(values: Any) -> Iterator[Any]:
    """The arrays of nested lists, each list announced by its length: the suite cannot compare lists of scalars.

    NumPy cannot subtract elements of four bits and fewer, which become f32, nor compare None.
    """
    for value in values:
        if isinstance(value, list | tuple):
            yield np.array(len(value))
            yield from _leaves(value)
            continue
        array = np.zeros(0, np.bool_) if value is None else np.asarray(value)
        narrow = array.dtype.kind == "V" and array.dtype.name != "bfloat16"
        if narrow:
            yield np.array(array.dtype.name, object)
        yield array.astype(object) if array.dtype.kind in "US" else array.astype(np.float32) if narrow else array


def problems(indices: Sequence[int]) -> list[tuple[str, str]]:
    """(name, what is wrong) of the cases at those places; for a worker process."""
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    known = cases()
    return [(str(known[i].name), problem(known[i])) for i in indices]


def chunks(count: int, size: int) -> Iterator[range]:
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
