"""Constant in its many forms."""

from __future__ import annotations

import numpy as np

from .....ir.buffer import Buffer
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter

FORMS = (
    "value",
    "sparse_value",
    "value_float",
    "value_floats",
    "value_int",
    "value_ints",
    "value_string",
    "value_strings",
)


@converter("Constant")
def constant(ctx: NodeContext) -> Value:
    """A constant: a tensor, sparse or not, a number, a string, or a list of these."""
    form = next((f for f in FORMS if ctx.has(f)), None)
    if form is None:
        ctx.fail("Constant has no value", f"it needs one of the attributes {', '.join(FORMS)}")
    if form == "value":
        return ctx.b.const(ctx.buffer_attr(form))
    value = ctx.attr(form)
    if form == "sparse_value":
        return ctx.b.const(value)
    if form.startswith("value_string"):
        strings = np.empty(np.shape(value), object)
        strings[...] = value
        return ctx.b.const(Buffer.of(strings))
    return ctx.b.const(np.asarray(value, np.float32 if form.startswith("value_float") else np.int64))
