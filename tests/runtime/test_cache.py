"""CACHE_DIR, export and import of compiled models."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.backends.cpu import blob
from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f32, i64
from vinoc.ir.errors import ModelError, UsageError, VinocError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

X = np.random.default_rng(0).standard_normal((1, 8, 12, 12)).astype(np.float32)


def model(batch: Any = 1, scale: float = 0.1) -> vinoc.Model:
    """A convolution with an activation, a product, and picked elements."""
    random = np.random.default_rng(1)
    graph = Graph("small")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (batch, *X.shape[1:])), "x", ("x",))
    w = (scale * random.standard_normal((24, 8, 3, 3))).astype(np.float32)
    y = b.Convolution(x, w, strides=[1, 1], dilations=[1, 1], pads_begin=[1, 1], pads_end=[1, 1])
    y = b.Sigmoid(b.ReduceMean(y, np.array([2, 3]), keep_dims=False))
    y = b.MatMul(y, random.standard_normal((24, 5)).astype(np.float32))
    indices = graph.add_input(TensorType(i64, (2,)), "at", ("at",))
    graph.add_output(b.Gather(y, indices, np.int64(1)), ("y", "result"))
    return vinoc.Model(graph)


AT = np.array([4, 0])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.xml"
    vinoc.save_model(model(), path, compress_to_fp16=False)
    return path


def test_a_model_file_is_compiled_once(file: Path, tmp_path: Path) -> None:
    config = {"CACHE_DIR": str(tmp_path / "cache")}
    first, second = (vinoc.compile_model(file, "CPU", config) for _ in range(2))
    assert [m.get_property("LOADED_FROM_CACHE") for m in (first, second)] == [False, True]
    assert len(list((tmp_path / "cache").iterdir())) == 1
    np.testing.assert_array_equal(first([X, AT])["result"], second({"x": X, "at": AT})["y"])
    assert repr(first.inputs) == repr(second.inputs)
    assert repr(first) == repr(second)


def test_what_was_asked_and_what_the_file_holds_decide(file: Path, tmp_path: Path) -> None:
    def loaded(**config: Any) -> bool:
        config["CACHE_DIR"] = str(tmp_path / "cache")
        return bool(vinoc.compile_model(file, "CPU", config).get_property("LOADED_FROM_CACHE"))

    assert not loaded()
    assert not loaded(EXECUTION_MODE_HINT="ACCURACY")
    assert not loaded(INFERENCE_PRECISION_HINT="f16")
    assert not loaded(INFERENCE_PRECISION_HINT="f32"), "asked for, it keeps all bits of weights"
    assert loaded(EXECUTION_MODE_HINT="PERFORMANCE")
    assert not loaded(LP_TRANSFORMS_MODE="NO")
    assert not loaded(INFERENCE_NUM_THREADS=7)
    assert loaded()
    assert loaded(MODEL_PRIORITY="LOW")
    assert not loaded(PERF_COUNT=True), "what is stored keeps no times"
    vinoc.save_model(model(scale=0.2), file, compress_to_fp16=False)
    os.utime(file.with_suffix(".bin"), ns=(1, 1))
    assert not loaded()
    assert loaded()


@pytest.mark.parametrize("damage", [b"", b"something else", None])
def test_a_damaged_file_is_made_again(file: Path, tmp_path: Path, damage: bytes | None) -> None:
    config = {"CACHE_DIR": str(tmp_path)}
    vinoc.compile_model(file, "CPU", config)
    (kept,) = tmp_path.glob("*.blob")
    kept.write_bytes(kept.read_bytes()[:-5000] if damage is None else damage)
    again = vinoc.compile_model(file, "CPU", config)
    assert not again.get_property("LOADED_FROM_CACHE")
    assert vinoc.compile_model(file, "CPU", config).get_property("LOADED_FROM_CACHE")


def test_a_folder_that_cannot_be_written(file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(VinocError, match="CACHE_DIR cannot be written"):
        vinoc.compile_model(file, "CPU", {"CACHE_DIR": str(tmp_path / "taken")})


def test_export_and_import(tmp_path: Path) -> None:
    compiled = vinoc.compile_model(model(), "CPU", {"NUM_STREAMS": 2, "INFERENCE_NUM_THREADS": 2})
    expected = compiled([X, AT])[0]
    exported = compiled.export_model()
    assert exported is not None
    stream = io.BytesIO()
    compiled.export_model(stream)
    (tmp_path / "m.blob").write_bytes(exported)
    for source in (exported, io.BytesIO(stream.getvalue()), tmp_path / "m.blob"):
        found = vinoc.Core().import_model(source, "CPU")
        np.testing.assert_array_equal(found([X, AT])[0], expected)
        with pytest.raises(VinocError, match="has no graph"):
            _ = found.graph
        assert found.export_model() == exported


def test_a_loaded_model_checks_its_data() -> None:
    found = vinoc.Core().import_model(vinoc.compile_model(model(), "CPU").export_model(), "CPU")
    with pytest.raises(VinocError, match=r"Gather.*index 5 is out of bounds for axis 1 with size 5"):
        found([X, np.array([5, 0])])
    with pytest.raises(UsageError):
        found([X[:, :4], AT])
    np.testing.assert_array_equal(found([X, AT])[0], vinoc.compile_model(model(), "CPU")([X, AT])[0])


def test_another_process_loads_it_without_the_compiler(tmp_path: Path) -> None:
    exported = vinoc.compile_model(model(), "CPU").export_model()
    assert exported is not None
    (tmp_path / "m.blob").write_bytes(exported)
    np.save(tmp_path / "x.npy", X)
    code = """
