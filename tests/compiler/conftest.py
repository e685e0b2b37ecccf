"""Fixtures for the driver and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from vinoc.compiler.cli import main

TINY = """\
graph tiny(x: f32[N,3,8,8]) -> (y as ("prob")) from "tiny.onnx" {
  w = Constant() : f32[4,3,3,3] = random(1)  @"conv"(Conv)
  s = Constant() : f32[1,4,1,1] = [1.0, 2.0, 0.5, 4.0]  @"scale"(Mul)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}  @"conv"(Conv)
  m = Multiply(c, s)  @"scale"(Mul)
  y = ReLU(m)  @"relu"(Relu)
  dead = Abs(c)  @"dead"(Abs)
}
"""


class Run(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line on stderr: what scripts read."""
        return self.err.rstrip("\n").rsplit("\n", 1)[-1]


Cli = Callable[..., Run]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in this process."""

    def run(*arguments: object) -> Run:
        capfd.readouterr()
        code = main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err or "--debug" in arguments
        return Run(code, out, err)

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A small model in text form."""
    path = tmp_path / "tiny.vir"
    path.write_text(TINY)
    return path
