"""What has no kernel is listed, with the reason; and nothing is listed that has one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.cpu.coverage import AROUND, FOLDED, ISLANDS, has_kernel, support
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.engine.program import Program
from vinoc.backends.cpu.lowering.plan import Island
from vinoc.compiler.config import CPU_PASSES
from vinoc.compiler.driver import read_model
from vinoc.ir.op import registry
from vinoc.passes import PassManager

from ...conftest import SHARED
from ...models import zoo
from .checked import check, data

PAGE = Path(__file__).parents[3] / "docs" / "cpu.md"
EXAMPLES = sorted((PAGE.parents[1] / "examples" / "models").rglob("*.onnx"))


def ours() -> list[str]:
    return [k for k, cls in registry().items() if cls.__module__.startswith("vinoc.") and cls.opset is not None]


def test_every_operation_without_a_kernel_is_listed() -> None:
    without = {k for k in ours() if not has_kernel(k) and k not in AROUND | FOLDED}
    assert without == set(ISLANDS)


def test_the_page_lists_them() -> None:
    section = PAGE.read_text().partition("## Islands")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if re.match(r"\| [A-Z]", line)]
    assert {kind: why for kinds, why in rows for kind in kinds.split(", ")} == ISLANDS


def test_what_the_table_of_operations_says() -> None:
    found = {k: support(k) for k in ("Convolution", "Add", "TopK", "If", "ShapeOf", "NonZero")}
    wanted = ("kernel", "kernel", "kernel", "around kernels", "folded", "island")
    assert tuple(found.values()) == wanted


def islands(path: Path, inputs: list[np.ndarray]) -> list[str]:
    """The kinds of nodes that are islands in a model, in all plans that a run makes."""
    graph = read_model(path)
    PassManager(CPU_PASSES).run(graph)
    found: list[str] = []
    make = Program.__init__

    def watched(program: Program, image: object, *args: object) -> None:
        make(program, image, *args)  # type: ignore[arg-type]
        found.extend(s.node.kind if s.node else "copy" for s in program.image.steps if isinstance(s, Island))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "__init__", watched)
        Executable(graph, 1).run(inputs)
    return found


@pytest.mark.shared
@pytest.mark.parametrize("model", zoo.onnx_models(SHARED), ids=lambda m: m.name)
def test_shared_models_have_no_other_islands(model: zoo.Model) -> None:
    case = next(iter(model.cases()))
    names = [n[0] for n in read_model(model.path).input_names]
    found = islands(model.path, [np.asarray(case.inputs[n]) for n in names])
    assert [kind for kind in found if kind not in ISLANDS and kind not in AROUND] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_models_have_no_islands(path: Path) -> None:
    graph = read_model(path)
    inputs = [np.zeros([d if isinstance(d, int) else 1 for d in v.shape or ()], v.dtype.numpy) for v in graph.inputs]
    assert islands(path, inputs) == []


def test_an_island_that_is_not_listed_is_found(tmp_path: Path) -> None:
    """The check above can fail."""
    file = tmp_path / "m.vir"
    file.write_text("graph g(m: f32[2,2]) -> (i) { i = Inverse(m) {adjoint=false} }")
    assert islands(file, [np.eye(2, dtype=np.float32)]) == ["Inverse"]


def test_a_chain_over_more_dimensions_than_kernels_have() -> None:
    """It is an island with a body, of which no plan is made: that would end in the same island."""
    x, y = data(4, 3, 1, 4, 1, 5, 1), data(5, 1, 6, 4, 2, 5, 20)
    check(lambda b, u, v: b.Exp(b.Add(u, v)), x, y, islands=["Region"])
