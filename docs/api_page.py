"""docs/openvino-api.md: what of OpenVINO's Python API is there, and what is not."""

from __future__ import annotations

import runpy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from vinoc.runtime.opsets.missing import MISSING as FACTORIES
from vinoc.runtime.opsets.module import names

TESTS = Path(__file__).parents[1] / "tests" / "runtime" / "behaviour"
OPSETS = range(1, 17)

TEXT = """\
# OpenVINO's Python API

A program written for OpenVINO changes its import and goes on:

```python
import numpy as np
import vinoc as ov
from vinoc import opset13 as ops

data = ops.parameter([-1, 3, 8, 8], np.float32, name="data")
weights = ops.constant(np.full((4, 3, 3, 3), 0.1, np.float32))
features = ops.relu(ops.convolution(data, weights, [1, 1], [0, 0], [0, 0], [1, 1]) - 1)
model = ov.Model([ops.result(features, name="features")], [data], "small")

compiled = ov.Core().compile_model(model, "CPU")
print(compiled({"data": np.ones((2, 3, 8, 8), np.float32)})["features"].shape)
```

Names, arguments, defaults and results are OpenVINO's. `tests/runtime/behaviour` holds calls of each part of the API
with what they give, run with `vinoc` and with `openvino` (2026.4); `tests/runtime/test_opsets.py` builds and runs one
model with each factory of nodes in both. Errors are `VinocError`, a `RuntimeError`, and say what was expected.

What is meant to differ:

- Numbers take the element type of the other operand (`x * 2` for any `x`), and nodes know `** % @ -x < <= > >=`, too.
- Types follow a change at once; OpenVINO waits for `validate_nodes_and_infer_types`, which here compares them.
- A node belongs to one model. A model made of nodes that another one has gets copies of those, and shares the rest.
- `Node.name` is the friendly name; OpenVINO has a second one that cannot be changed.
- A node of an older opset is the operation of today where both mean the same: `MaxPool` of opset 1 has two outputs.
- A configuration key that no device knows is refused at once, and so is a value that cannot be set.
- A tensor inside of a model keeps one name once the model is copied; inputs and outputs keep all.
"""


def api() -> Iterator[str]:
    """docs/openvino-api.md"""
    missing = runpy.run_path(str(TESTS / "missing.py"))
    yield from TEXT.splitlines()
    yield ""
    yield "## Factories of nodes"
    yield ""
    yield f"`vinoc.opset1` ({len(names(1))} factories) to `vinoc.opset16` ({len(names(16))}). These are missing:"
    yield ""
    yield from _by_reason("factories", FACTORIES)
    yield ""
    yield "## Names that are missing"
    yield ""
    yield from _by_reason("names", missing["MISSING_NAMES"])
    yield ""
    yield "## Calls that are missing, or answered otherwise"
    yield ""
    yield "As they stand in `tests/runtime/behaviour`."
    yield ""
    yield from _by_reason("calls", missing["MISSING"])


def _by_reason(what: str, reasons: Mapping[str, str]) -> Iterator[str]:
    """A table with a row a reason."""
    found: dict[str, list[str]] = {}
    for name, reason in sorted(reasons.items()):
        found.setdefault(reason, []).append(name)
    yield f"| {what} | why |"
    yield "|---|---|"
    for reason, listed in sorted(found.items()):
        yield f"| {_code(listed)} | {reason} |"


def _code(listed: Iterable[str]) -> str:
    return ", ".join(f"`{name}`".replace("|", "\\|") for name in listed)
