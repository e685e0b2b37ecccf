"""Operations of plugins: their sources are copied with what they call, and what cannot be copied is said."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vinoc.backends.numpy.codegen import Generator
from vinoc.backends.numpy.layout import wrapped
from vinoc.backends.numpy.naming import snake, variable
from vinoc.ir import op as ir_op
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.errors import ConversionError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

from .numpy_modules import assert_same

HEAD = """
from __future__ import annotations
from typing import ClassVar
import numpy as np
from vinoc.ir.dtype import Array, DType
from vinoc.ir.op import Op, op
from . import other
from .other import helper as renamed

class Base(Op):
    def infer(self, data):
        return data.type
"""

OTHER = '''
import functools
import numpy as np

# The limit, with a comment above it.
LIMIT = 4
"""Said of the limit."""
TABLE = tuple(i * i for i in range(LIMIT))


@functools.lru_cache
def table(n):
    # a comment inside
    return np.array(TABLE[:n], np.float32)


def helper(x, scale=1.0):
    """Helps."""
    if x.shape[0] > LIMIT:
        raise ValueError(f"{x.shape[0]} is above {LIMIT} of {table(1)!r}")  # noqa: B028
    return x * np.float32(scale) + table(x.shape[0])


def relu(x):
    return helper(x, 3.0) if x.ndim else relu(x[None])
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Makes a package of an operation module and `other`; forgets its operations in the end."""
    before = dict(ir_op._REGISTRY), dict(ir_op._OWNERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"plugin_{tmp_path.name}".replace("-", "_")

    def make(text: str) -> ModuleType:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "other.py").write_text(OTHER)
        (tmp_path / name / "ops.py").write_text(HEAD + text)
        return importlib.import_module(f"{name}.ops")

    yield make
    for registry, old in zip((ir_op._REGISTRY, ir_op._OWNERS), before):
        registry.clear()
        registry.update(old)
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


def graph_of(*kinds: str) -> Graph:
    graph = Graph("g")
    value = graph.add_input(TensorType(f32, (3,)), "x")
    for kind in kinds:
        value = getattr(Builder(graph), kind)(value)
    graph.add_output(value, "y")
    return graph


def test_helpers_constants_and_comments_are_copied_once(plugin: Callable[[str], ModuleType]) -> None:
    plugin('''
@op(internal=True)
class PlugFirst(Base):
    """Shadows a function's name with a local one."""
    scale: float = 2.0

    def evaluate(self, data):
        # why
        helper = other.helper(data, self.scale)
        return helper + renamed(data)

@op(internal=True)
class PlugSecond(Base):
    """Of the same name as a function of NumPy's backend."""

    def evaluate(self, data: Array) -> Array:
        return other.relu(data)
''')
    graph = graph_of("PlugFirst", "ReLU", "PlugSecond")
    assert_same(graph, [np.array([-5, 1, 2], np.float32)])
    text = Generator(graph, "m").render()[0]
    assert text.count('"""Helps."""') == 1
    assert text.count("def relu(") == 1  # vinoc's, since it comes first
    assert "def other_relu(x):" in text
    for kept in ("# The limit, with a comment above it.", '"""Said of the limit."""', "# a comment inside", "# why"):
        assert kept in text
    assert "def plug_first(data, *, scale: float = 2.0):" in text
    assert "import functools" in text
    assert "noqa" not in text


def test_facts_of_the_class_are_written_out(plugin: Callable[[str], ModuleType]) -> None:
    plugin('''
class Family(Base):
    function: ClassVar = np.exp
    shift: ClassVar[float] = 0.0
    other_function: ClassVar = staticmethod(other.helper)

    def evaluate(self, data):
        return self.other_function(self.function(data)) + np.float32(self.shift)

@op(internal=True)
class PlugTanh(Family):
    """tanh."""
    function: ClassVar = np.tanh
    shift: ClassVar[float] = 1.5

@op(internal=True)
class PlugExp(Family):
    """exp."""
''')
    graph = graph_of("PlugTanh", "PlugExp")
    assert_same(graph, [np.array([-1, 0, 1], np.float32)])
    text = Generator(graph, "m").render()[0]
    assert "helper(np.tanh(data)) + np.float32(1.5)" in text
    assert "helper(np.exp(data)) + np.float32(0.0)" in text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return self.twice(data)", "uses `self.twice`, which is no attribute"),
        ("return super().evaluate(data)", "calls that of its base class"),
        ("return data * len(repr(self))", "uses `self` as a whole"),
        ("return data * yaml.x", "imports `yaml`, generated modules import NumPy alone"),
        ("return njit(data)", "`from numba import njit`: the module imports numpy alone"),
        ("return data.astype(self.kind_of.name)", "uses the element type `self.kind_of` not as `.numpy`"),
    ],
)
def test_what_cannot_be_copied_is_said(
    body: str, message: str, plugin: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", ModuleType("yaml"))
    plugin(f'''
import yaml
from numba import njit

@op(internal=True)
class PlugOdd(Base):
    """Odd."""
    kind_of: DType = DType.registry["f32"]

    def twice(self, data):
        return data + data

    def evaluate(self, data):
        {body}
''')
    with pytest.raises(ConversionError) as caught:
        Generator(graph_of("PlugOdd", "PlugOdd"), "m").render()
    assert message in str(caught.value)
    assert len(caught.value.problems) == 2


def test_identifiers() -> None:
    assert [snake(k) for k in ("BatchNormInference", "PReLU", "LSTMCell", "If", "IDFT", "NV12toRGB")] == [
        "batch_norm_inference", "prelu", "lstm_cell", "if_", "idft", "nv12_to_rgb",
    ]  # fmt: skip
    assert variable("/backbone/layer1/conv1/Conv_output_0", "Convolution") == "backbone_layer1_conv1_conv"
    assert (
        variable("/a/very/long/path/of/many/parts/that/goes/on/Relu_output_0", "ReLU")
        == "of_many_parts_that_goes_on_relu"
    )
    assert variable("conv1:0", "Convolution") == "conv1"
    assert variable("123", "ReLU") == "relu_123"
    assert variable("", "ReLU") == "relu"
    assert variable("3x3", "ReLU") == "v_3x3"
    assert variable("数", "ReLU") == "relu"


def test_long_lines_are_wrapped_outside_strings() -> None:
    line = "    y = f(" + ", ".join(f'w["a, ({k}"]' for k in range(20)) + ")"
    lines = wrapped(line)
    assert all(len(part) <= 120 for part in lines)
    assert "".join(part.strip() + " " for part in lines).replace("( ", "(").replace(" )", ")").strip() == line.strip()
