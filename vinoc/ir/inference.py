"""The types of nodes: inferred when a node is made, and again when what it reads has changed."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import loc as _loc
from .constant import Constant
from .errors import InferenceError, VinocError
from .known import follow, same_known
from .loc import AnyLoc
from .node import Node, Value
from .op import Op, check_arity, port_name
from .types import Type, check_size

if TYPE_CHECKING:
    from .graph import Graph


def infer(node: Node) -> Sequence[Type]:
    """The types of a node's outputs from its operands. Raises InferenceError that names the node."""
    op, inputs = node.op, node.inputs
    cls, count = type(op), len(inputs)
    if count < cls.min_inputs or (cls.max_inputs is not None and count > cls.max_inputs):
        raise InferenceError(check_arity(cls, count) or "", node.where)
    if None in inputs[: cls.min_inputs]:
        missing = inputs.index(None)
        raise InferenceError(f"{cls.kind} needs its input `{port_name(cls, missing)}`", node.where)
    try:
        found = op.infer(*inputs, bodies=node.bodies) if cls.n_bodies else op.infer(*inputs)
        types: Sequence[Type] = found if isinstance(found, tuple) else (found,)
        for t in types:
            check_size(t)
        return types
    except InferenceError as error:
        if error.where is not None:
            raise
        given = ", ".join(str(v.type) if v is not None else "-" for v in inputs)
        what = f"{cls.kind}: {error.what}" + (f" [inputs: {given}]" if given else "")
        raise InferenceError(what, node.where, error.help) from None


def detached(
    op: Op, inputs: Sequence[Value | None], *, bodies: Sequence[Graph] = (), loc: AnyLoc = _loc.UNKNOWN, name: str = ""
) -> Node:
    """A node that is in no graph yet, with its outputs inferred; its operands do not know of it.

    Raises InferenceError, naming the node, when the operation cannot take the operands.
    """
    ins = tuple(inputs)
    while ins and ins[-1] is None:
        ins = ins[:-1]
    node = Node(op, ins, tuple(bodies), loc)
    if type(op) is Constant and not ins:  # what reads a file has checked its size
        node.outputs = (Value(op.infer(), node, 0, name),)
        follow(node)
        return node
    types = infer(node)
    if len(types) == 1:
        node.outputs = (Value(types[0], node, 0, name),)
    else:
        names = [f"{name}.{i}" if i and name else name for i in range(len(types))]
        node.outputs = tuple([Value(t, node, i, n) for i, (t, n) in enumerate(zip(types, names, strict=True))])
    if op.symbolic:
        follow(node)
    return node


def retype(nodes: Sequence[Node]) -> list[Node]:
    """Infers nodes again and whatever depends on what changed, in order. Returns all that were inferred.

    Raises InferenceError for a node that cannot take its operands any more.
    """
    heap = [(n._order, i, n) for i, n in enumerate(nodes)]
    heapq.heapify(heap)
    seen = set(nodes)
    done: list[Node] = []
    while heap:
        _, _, node = heapq.heappop(heap)
        done.append(node)
        for out in _outputs_changed(node):
            for user in out.users:
                if user not in seen:
                    seen.add(user)
                    heapq.heappush(heap, (user._order, len(seen), user))
    return done


def _outputs_changed(node: Node) -> list[Value]:
    """Infers a node again; those of its outputs of which another type, or other contents, are known now."""
    types = infer(node)
    if len(types) != len(node.outputs):
        raise VinocError(f"{node.where} has {len(node.outputs)} outputs, now {len(types)}")
    before = [(out.type, out.known) for out in node.outputs]
    for out, new in zip(node.outputs, types, strict=True):
        out.type = new
    follow(node)
    pairs = zip(node.outputs, before, strict=True)
    return [out for out, (type, known) in pairs if out.type != type or not same_known(known, out.known)]
