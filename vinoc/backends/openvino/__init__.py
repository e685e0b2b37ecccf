"""OpenVINO IR: the files that OpenVINO reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...ir.errors import Problem
from ...ir.graph import Graph

if TYPE_CHECKING:
    from .writer import WrittenFiles, write_ir

__all__ = ["OpenVinoBackend", "WrittenFiles", "write_ir"]


class OpenVinoBackend:
    """Target `ir`. The operations are mostly OpenVINO's already, so there is little to lower."""

    name = "ir"
    lowering = "inline-if,eliminate-dropout,eliminate-no-axes,expand-for-openvino,mean-to-avg-pool"

    def problems(self, graph: Graph) -> list[Problem]:
        """Everything in a graph that IR cannot hold."""
        from .check import check

        return check(graph)

    def write(self, graph: Graph, directory: Path, name: str, **options: Any) -> Sequence[Path]:
        """Writes `name.xml`, `name.bin` and `name.mapping`; `options` are those of `write_ir`."""
        from .writer import write_ir

        return tuple(write_ir(graph, Path(directory) / f"{name}.xml", **options))


def __getattr__(name: str) -> Any:
    if name not in ("WrittenFiles", "write_ir"):
        raise AttributeError(f"module 'vinoc.backends.openvino' has no attribute '{name}'")
    from . import writer  # the runtime, which names layers as IR does, needs no more of this package

    return getattr(writer, name)
