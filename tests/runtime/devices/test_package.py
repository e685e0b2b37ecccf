"""A device of an installed package, as another process finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "examples" / "plugin" / "vinoc-sample-plugin" / "src"

CODE = """
import numpy as np, vinoc
from vinoc.ir.text import parse_graph
text = "graph g(x: f32[2]) -> (y) {\\n  a = Add(x, x)\\n  b = ReLU(a)\\n  y = Multiply(b, b)\\n}"
core, model = vinoc.Core(), vinoc.Model(parse_graph(text))
print(core.available_devices, core.get_property("ABACUS", "DEVICE_ARCHITECTURE"), core.get_property("ABACUS", "BEADS"))
found = core.query_model(model, "HETERO:ABACUS,CPU")
print([found[n] for n in "aby"])
divided = core.compile_model(model, "HETERO:ABACUS,CPU", {"BEADS": 5})
print(divided(np.array([-1, 3], np.float32))["y"].tolist(), divided.get_property("EXECUTION_DEVICES"))
print(core.compile_model(model, "AUTO").get_property("EXECUTION_DEVICES"))
try:
    core.compile_model(model, "ABACUS")
except vinoc.VinocError as error:
    print(error.what)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The part of an installed package that tells of its device."""
    info = tmp_path / "abacus-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: abacus\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vinoc.devices]\nABACUS = vinoc_sample_plugin.abacus:Abacus\n")
    return tmp_path


def run(folder: Path, code: str) -> str:
    path = os.pathsep.join([str(folder), str(SOURCE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_package_brings_a_device(folder: Path) -> None:
    assert run(folder, CODE).splitlines() == [
        "['CPU', 'ABACUS', 'TEMPLATE'] wood 10",
        "['ABACUS', 'CPU', 'ABACUS']",
        "[0.0, 36.0] ['ABACUS', 'CPU']",
        "['CPU']",
        "ABACUS cannot compute 'b' (ReLU): it has no ReLU",
    ]


def test_a_name_that_two_packages_claim(folder: Path) -> None:
    (folder / "abacus-1.0.dist-info" / "entry_points.txt").write_text("[vinoc.devices]\nCPU = other:Cpu\n")
    code = "import vinoc\ntry:\n    vinoc.Core().available_devices\nexcept vinoc.VinocError as e:\n    print(e.what)"
    text = run(folder, code)
    assert "two devices are named 'CPU'" in text
    assert "abacus (other:Cpu)" in text
