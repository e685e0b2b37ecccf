"""What a form is: one node in the shape that an operator has from one opset to another, and what it must compute."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Form:
    """A node that is valid in the versions `since` to `until` of its operator and means the same in all of them."""

    op: str
    inputs: tuple[Array | list[Array] | Maybe | None, ...]
    attributes: dict[str, Any]
    domain: str = ""
    since: int = 1
    until: int = 99
    outputs: int = 1
    want: tuple[Array, ...] | None = None
    """The outputs, where neither onnxruntime nor the reference evaluator has (or has right) the form."""
    why: str = ""
    """Why they are not the oracle."""
    asked: int = 0
    """The first version of which the oracles are asked, where they have older ones wrong."""
    random: bool = False
    """Only types and shapes are determined."""
    constant: tuple[int, ...] = ()
    """Inputs that are initializers."""


@dataclass(frozen=True)
class Maybe:
    """An input that is declared as an optional tensor."""

    value: Array


FORMS: defaultdict[tuple[str, str], list[Form]] = defaultdict(list)


def form(
    op: str,
    *inputs: Any,
    since: int = 1,
    until: int = 99,
    outputs: int = 1,
    want: Any = None,
    why: str = "",
    asked: int = 0,
    random: bool = False,
    constant: tuple[int, ...] = (),
    domain: str = "",
    **attributes: Any,
) -> None:
    """Adds a form to the table."""
    wanted = None if want is None else tuple(want) if isinstance(want, list | tuple) else (want,)
    FORMS[domain, op].append(
        Form(op, inputs, attributes, domain, since, until, outputs, wanted, why, asked, random, constant)
    )  # fmt: skip


def f32(*shape: int) -> Array:
    """Normal noise, the same for the same shape."""
    return np.random.default_rng([7, *shape]).normal(size=shape).astype(np.float32)


def positive(*shape: int) -> Array:
    """Between 0.1 and 0.9."""
    return np.random.default_rng([8, *shape]).uniform(0.1, 0.9, shape).astype(np.float32)


def ints(*values: Any) -> Array:
    """An int64 tensor."""
    return np.array(values, np.int64)


def distinct(*shape: int) -> Array:
    """A permutation: no two elements are the same."""
    count = int(np.prod(shape))
    return np.random.default_rng([9, *shape]).permutation(count).reshape(shape).astype(np.float32)


def bools(*shape: int) -> Array:
    return np.random.default_rng([10, *shape]).random(shape) < 0.5


def bytes_of(*shape: int) -> Array:
    return np.random.default_rng([11, *shape]).integers(0, 255, shape).astype(np.uint8)
