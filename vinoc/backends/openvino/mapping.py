"""The `.mapping` file: which layer and port of the IR holds which tensor of the framework's model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .attributes import escape


class Mapping:
    """Collects pairs of framework tensor and IR port."""

    def __init__(self) -> None:
        self._maps: list[str] = []

    def add(self, node: str, tensors: Iterable[str], layer: str, port: int) -> None:
        """Tensors of a framework node (empty: unknown, the tensor's own name stands for it), at a port of a layer."""
        end = f'\t\t<IR name="{escape(layer)}" output_port_id="{port}" />\n\t</map>\n'
        for tensor in tensors:
            framework = f'name="{escape(node or tensor)}" output_port_id="{escape(tensor)}"'
            self._maps.append(f"\t<map>\n\t\t<framework {framework} />\n{end}")

    def text(self) -> Iterator[str]:
        yield '<?xml version="1.0"?>\n<mapping>\n'
        yield from self._maps
        yield "</mapping>\n"
