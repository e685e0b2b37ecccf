"""A backend in a package of its own: `vinoc MODEL -t dot` writes the graph in Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vinoc.backends.files import written_together
from vinoc.ir.errors import VinocError
from vinoc.ir.graph import Graph


class DotBackend:
    """One box a node, one arrow a value."""

    name = "dot"
    lowering = "fold,dce"

    def write(self, graph: Graph, directory: Path, name: str, **options: Any) -> Sequence[Path]:
        """Writes `name`.dot. Raises VinocError for nodes with bodies, all of them at once."""
        nested = [f"'{n.label}' ({n.kind})" for n in graph if n.bodies]
        if nested:
            raise VinocError(f"graphs inside of nodes cannot be drawn: {', '.join(nested)}", help="try `-t ir`")
        path = directory / f"{name}.dot"
        with written_together([path]) as (file,):
            file.write("\n".join(lines(graph)).encode())
        return [path]


def lines(graph: Graph) -> Iterator[str]:
    """The text."""
    names = {v: f"in{i}" for i, v in enumerate(graph.inputs)}
    yield "digraph {"
    for value, name in names.items():
        yield f'  {name} [label="{value.name}", shape=ellipse]'
    for i, node in enumerate(n for n in graph if n.kind != "Constant"):
        yield f'  n{i} [label="{node.kind}", shape=box]'
        for value in filter(None, node.inputs):
            if value in names:
                yield f'  {names[value]} -> n{i} [label="{value.type}"]'
        names |= dict.fromkeys(node.outputs, f"n{i}")
    yield "}"
