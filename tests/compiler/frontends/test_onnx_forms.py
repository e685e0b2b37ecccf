"""Every version's form of every operator that has several, against onnxruntime or ONNX's reference evaluator.

ONNX's registry of schemas says which versions there are; the table in `onnx_forms`, what a node of each looks like.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.verify import verify

from .onnx_forms import FORMS, Form, Maybe
from .onnx_util import compare, run_graph, run_reference

DOMAINS = ("", "ai.onnx.ml")
WITHDRAWN = {("Upsample", 10), ("Scatter", 11), ("TreeEnsembleClassifier", 5), ("TreeEnsembleRegressor", 5)}
"""In favour of another operator: a node of these versions is not valid."""


def versions() -> Iterator[tuple[str, str, int]]:
    """(domain, operator, version) of the operators with several versions."""
    found: dict[tuple[str, str], list[int]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain in DOMAINS and (schema.name, schema.since_version) not in WITHDRAWN:
            found.setdefault((schema.domain, schema.name), []).append(schema.since_version)
    for (domain, op), since in sorted(found.items()):
        if len(since) > 1 or op in {name for name, _ in WITHDRAWN}:
            yield from ((domain, op, v) for v in sorted(since))


def forms_of(domain: str, op: str, version: int) -> list[Form]:
    return [f for f in FORMS.get((domain, op), []) if f.since <= version <= f.until]


CASES = [(d, op, v, i) for d, op, v in versions() for i in range(len(forms_of(d, op, v)))]


def test_every_version_of_every_operator_has_a_form() -> None:
    missing = [f"{op}-{v}" for d, op, v in versions() if not forms_of(d, op, v)]
    assert not missing, missing
    unused = [op for (d, op), forms in FORMS.items() if any(not _used(f) for f in forms)]
    assert not unused, unused


def _used(f: Form) -> bool:
    return any(f.since <= v <= f.until for d, op, v in versions() if (d, op) == (f.domain, f.op))


def model_of(f: Form, version: int) -> tuple[onnx.ModelProto, list[Any]]:
    """A model of the one node, and what it is fed."""
    infos, initializers, names, fed = [], [], [], []
    for i, given in enumerate(f.inputs):
        names.append("" if given is None else f"x{i}")
        if given is None:
            continue
        if i in f.constant:
            initializers.append(numpy_helper.from_array(np.asarray(given), f"x{i}"))
            continue
        infos.append(_declared(f"x{i}", given))
        given = given.value if isinstance(given, Maybe) else given
        fed.append(given if isinstance(given, list) else np.asarray(given))
    outputs = [f"y{i}" for i in range(f.outputs)]
    node = helper.make_node(f.op, names, outputs, "node", domain=f.domain, **f.attributes)
    graph = helper.make_graph(
        [node], "g", infos, [helper.make_empty_tensor_value_info(o) for o in outputs], initializers
    )
    main = version if not f.domain else 15
    opsets = [helper.make_opsetid("", main)] + ([helper.make_opsetid(f.domain, version)] if f.domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10 if version < 23 else 11), fed


def _declared(name: str, given: Any) -> onnx.ValueInfoProto:
    if isinstance(given, list):
        code = helper.np_dtype_to_tensor_dtype(given[0].dtype)
        return helper.make_tensor_sequence_value_info(name, code, None)
    if isinstance(given, Maybe):
        inner = helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(given.value.dtype), given.value.shape)
        return helper.make_value_info(name, helper.make_optional_type_proto(inner))
    array = np.asarray(given)
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def oracle(f: Form, version: int) -> list[Any]:
    """The outputs by definition where the table has them, by onnxruntime, or by ONNX's reference evaluator.

    Where these lack a version, they are asked for the next ones in which the form means the same, then for older ones.
    """
    if f.want is not None:
        return list(f.want)
    reasons = []
    for v in _versions_to_ask(f, version):
        model, fed = model_of(f, v)
        feed = dict(zip([v.name for v in model.graph.input], fed, strict=True))
        for run in (run_reference, run_evaluator):
            try:
                return list(run(model, feed))
            except Exception as error:  # they raise what they like for what they do not have
                reasons.append(f"{run.__name__}, version {v}: {type(error).__name__}: {str(error)[:300]}")
    pytest.fail("no oracle:\n" + "\n".join(reasons))


def _versions_to_ask(f: Form, version: int) -> list[int]:
    same = [v for d, op, v in versions() if (d, op) == (f.domain, f.op) and max(f.since, f.asked) <= v <= f.until]
    return sorted(v for v in same if v >= version) + sorted((v for v in same if v < version), reverse=True)


def run_evaluator(model: onnx.ModelProto, feed: dict[str, Any]) -> list[Any]:
    return list(ReferenceEvaluator(model).run(None, feed))


def check(model: onnx.ModelProto) -> None:
    """Raises where the node is none that ONNX's schema of this version allows."""
    if defs.get_schema(
        model.graph.node[0].op_type, model.opset_import[-1].version, model.graph.node[0].domain
    ).deprecated:
        return  # of GroupNormalization 18, which models have all the same
    context = onnx.checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {o.domain: o.version for o in model.opset_import}
    onnx.checker.check_node(model.graph.node[0], context)


@pytest.mark.parametrize(("domain", "op", "version", "at"), CASES, ids=lambda v: str(v))
def test_forms(domain: str, op: str, version: int, at: int) -> None:
    f = forms_of(domain, op, version)[at]
    model, fed = model_of(f, version)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        check(model)
        expected = oracle(f, version)
        graph = load(model.SerializeToString())
        verify(graph)
        got = run_graph(graph, fed)
    if f.random:
        assert [(g.dtype, g.shape) for g in got] == [(e.dtype, e.shape) for e in map(np.asarray, expected)]
    else:
        wanted = list(leaves(expected))
        compare([_plain(g, e) for g, e in zip(leaves(got), wanted, strict=True)], wanted, 1e-4, 1e-5)


def _plain(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """onnxruntime hands out floats of eight bits as their bytes."""
    return got.view(np.uint8) if wanted.dtype == np.uint8 and got.dtype.name.startswith("float8") else got


def leaves(values: Any) -> Iterator[Any]:
    """The arrays of nested lists, each list announced by its length; nothing is an empty array of objects."""
    for value in values:
        if isinstance(value, list | tuple):
            yield np.array(len(value))
            yield from leaves(value)
        else:
            yield np.zeros(0, object) if value is None else np.asarray(value)
