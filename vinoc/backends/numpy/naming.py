"""Python identifiers out of the names of tensors and operations."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

LONGEST = 32
"""Characters. Of longer names the last parts of the path are kept."""

RESERVED = frozenset(dir(builtins)) | set(keyword.kwlist) | {"np", "w", "sys", "Path"}
"""Names that generated code must not bind."""
_WORDS = {
    "PReLU": "prelu",
    "ReLU": "relu",
    "SoftMax": "softmax",
    "SoftPlus": "softplus",
    "SoftSign": "softsign",
    "MatMul": "matmul",
    "HSwish": "hswish",
    "HSigmoid": "hsigmoid",
    "ROIAlign": "roi_align",
    "NV12toBGR": "nv12_to_bgr",
    "NV12toRGB": "nv12_to_rgb",
    "I420toBGR": "i420_to_bgr",
    "I420toRGB": "i420_to_rgb",
}


class Names:
    """Gives out names, each once, and none of the reserved."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken: set[str] = set(reserved)
        self._next: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def take(self, wanted: str) -> str:
        """`wanted`, or with the first free number behind it."""
        name = wanted
        if name in self:
            n = self._next.get(wanted, 2)
            while (name := f"{wanted}_{n}") in self:
                n += 1
            self._next[wanted] = n + 1
        self._taken.add(name)
        return name


def snake(kind: str) -> str:
    """`batch_norm_inference` of `BatchNormInference`."""
    if kind in _WORDS:
        return _WORDS[kind]
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    return f"{text}_" if keyword.iskeyword(text) else text


def variable(label: str, kind: str) -> str:
    """An identifier that reminds of a tensor's name; one that says nothing gives way to the operation's kind."""
    text = re.sub(r"_output_\d+$|:\d+$", "", label.strip(), flags=re.IGNORECASE)
    parts = [p for p in re.split(r"\W+", text, flags=re.ASCII) if p]
    while len(parts) > 1 and len("_".join(parts)) > LONGEST:
        del parts[0]
    name = re.sub("__+", "_", "_".join(parts)).strip("_").lower()
    if not re.search("[a-z]", name):
        return f"{snake(kind)}{'_' + name if name else ''}"
    name = name[-2 * LONGEST :].lstrip("_")
    return f"v_{name}" if name[0].isdigit() else name


def printable(text: str) -> str:
    """Text that may stand in a comment or a docstring."""
    return "".join(c if c.isprintable() else "?" for c in text).replace("\\", "/").replace('"""', "'''")
