"""The backend `cpu`: a compiled model in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...ir.errors import UsageError
from ...ir.graph import Graph
from ..files import written_together


class CpuBackend:
    """Writes what the CPU device would run: schedule, packed weights and machine code in one file, and both to read.

    `<name>.blob` is what `Core.import_model` loads, `<name>.plan` the schedule as a table, `<name>.ll` the generated
    code. The file is for this kind of processor and for as many threads as this process may use.
    """

    name = "cpu"
    lowering = "widen,decompress{keep-products=true},integer-weights,fold,dce"

    def write(self, graph: Graph, directory: Path, name: str, **options: Any) -> Sequence[Path]:
        """Writes the three files, all of them or none.

        Raises VinocError that names the nodes which have no generated kernel, or inputs whose shapes are open.
        """
        from .blob import write
        from .report import steps_of, table

        executable = self.compile(graph, **options)
        blob = executable.blob()
        program = executable.program([tuple(int(n) for n in type.shape or ()) for _, type in blob.inputs])
        code = {f.name: f.build for f in blob.image.functions}
        texts = {
            "plan": "".join("\t".join(row).rstrip() + "\n" for row in table(steps_of(program))),
            "ll": "\n".join(executable.library.text(name, build) for name, build in code.items()),
        }
        files = [directory / f"{name}.{suffix}" for suffix in ("blob", *texts)]
        with written_together(files) as (stream, *others):
            write(blob, stream)
            for other, text in zip(others, texts.values(), strict=True):
                other.write(text.encode())
        return files

    def compile(self, graph: Graph, **options: Any) -> Any:
        """An executable of the graph, which it takes over: large constants are given up once they are packed."""
        from .device import Executable

        if options:
            raise UsageError(f"target cpu has no option '{next(iter(options))}'")
        return Executable(graph, owned=True)
