"""Users' kernels in plans: compiled by numba to machine code that the schedule calls."""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

from ...ir import dtype as dt
from ...ir.dtype import DType
from ...ir.errors import UsageError
from ...ir.graph import Node
from .custom import RANGE, UserKernel, user_kernel
from .kernels.foreign import FIRST, foreign
from .lowering.place import Form, Place
from .lowering.plan import Address, Argument, Plan, Unfit, shape_of

TYPES = (dt.f32, dt.f64, dt.i8, dt.i16, dt.i32, dt.i64, dt.u8, dt.u16, dt.u32, dt.u64, dt.boolean)
"""Element types that numba computes with."""

FLOPS = 10
"""For each element of the outputs, where a kernel does not say."""

_compiled: dict[Any, Any] = {}
_lock = threading.Lock()


def lower(plan: Plan, node: Node) -> None:
    """The call of a user's kernel."""
    kernel = user_kernel(node.kind)
    assert kernel is not None
    if any(v is None for v in node.inputs):
        raise Unfit(f"the kernel '{kernel.name}' takes all inputs, and one is left out")
    operands = [v for v in node.inputs if v is not None]
    if kernel.arrays != len(operands) + len(node.outputs):
        raise UsageError(
            f"the kernel '{kernel.name}' takes {kernel.arrays} arrays, the node has {len(operands)} inputs and "
            f"{len(node.outputs)} outputs",
            node.where,
            f"see {kernel.origin}",
        )
    values = [*operands, *node.outputs]
    for value in values:
        if value.dtype not in TYPES:
            raise Unfit(f"numba does not compute with {value.dtype}, so that the kernel '{kernel.name}' cannot")
    sources = [plan.read(v, Form.ROWS) for v in operands]
    outs = [plan.write(v, Form.ROWS) for v in node.outputs]
    targets = [out if out.fits(Form.ROWS) else plan.new(out.shape, out.dtype) for out in outs]
    shapes = [shape_of(v) for v in values]
    _call(plan, node, kernel, [v.dtype for v in values], [*sources, *targets], shapes)
    for out, target in zip(outs, targets, strict=True):
        if target is not out:
            plan.copy(target, out)


def _call(
    plan: Plan, node: Node, kernel: UserKernel, types: list[DType], places: list[Place], shapes: list[tuple[int, ...]]
) -> None:
    constants = {name: getattr(node.op, name) for name in kernel.names if name not in RANGE}
    code = machine_code(kernel, types, [len(s) for s in shapes], constants)
    function = Address(f"numba_{kernel.name}_{code:x}", code)
    inputs = len(node.inputs)
    names = [f"input{k}" if k < inputs else f"output{k - inputs or ''}" for k in range(len(places))]
    args: dict[str, Argument] = dict(zip(names, places, strict=True))
    args |= {f"size{k}_{d}": n for k, shape in enumerate(shapes) for d, n in enumerate(shape)}
    results = shapes[inputs:]
    units = 1
    if RANGE[0] in kernel.names:
        units = kernel.units(node.op, *shapes) if kernel.units else results[0][0] if results[0] else 1
    flops = kernel.flops(node.op, *shapes) if kernel.flops else FLOPS * sum(map(prod, results))
    origin = kernel.origin.replace("{", "{{").replace("}", "}}")
    noted = plan.fault(f"its kernel '{kernel.name}' ({origin}) raised an exception")
    plan.call(foreign(f"numba_{kernel.name}", list(args)), units, flops, function=function, noted=noted, **args)


def machine_code(kernel: UserKernel, types: list[DType], ranks: list[int], constants: dict[str, Any]) -> int:
    """The address of `void f(i64* block, i64 begin, i64 end)`, which calls the function with arrays over the block.

    It is kept for as long as the process lives. Raises UsageError for what numba cannot compile.
    """
    key = (kernel.function, tuple(types), tuple(ranks), repr(constants))
    with _lock:
        found = _compiled.get(key)
        if found is None:
            found = _compiled[key] = _compile(kernel, types, ranks, constants)
    address: int = found.address
    return address


def _compile(kernel: UserKernel, types: list[DType], ranks: list[int], constants: dict[str, Any]) -> Any:
    import numba
    from numba.core import errors
    from numba.core import types as numba_types

    nb: Any = numba_types
    function = kernel.function
    if not hasattr(function, "py_func"):
        function = numba.njit(error_model="numpy")(function)
    space: dict[str, Any] = {"function": function, "carray": numba.carray, "pointer": _pointer(), "noted": np.int64}
    space |= {f"type{k}": t.numpy.type for k, t in enumerate(types)}
    space |= {f"constant_{name}": _plain(kernel, name, value) for name, value in constants.items()}
    exec(_source(kernel, ranks), space)
    signature = nb.void(nb.CPointer(nb.int64), nb.int64, nb.int64)
    try:
        return numba.cfunc(signature)(space["wrapper"])
    except errors.NumbaError as error:
        listed = ", ".join(f"{t}[{','.join('?' * n)}]" for t, n in zip(types, ranks, strict=True))
        why = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UsageError(
            f"numba cannot compile the kernel '{kernel.name}' of '{kernel.kind}' for {listed}",
            kernel.origin,
            next((line for line in reversed(why) if "Error" in line or "rror:" in line), why[0] if why else None),
        ) from error


def _source(kernel: UserKernel, ranks: list[int]) -> str:
    """The Python source of the function with the C interface."""
    at = FIRST + len(ranks)
    arrays = []
    for k, rank in enumerate(ranks):
        sizes = "".join(f"block[{at + d}], " for d in range(rank))
        at += rank
        whole = f"carray(pointer(block[{FIRST + k}]), ({sizes or '1,'}), type{k})"
        arrays.append(whole if rank else f"{whole}.reshape(())")
    rest = [name if name in RANGE else f"constant_{name}" for name in kernel.names]
    lines = [
        "def wrapper(address, begin, end):",
        f"    block = carray(address, ({at},))",
        "    try:",
        f"        function({', '.join([*arrays, *rest])})",
        "    except Exception:",
        "        carray(pointer(block[1]), (2,), noted)[0] = 1",
    ]
    return "\n".join(lines) + "\n"


def _plain(kernel: UserKernel, name: str, value: Any) -> Any:
    """An attribute as a constant that numba knows: a number, a truth value, text, or a tuple of these."""
    if hasattr(value, "value") and not isinstance(value, bool | int | float | str):
        value = value.value
    items = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(v, bool | int | float | str) for v in items):
        raise UsageError(
            f"the kernel '{kernel.name}' takes attribute '{name}', which numba has no type for", kernel.origin
        )
    return value


def _pointer() -> Any:
    """An intrinsic from an address to a pointer."""
    from numba.core import types as nb
    from numba.extending import intrinsic

    @intrinsic  # type: ignore[untyped-decorator]
    def pointer(typing_context: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(nb.voidptr))

        return nb.voidptr(nb.int64), code

    return pointer
