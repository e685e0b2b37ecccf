"""The frame of a generated module: header, weights, the model, checks of inputs, command line, functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...ir.dim import Sym
from ...ir.types import TensorType, Type
from .layout import quoted, wrapped
from .literals import dtype_text
from .naming import printable
from .source import THIRD_PARTY

FIXED_NAMES = (
    *("i64", "i32", "f32", "f16", "f64", "boolean", "only"),
    *("model", "infer", "main", "check", "state", "reset", "load_weights", "INPUTS", "OUTPUTS"),
)
"""What the frame itself defines."""


class Port(NamedTuple):
    """An input or output by its public name."""

    name: str
    type: Type


@dataclass
class Module:
    """All parts of a module; `render` puts them together."""

    name: str
    origin: str
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    parameters: Sequence[str]
    body: Sequence[str]
    makers: Sequence[str]
    functions: Sequence[str]
    imports: Sequence[str]
    has_weights: bool
    has_state: bool
    language: str = "NumPy"
    splats: Sequence[str] = ()
    prepared: Sequence[str] = ()

    def render(self) -> str:
        own = {"import sys", "from pathlib import Path"}
        futures = [i for i in self.imports if i.startswith("from __future__")]
        stdlib = sorted(_merged({*own, *self.imports} - set(futures)), key=_import_order)
        numpy = ["import numpy as np", *(i for i in stdlib if i.split()[1].partition(".")[0] in THIRD_PARTY)]
        stdlib = [i for i in stdlib if i not in numpy]
        blocks = [
            self._header(),
            "from __future__ import annotations",
            "\n".join(stdlib),
            "\n".join(numpy),
        ]
        text = "\n\n".join(blocks) + "\n\n"
        parts = ["\n".join([*self._table("INPUTS", self.inputs), *self._table("OUTPUTS", self.outputs)])]
        weights = [_WEIGHTS] if self.has_weights else ["w = {}"] if self.splats or self.prepared else []
        parts += ["\n".join([*weights, *self.splats])] if weights else []
        parts += [_STATE] if self.has_state else []
        parts += [*self.makers, self._model(), self._infer(), _CHECK]
        text += "\n\n\n".join(parts)
        if self.functions:
            text += "\n\n\n# The operations\n\n\n" + "\n\n\n".join(self.functions)
        if self.prepared:
            lines = [line for statement in self.prepared for line in wrapped(statement)]
            text += "\n\n\n" + "\n".join(["# Weights as the loops read them", *lines])
        return f"{text}\n\n\n{_main(self.name)}"

    def _header(self) -> str:
        origin = f" from {self.origin}" if self.origin else ""
        lines = [f"{self.name}{origin}, as {self.language} code; made by vinoc.", ""]
        files = f"The weights are in {self.name}.npz beside this file. " if self.has_weights else ""
        lines += [
            f"{files}Use `infer` from Python, or run",
            "",
            f"    python {self.name}.py input.npz [output.npz]",
            "",
        ]
        lines += _described("Inputs", self.inputs) + _described("Outputs", self.outputs)
        return '"""' + "\n".join(printable(line) for line in lines) + '\n"""'

    def _table(self, name: str, ports: Sequence[Port]) -> list[str]:
        lines = [f"{name} = {{"]
        for port in ports:
            if isinstance(port.type, TensorType):
                shape = "None" if port.type.shape is None else _shape_text(port.type)
                lines.append(f"    {quoted(port.name)}: ({dtype_text(port.type.dtype)}, {shape}),")
            else:
                lines.append(f"    {quoted(port.name)}: (list, None),")
        return [*lines, "}"]

    def _model(self) -> str:
        head = wrapped(f"def model({', '.join(self.parameters)}):")
        if len(head) == 1 and len(head[0]) > 120:
            inside = head[0][len("def model(") : -2]
            head = ["def model(", *(f"    {p}," for p in inside.split(", ")), "):"]
        doc = '    """Takes arrays in the order of INPUTS, returns those of OUTPUTS."""'
        return "\n".join(['@np.errstate(all="ignore")', *head, doc, *self.body])

    def _infer(self) -> str:
        single = len(self.outputs) == 1
        lines = [
            "def infer(inputs):",
            '    """A dictionary of outputs from a dictionary of inputs, both by the names of the model."""',
            "    unknown = sorted(set(inputs) - set(INPUTS))",
            "    if unknown:",
            '        raise KeyError(f"no input {unknown[0]!r}; inputs are {list(INPUTS)}")',
            "    arrays = [check(name, inputs.get(name)) for name in INPUTS]",
            f"    outputs = {'[model(*arrays)]' if single else 'model(*arrays)'}",
            "    return {name: np.asarray(array, type) for (name, (type, _)), array in zip(OUTPUTS.items(), outputs)}",
        ]
        if any(not isinstance(p.type, TensorType) for p in self.outputs):
            lines[-1] = "    return dict(zip(OUTPUTS, outputs))"
        return "\n".join(lines)


_WEIGHTS = '''def load_weights():
    """The weights by name; strings come back as objects."""
    with np.load(Path(__file__).with_suffix(".npz")) as file:
        arrays = {name: file[name] for name in file.files}
    return {name: a.astype(object) if a.dtype.kind == "U" else a for name, a in arrays.items()}


w = load_weights()'''

_STATE = '''state = {}


def reset():
    """Forgets the variables that `model` keeps from call to call."""
    state.clear()'''

_CHECK = '''def check(name, value):
    """The input as an array of the element type and shape that INPUTS declares. A name in a shape is any size."""
    dtype, shape = INPUTS[name]
    if value is None:
        raise KeyError(f"input {name!r} is missing")
    if dtype is list:
        return tuple(value)
    array = np.asarray(value)
    if dtype is np.object_ and array.dtype.kind == "U":
        array = array.astype(object)
    if array.dtype != dtype:
        raise TypeError(f"input {name!r} must be {np.dtype(dtype)}, it is {array.dtype}")
    fits = shape is None or (
        len(shape) == array.ndim and all(not isinstance(d, int) or d == n for d, n in zip(shape, array.shape))
    )
    if not fits:
        raise ValueError(f"input {name!r} must have shape {shape}, it has {array.shape}")
    return array'''


def _main(name: str) -> str:
    return f'''def main(arguments):
    """Reads the inputs from an npz file, prints what comes out and writes it, when asked, to another."""
    if len(arguments) not in (1, 2):
        sys.exit("usage: python {printable(name)}.py input.npz [output.npz]")
    with np.load(arguments[0]) as file:
        inputs = {{name: file[name] for name in INPUTS if name in file}}
    outputs = infer(inputs)
    for name, array in outputs.items():
        print(f"{{name}}: {{array.dtype}} {{list(array.shape)}}")
        print(np.array2string(array, threshold=20, precision=6))
    if len(arguments) == 2:
        np.savez(arguments[1], **outputs)


if __name__ == "__main__":
    main(sys.argv[1:])
'''


def _shape_text(type: TensorType) -> str:
    items = [quoted(str(d)) if isinstance(d, Sym) else str(d) for d in type.shape or ()]
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _described(title: str, ports: Sequence[Port]) -> list[str]:
    width = max((len(p.name) for p in ports), default=0)
    return [f"{title}:", *(f"    {p.name:{width}}  {p.type}" for p in ports)]


def _merged(statements: Iterable[str]) -> Iterator[str]:
    """What several statements import from one module, in one statement."""
    names: dict[str, set[str]] = {}
    for statement in statements:
        source, found, name = statement.partition(" import ")
        if found:
            names.setdefault(source, set()).update(name.split(", "))
        else:
            yield statement
    yield from (f"{source} import {', '.join(sorted(n))}" for source, n in names.items())


def _import_order(statement: str) -> tuple[bool, str]:
    words = statement.split()
    return words[0] == "from", words[1]
