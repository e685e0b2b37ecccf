"""Imports go one way: ir <- passes <- backends <- compiler <- runtime <- tools."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vinoc

ROOT = Path(vinoc.__file__).parent
# What each layer may import besides itself.
ALLOWED = {
    "ir": set(),
    "passes": {"ir"},
    "compiler.frontends": {"ir"},
    "backends": {"ir", "passes"},
    "compiler": {"ir", "passes", "backends", "compiler.frontends"},
    "runtime": {"ir", "passes", "backends", "compiler", "compiler.frontends"},
    "tools": {"ir", "passes", "backends", "compiler", "runtime", "vinoc"},
    "vinoc": {"ir", "passes", "backends", "compiler", "runtime"},
}


def layer_of(module: str) -> str:
    parts = module.split(".")[1:]
    if parts[:2] == ["compiler", "frontends"]:
        return "compiler.frontends"
    return parts[0] if parts and parts[0] in ALLOWED else "vinoc"


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute module) of every import of ours, wherever it stands in the file."""
    package = ["vinoc", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            if node.module:
                yield node.lineno, ".".join([*base, node.module])
            else:
                for alias in node.names:
                    yield node.lineno, ".".join([*base, alias.name])
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vinoc":
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "vinoc":
                    yield node.lineno, alias.name


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    here = layer_of(".".join(["vinoc", *path.relative_to(ROOT).with_suffix("").parts]))
    wrong = [
        f"line {line}: {here} imports {there} ({module})"
        for line, module in imports(path)
        if module != "vinoc.__version__" and (there := layer_of(module)) != here and there not in ALLOWED[here]
    ]
    assert not wrong, "\n".join(wrong)


def test_kernels_import_numpy_alone() -> None:
    """The sources of `ir/kernels` are copied into generated modules."""
    for path in (ROOT / "ir" / "kernels").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module in ("__future__", "typing", "collections.abc", "math"), f"{path.name}: {node.module}"
            elif isinstance(node, ast.Import):
                assert all(a.name in ("numpy", "math", "re", "struct", "zlib") for a in node.names), path.name
