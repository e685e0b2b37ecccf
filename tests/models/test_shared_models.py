"""The models of the shared collection, every stored case: on the reference, and through IR in real OpenVINO."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.compiler.config import DEFAULT_PASSES
from vinoc.compiler.driver import compile_model_file, read_model
from vinoc.ir.text import read_text, write_text
from vinoc.ir.verify import verify

from ..conftest import SHARED
from . import zoo

pytestmark = pytest.mark.shared
MODELS = zoo.onnx_models(SHARED)


def ids(model: zoo.Model) -> str:
    return model.name


@pytest.mark.parametrize("device", ["TEMPLATE", "CPU"])
@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_stored_outputs(model: zoo.Model, device: str) -> None:
    compiled = vinoc.Core().compile_model(str(model.path), device)
    own = zoo.onnxruntime_outputs(model) if model.saturated else None
    for i, case in enumerate(model.cases()):
        results = compiled(case.inputs)
        for name, expected in case.outputs.items():
            wanted = own[i][name] if own else expected
            assert zoo.error(wanted, np.asarray(results[name])) <= model.tolerance, name


@pytest.mark.parametrize("mode", ["PERFORMANCE", "ACCURACY"])
@pytest.mark.parametrize("model", [m for m in MODELS if not m.quantized], ids=ids)
def test_generated_kernels_are_close(model: zoo.Model, mode: str) -> None:
    compiled = vinoc.Core().compile_model(str(model.path), "CPU", {"EXECUTION_MODE_HINT": mode})
    for case in model.cases():
        results = compiled(case.inputs)
        for name, expected in case.outputs.items():
            assert zoo.error(expected, np.asarray(results[name])) <= 1e-4, name


@pytest.mark.parametrize("passes", [DEFAULT_PASSES, "fuse,fp16"], ids=["default", "fp16"])
@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_real_openvino_runs_the_ir(model: zoo.Model, passes: str, tmp_path: Path) -> None:
    result = compile_model_file(model.path, passes=passes, out_dir=tmp_path)
    xml = next(p for p in result.files if p.suffix == ".xml")
    worst = zoo.openvino_error(model, xml)
    if model.quantized:
        own = zoo.own_conversion_error(model)
        assert worst <= max(own * 1.01, 1e-3), f"OpenVINO's own conversion is off by {own:.2e}"
    else:
        assert worst <= (1e-3 if passes == DEFAULT_PASSES else 2e-2)


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_text_round_trip(model: zoo.Model, tmp_path: Path) -> None:
    graph = read_model(model.path)
    write_text(graph, tmp_path / "a.vir")
    copy = read_text(tmp_path / "a.vir")
    verify(copy)
    write_text(copy, tmp_path / "b.vir")
    assert (tmp_path / "a.vir").read_text() == (tmp_path / "b.vir").read_text()
    for a, b in zip(graph, copy, strict=True):
        assert a.op == b.op
        assert a.loc == b.loc
        assert [v.type for v in a.outputs] == [v.type for v in b.outputs]


@pytest.mark.parametrize("compressed", [False, True], ids=["f32", "f16"])
@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_ir_written_by_openvino_is_read(model: zoo.Model, compressed: bool, tmp_path: Path) -> None:
    """It runs on the reference and is written again; both give what OpenVINO computes from its file, or better."""
    theirs = tmp_path / "theirs.xml"
    reason = zoo.save_by_openvino(model, theirs, compressed)
    if reason:
        pytest.skip(f"OpenVINO cannot convert it: {reason}")
    compiled = vinoc.Core().compile_model(str(theirs), "CPU")
    result = compile_model_file(theirs, passes="", out_dir=tmp_path / "again")
    expected = zoo.openvino_outputs(model, theirs)
    again = zoo.openvino_outputs(model, next(p for p in result.files if p.suffix == ".xml"))
    for i, case in enumerate(model.cases()):
        fed = {k: v for k, v in case.inputs.items() if any(k in p.names for p in compiled.inputs)}
        ours = compiled(fed)
        for name, stored in case.outputs.items():
            assert zoo.agrees(np.asarray(ours[name]), expected[i][name], stored, model.tolerance), name
            assert zoo.agrees(again[i][name], expected[i][name], stored, 1e-5), name
    sizes = [theirs.with_suffix(".bin").stat().st_size, next((tmp_path / "again").glob("*.bin")).stat().st_size]
    assert sizes[1] <= sizes[0] * 1.01 + 64


def test_fp16_halves_the_weights(tmp_path: Path) -> None:
    for name in ("facemesh", "light_resnet50", "ultraface_rfb_320", "dtln_2"):
        model = next(m for m in MODELS if m.name == name)
        sizes = []
        for passes in ("fuse", "fuse,fp16"):
            folder = tmp_path / passes.replace(",", "_")
            result = compile_model_file(model.path, passes=passes, out_dir=folder, model_name=name)
            sizes.append(next(p for p in result.files if p.suffix == ".bin").stat().st_size)
        assert sizes[1] <= 0.51 * sizes[0], name


def test_the_collection_is_whole() -> None:
    readme = (SHARED / "models" / "README.md").read_text()
    listed = re.findall(r"^\| (\w+) \|.*ONNX", readme, re.MULTILINE)
    assert len(MODELS) == 21
    assert {m.name for m in MODELS} <= set(listed) | {"mnist_cntk"}
    assert all(json.loads(m.meta.read_text())["inputs"] for m in MODELS)
