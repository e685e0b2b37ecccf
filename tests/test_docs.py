"""The documentation is true: generated tables are fresh, examples run, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_generated_tables_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_files_of_the_architecture() -> None:
    """What the page names is there: files and folders below vinoc/ or the root, and in a file the names behind it."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([\w/]+(?:\.py|/))`(?: \(((?:`\w+`(?:, )?)+)\))?", text)
    assert len(named) > 50
    for path, names in named:
        (found, *_) = [p for p in (ROOT / "vinoc" / path, ROOT / path) if p.exists()] or [None]
        assert found, path
        for name in re.findall(r"\w+", names):
            assert re.search(rf"\b{name}\b", found.read_text()), f"{path}: {name}"


def snippets(language: str) -> list[object]:
    found = []
    for page in PAGES:
        for i, code in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)):
            found.append(pytest.param(code, id=f"{page.name}-{i}"))
    return found


@pytest.mark.parametrize("code", snippets("python"))
def test_python_examples_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    source = code if "@rewrite" not in code or "import" in code else "from vinoc.passes import *\n" + code
    exec(compile(source, "example", "exec", dont_inherit=True), {"__name__": "example"})


def console_examples(page: Path) -> list[tuple[list[str], int, list[str]]]:
    """The commands `$ vinoc ...` on files under examples/: words, exit code (`$ echo $?` shows it), lines shown."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        parts = [part.splitlines() for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
        for (line, *shown), (after, *code) in zip(parts, [*parts[1:], [""]]):
            if line.startswith("vinoc ") and re.search(r"\b(examples|out)/|^vinoc ops", line):
                found.append((shlex.split(line)[1:], int(code[0]) if after == "echo $?" else 0, shown))
    return found


def plain(line: str) -> str:
    """A line of output without its figures, their units of time and its alignment."""
    figures = re.sub(r"\d+(\.\d+)?(e[-+]\d+)?", "#", line)
    return " ".join(re.sub(r"# [um]s\b", "# s", figures).split())


@pytest.mark.parametrize("name", ["guide", "tutorial", "bench", "crosscheck", "run", "accuracy", "quantize"])
def test_console_examples_run(name: str, tmp_path: Path) -> None:
    """In the order of the page, in one folder. `...` stands for anything; figures may differ."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "out").mkdir()
    examples = console_examples(ROOT / "docs" / f"{name}.md")
    assert len(examples) > (15 if name == "guide" else 0)
    for words, code, shown in examples:
        command = [sys.executable, "-m", "vinoc", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        printed = done.stdout + done.stderr
        assert done.returncode == code, f"{words}\n{printed}"
        actual = [plain(line) for line in printed.splitlines()]
        for line in shown:
            wanted = ".*".join(map(re.escape, plain(line).split("...")))
            assert any(re.fullmatch(wanted, a) for a in actual), f"{words} does not print\n{line}\nbut\n{printed}"


def test_every_operation_has_its_cells() -> None:
    """A cell of the op matrix may be added, never lost."""
    from vinoc.compiler.catalogue import support
    from vinoc.ir.op import registry

    expected = json.loads((ROOT / "tests" / "op_matrix.json").read_text())
    actual = support(cls for cls in registry().values() if cls.__module__.startswith("vinoc.ir."))
    lost = [
        f"{kind}: {column}"
        for kind, columns in expected.items()
        for column in columns
        if not actual.get(kind, {}).get(column)
    ]
    assert not lost, "lost from the op matrix (if meant, edit tests/op_matrix.json)"
    new = [k for k, v in actual.items() if sorted(c for c, yes in v.items() if yes) != sorted(expected.get(k, []))]
    assert not new, f"update tests/op_matrix.json for {new}"