import sys
import numpy as np
from vinoc import Core
y = Core().import_model(sys.argv[1] + "/m.blob")([np.load(sys.argv[1] + "/x.npy"), np.array([4, 0])])[0]
np.save(sys.argv[1] + "/y.npy", y)
print([m for m in sys.modules if m.startswith(("vinoc.backends.cpu.lowering.conv", "onnx", "lark", "numba"))])
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), vinoc.compile_model(model(), "CPU")([X, AT])[0])


def test_what_cannot_be_stored_says_so() -> None:
    with pytest.raises(VinocError, match="made when shapes are known that now are open") as caught:
        vinoc.compile_model(model(symbol("N")), "CPU").export_model()
    assert "give input 'x' a shape" in str(caught.value)
    graph = Graph("staged")
    x = graph.add_input(TensorType(f32, (4,)), "x")
    graph.add_output(Builder(graph).NonZero(x, output_type=i64), ("y",))
    with pytest.raises(VinocError, match="made when shapes are known that now are open") as caught:
        vinoc.compile_model(vinoc.Model(graph), "CPU").export_model()
    assert "NonZero" in str(caught.value)
    with pytest.raises(VinocError, match="compiled for TEMPLATE cannot be stored"):
        vinoc.compile_model(model(), "TEMPLATE").export_model()
    graph = Graph("island")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (4, 4)), "x")
    graph.add_output(b.Inverse(x), ("y",))
    with pytest.raises(VinocError, match=r"no generated kernel for .*Inverse"):
        vinoc.compile_model(vinoc.Model(graph), "CPU").export_model()


def test_compiled_models_stay_in_their_process() -> None:
    compiled = vinoc.compile_model(model(), "CPU")
    for way in (pickle.dumps, copy.deepcopy, copy.copy):
        with pytest.raises(TypeError, match=r"cannot be pickled or copied: send its `Model`.* `export_model\(\)`"):
            way(compiled)
    sent = pickle.loads(pickle.dumps(model()))
    np.testing.assert_array_equal(vinoc.compile_model(sent, "CPU")([X, AT])[0], compiled([X, AT])[0])


@pytest.mark.parametrize("change", ["sources", "target"])
def test_blobs_of_others_are_refused(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = vinoc.compile_model(model(), "CPU").export_model()
    if change == "sources":
        monkeypatch.setattr(blob, "sources", lambda: "another")
        match = "another version of vinoc"
    else:
        monkeypatch.setattr(blob, "host", lambda: vinoc_target("neon"))
        match = "is for a processor"
    with pytest.raises(ModelError, match=match):
        vinoc.Core().import_model(exported, "CPU")
    with pytest.raises(ModelError, match="not a compiled model"):
        vinoc.Core().import_model(b"\x08\x07 an ONNX file", "CPU")


def vinoc_target(name: str) -> Any:
    from vinoc.backends.cpu.codegen.target import target

    return target(name)
