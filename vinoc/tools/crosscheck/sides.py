"""What is compared: `FILE`, `FILE@ENGINE`, `FILE@ENGINE:PRECISION`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ...ir.errors import UsageError, check_known

ENGINES = ("reference", "cpu", "onnxruntime", "openvino")
ALIASES = {"template": "reference", "ref": "reference", "ort": "onnxruntime", "ov": "openvino"}
PRECISIONS = ("f32", "f16", "bf16")
STORED = ".npz"


@dataclass(frozen=True)
class Side:
    """A model and what runs it; or a file of tensors, which a run left.

    passes  a pipeline that the model goes through first, for vinoc's engines
    every   whether every tensor is kept, though nodes can then not be fused
    """

    path: Path
    engine: str = "reference"
    precision: str = ""
    passes: str = ""
    every: bool = False

    @property
    def is_stored(self) -> bool:
        return self.path.suffix == STORED

    @property
    def is_own(self) -> bool:
        """Whether vinoc runs it."""
        return self.engine in ("reference", "cpu") and not self.is_stored

    def __str__(self) -> str:
        if self.is_stored:
            return self.path.name
        precision = f":{self.precision}" if self.precision else ""
        return f"{self.path.name}@{self.engine}{precision}"


def read_side(text: str, passes: str = "", every: bool = False) -> Side:
    """A side from its text; the reference where that names no engine. Raises UsageError for what cannot be run."""
    file, at, rest = text.rpartition("@")
    if not at or Path(text).exists():
        file, rest = text, ""
    name, _, precision = rest.partition(":")
    path = Path(file)
    if not path.exists():
        raise UsageError("there is no such file", file, "write FILE, FILE@ENGINE or FILE@ENGINE:PRECISION")
    side = Side(path, _engine(name) if name else "reference", _precision(precision), passes, every)
    if side.is_stored and (rest or passes):
        raise UsageError("holds tensors: it is not run", file, f"give '{file}' alone")
    if passes and not side.is_own:
        raise UsageError(f"{side.engine} does not run vinoc's passes", "--passes", "choose reference or cpu")
    if side.engine == "onnxruntime" and side.precision not in ("", "f32"):
        raise UsageError(f"onnxruntime computes in the model's own precision, not in {side.precision}", text)
    return side


def _engine(name: str) -> str:
    found = ALIASES.get(name.lower(), name.lower())
    check_known("engine", found, ENGINES)
    return found


def _precision(text: str) -> str:
    if text:
        check_known("precision", text.lower(), PRECISIONS)
    return text.lower()


def other(side: Side) -> Side:
    """What a model is compared with where nothing else is named: itself on the CPU, or by the reference."""
    return replace(side, engine="cpu" if side.engine == "reference" else "reference", precision="", passes="")
