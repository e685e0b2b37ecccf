"""What users call a tensor: by its name, by a node, by a node's port."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...ir.errors import UsageError, did_you_mean
from ..frontends.outline import Outline


def tensor_called(outline: Outline, name: str, option: str) -> str:
    """The tensor at which a model is to begin.

        t        a tensor, or the one tensor other than weights that node t reads
        0:node   what the node reads at port 0
        node:0   what it computes at port 0

    Raises UsageError: for unknown names with the nearest, for a node that reads several tensors with all of them, and
    where others than the node read the tensor, too, and would begin there as well.
    """
    known = outline.tensors()
    if name in known:
        return name
    if name in outline.nodes:
        reads = [t for t in dict.fromkeys(outline.nodes[name][0]) if t and t not in outline.weights]
        if len(reads) != 1:
            listed = ", ".join(f"{i}:{name} is '{t}'" for i, t in enumerate(outline.nodes[name][0]) if t)
            raise UsageError(
                f"node '{name}' reads {len(reads)} tensors that are no weights",
                option,
                f"say which: {listed or 'none'}",
            )
        return _alone(outline, reads[0], name, option)
    before, after = re.fullmatch(r"(\d+):(.+)", name), re.fullmatch(r"(.+):(\d+)", name)
    if before and before[2] in outline.nodes:
        return _alone(outline, _port(outline.nodes[before[2]][0], int(before[1]), name, option), before[2], option)
    if after and after[1] in outline.nodes:
        return _port(outline.nodes[after[1]][1], int(after[2]), name, option)
    inner = before[2] if before else after[1] if after else name
    near = did_you_mean(inner, [*known, *outline.nodes]) or f"its inputs: {', '.join(outline.inputs)}"
    raise UsageError(f"the model has no tensor or node '{inner}'", option, near)


def _port(listed: Sequence[str], index: int, name: str, option: str) -> str:
    if index >= len(listed) or not listed[index]:
        raise UsageError(
            f"'{name}': the node has no port {index}", option, f"it has {len(listed)}: {', '.join(listed)}"
        )
    return listed[index]


def _alone(outline: Outline, tensor: str, node: str, option: str) -> str:
    mine = outline.nodes[node][0]
    if tensor not in outline.inputs and outline.readers[tensor] > list(mine).count(tensor):
        raise UsageError(
            f"tensor '{tensor}', which node '{node}' reads, is read by others, too",
            option,
            f"name the tensor where they are to begin there as well: {option} '{tensor}'",
        )
    return tensor
