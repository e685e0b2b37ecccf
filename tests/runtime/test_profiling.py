"""PERF_COUNT and `get_profiling_info`, after OpenVINO's."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import vinoc
from vinoc.ir.text import parse_graph

MODEL = """
graph g(x: f32[2,64]) -> (y) {
  w = Constant() : f32[64,32] = random(1)
  m = MatMul(x, w)
  y = Sigmoid(m)
}
"""
X = np.ones((2, 64), np.float32)


@pytest.mark.parametrize("streams", [1, 2])
def test_every_step_of_the_last_inference(streams: int) -> None:
    model = vinoc.Model(parse_graph(MODEL))
    compiled = vinoc.compile_model(model, "CPU", {"PERF_COUNT": True, "NUM_STREAMS": streams})
    request = compiled.create_infer_request()
    assert request.get_profiling_info() == []
    expected = vinoc.compile_model(model, "TEMPLATE")([X])[0]
    for _ in range(3):
        np.testing.assert_allclose(request.infer([X])[0], expected, rtol=1e-5)
    (step,) = request.profiling_info
    assert (step.node_type, step.exec_type, step.layout, step.status.name) == ("matmul", "gemm", "rows", "EXECUTED")
    assert (step.runs, step.flops) == (1, 2 * 2 * 64 * 32)
    assert isinstance(step.real_time, timedelta)
    assert step.real_time == step.cpu_time
    assert step.gflops == pytest.approx(step.flops / step.seconds / 1e9)
    assert step.bound in ("fma", "cache")


def test_it_is_off_by_default() -> None:
    model = vinoc.Model(parse_graph(MODEL))
    request = vinoc.compile_model(model, "CPU").create_infer_request()
    request.infer([X])
    with pytest.raises(vinoc.UsageError, match="without PERF_COUNT"):
        request.get_profiling_info()
    with pytest.raises(vinoc.UsageError, match="the reference keeps no times"):
        vinoc.compile_model(model, "TEMPLATE", {"PERF_COUNT": True}).create_infer_request().get_profiling_info()


def test_it_goes_before_the_cache(tmp_path) -> None:
    vinoc.save_model(vinoc.Model(parse_graph(MODEL)), tmp_path / "m.xml", compress_to_fp16=False)
    config = {"CACHE_DIR": tmp_path / "cache", "PERF_COUNT": True}
    for settings in ({"CACHE_DIR": tmp_path / "cache"}, config):
        request = vinoc.compile_model(tmp_path / "m.xml", "CPU", settings).create_infer_request()
        request.infer([X])
    assert len(request.get_profiling_info()) == 1
