"""The models of the shared collection, every stored case: on the reference, and through IR in real OpenVINO."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.compiler.driver import compile_model_file, read_model
from vinoc.ir.text import read_text, write_text
from vinoc.ir.verify import verify

from ..conftest import SHARED
from . import zoo

pytestmark = pytest.mark.shared
MODELS = zoo.onnx_models(SHARED)


def ids(model: zoo.Model) -> str:
    return model.name


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_reference(model: zoo.Model) -> None:
    compiled = vinoc.Core().compile_model(str(model.path), "CPU")
    for case in model.cases():
        results = compiled(case.inputs)
        for name, expected in case.outputs.items():
            assert zoo.error(expected, np.asarray(results[name])) <= model.tolerance, name


@pytest.mark.parametrize("passes", ["default", "fuse,fp16"])
@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_real_openvino_runs_the_ir(model: zoo.Model, passes: str, tmp_path: Path) -> None:
    result = compile_model_file(model.path, passes=None if passes == "default" else passes, out_dir=tmp_path)
    xml = next(p for p in result.files if p.suffix == ".xml")
    compressed = passes != "default"
    worst = zoo.openvino_error(model, xml)
    if model.quantized:
        own = zoo.openvino_error(model, model.path)
        assert worst <= max(own * 1.01, 1e-3), f"OpenVINO's own conversion is off by {own:.2e}"
    else:
        assert worst <= (2e-2 if compressed else 1e-3)


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
    openvino = pytest.importorskip("openvino")
    try:
        theirs = openvino.convert_model(str(model.path))
    except Exception as error:
        pytest.skip(f"OpenVINO cannot convert it: {str(error)[:80]}")
    openvino.save_model(theirs, str(tmp_path / "theirs.xml"), compress_to_fp16=compressed)
    reference = zoo.openvino_outputs(model, tmp_path / "theirs.xml")
    compiled = vinoc.Core().compile_model(str(tmp_path / "theirs.xml"), "CPU")
    result = compile_model_file(tmp_path / "theirs.xml", passes="", out_dir=tmp_path / "again")
    again = zoo.openvino_outputs(model, next(p for p in result.files if p.suffix == ".xml"))
    for case, theirs_out, again_out in zip(model.cases(), reference, again, strict=True):
        ours = compiled({k: v for k, v in case.inputs.items() if any(k in p.names for p in compiled.inputs)})
        for i, expected in enumerate(theirs_out):
            assert zoo.error(expected, np.asarray(ours[i])) <= model.tolerance
            assert zoo.error(expected, again_out[i]) <= 1e-5
    sizes = [(tmp_path / "theirs.bin").stat().st_size, next((tmp_path / "again").glob("*.bin")).stat().st_size]
    assert sizes[1] <= sizes[0] * 1.01 + 64


def test_fp16_halves_the_weights(tmp_path: Path) -> None:
    for name in ("facemesh", "light_resnet50", "ultraface_rfb_320", "dtln_2"):
        model = next(m for m in MODELS if m.name == name)
        sizes = []
        for passes in ("fuse", "fuse,fp16"):
            result = compile_model_file(model.path, passes=passes, out_dir=tmp_path / passes.replace(",", "_"), model_name=name)
            sizes.append(next(p for p in result.files if p.suffix == ".bin").stat().st_size)
        assert sizes[1] <= 0.51 * sizes[0], name


def test_the_collection_is_whole() -> None:
    readme = (SHARED / "models" / "README.md").read_text()
    listed = re.findall(r"^\| (\w+) \|.*ONNX", readme, re.MULTILINE)
    assert len(MODELS) == 21
    assert {m.name for m in MODELS} <= set(listed) | {"mnist_cntk"}
    assert all(json.loads(m.meta.read_text())["inputs"] for m in MODELS)
