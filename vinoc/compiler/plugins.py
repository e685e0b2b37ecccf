"""Plugin files: Python files, given with `--plugin`, that declare passes, operations, ONNX converters, CPU kernels."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ..backends.cpu.custom import declared_in
from ..ir.errors import UsageError, VinocError
from ..ir.op import registry as operations
from ..passes.registry import add_module
from .frontends.onnx.registry import declared_by

_loaded: dict[Path, Plugin] = {}


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a plugin file declares."""

    path: Path
    passes: tuple[str, ...]
    operations: tuple[str, ...]
    converters: tuple[str, ...]
    kernels: tuple[str, ...]


def load_plugins(paths: Iterable[str | Path]) -> list[Plugin]:
    """Runs plugin files and registers what they declare; a file that is given twice is run once.

    Raises UsageError for a file that is missing or declares nothing, VinocError when it fails or takes a name.
    """
    return [load_plugin(path) for path in paths]


def load_plugin(path: str | Path) -> Plugin:
    """Runs one plugin file. Raises as `load_plugins` does."""
    shown, path = str(path), Path(path).resolve()
    if path in _loaded:
        return _loaded[path]
    if not path.is_file():
        raise UsageError("there is no such plugin file", shown, "--plugin takes a Python file that declares passes")
    before = set(operations())
    module_name = f"vinoc_plugin_{path.stem}_{len(_loaded)}"
    spec = spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError("a plugin is a Python file", shown, "its name ends in .py")
    module = module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
        passes = add_module(module, shown)
    except Exception as error:
        del sys.modules[module_name]
        if isinstance(error, VinocError):
            error.where = f"{shown}, {error.where}" if error.where else shown
            raise
        raise VinocError(f"the plugin fails: {type(error).__name__}: {error}", _place(error, path, shown)) from error
    new_operations = tuple(sorted(set(operations()) - before))
    converters = tuple(declared_by(module_name))
    kernels = tuple(declared_in(module_name))
    if not (passes or new_operations or converters or kernels):
        del sys.modules[module_name]
        raise UsageError(
            "the plugin declares no pass, no operation, no converter and no kernel",
            shown,
            "decorate a class with @graph_pass, @rewrite or @op, or a function with @converter or @cpu_kernel",
        )
    _loaded[path] = Plugin(path, tuple(passes), new_operations, converters, kernels)
    return _loaded[path]


def _place(error: Exception, path: Path, shown: str) -> str:
    """The last line of the plugin file that the error went through."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{shown}:{error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path]
    return f"{shown}:{lines[-1]}" if lines else shown
