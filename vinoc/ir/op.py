"""How operations are declared: one class says all that an operation means.

    @op(opset=1)
    class Clamp(Op):
        "Limits every element to [min, max]."

        min: float
        max: float

        def infer(self, data: Operand) -> TensorType:
            return data.type

        def evaluate(self, data: Array) -> Array:
            return np.clip(data, self.min, self.max)

The fields are the attributes; the parameters of `infer` are the input ports: one with the default None is
optional, `*args` is variadic. Parser, printer, verifier, interpreter, IR layer and the op table derive from it.

`evaluate` is also the source of generated NumPy modules, so it uses `np`, its arguments, `self.<field>`
and plain functions of its own module or of `kernels`, which import nothing but NumPy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Protocol, dataclass_transform

from .cached import Cached
from .dtype import Array, DType
from .errors import VinocError, did_you_mean
from .families import Families
from .fields import USUAL, Attribute, Check, attributes_of, checker
from .ops.index import INDEX
from .record import later, record
from .types import Shape, TensorType, Type


class Operand(Protocol):
    """What `infer` may know of an input."""

    @property
    def type(self) -> Type: ...

    @property
    def tensor(self) -> TensorType:
        """The type, where it is a tensor's; InferenceError for sequences and optionals."""

    @property
    def dtype(self) -> DType: ...

    @property
    def shape(self) -> Shape | None: ...

    @property
    def rank(self) -> int | None: ...

    @property
    def known(self) -> Array | None:
        """The value, where it is a constant or made of dimensions: an array of numbers or an object
        array of ints and symbols; else None. Only integers and booleans are followed, and few of them."""

    @property
    def const(self) -> Array | None:
        """The array, where the value is a constant of any type and size; else None. Loads it."""


class TensorOperand:
    """An operand that stands in no graph: of a type, and with its array where that is known."""

    def __init__(self, type: TensorType, array: Array | None = None) -> None:
        self.type = self.tensor = type
        self.dtype, self.shape, self.rank = type.dtype, type.shape, type.rank
        self.const = array
        self.known = array if array is not None and array.dtype.kind in "iub" else None


Types = Type | tuple[Type, ...]
"""What `infer` returns: the type of the only output, or one for each."""


@record(frozen=True)
class Port:
    """An input of an operation."""

    name: str
    optional: bool = False
    variadic: bool = False


class Op:
    """An operation without edges: its kind and attributes. Frozen, hashable, compared by value.

    Class facts, set by the `op` decorator or in the class body:
      kind         name, as OpenVINO spells it
      opset        the opset in which this form is registered ("opset8"); None for internal operations
      commutative  the two inputs may be exchanged
      pure         no state and no randomness: may be folded, merged, dropped
      symbolic     `evaluate` also works on object arrays of dimensions (shape arithmetic)
      foldable     constant folding may replace it
      n_bodies     how many subgraphs a node of this kind holds
    """

    kind: ClassVar[str]
    opset: ClassVar[int | None]
    internal: ClassVar[bool] = False
    commutative: ClassVar[bool] = False
    pure: ClassVar[bool] = True
    symbolic: ClassVar[bool] = False
    n_bodies: ClassVar[int] = 0
    ports: ClassVar[tuple[Port, ...]] = ()
    min_inputs: ClassVar[int] = 0
    max_inputs: ClassVar[int | None] = 0
    _checks: ClassVar[tuple[tuple[str, type | None, Check], ...]] = ()

    infer: ClassVar[Callable[..., Types]]
    """Types of the outputs from the operands. Raises InferenceError. With bodies: keyword `bodies`, the graphs."""
    evaluate: ClassVar[Callable[..., Any]]
    """The outputs from arrays: an array, or a tuple. With bodies: keyword `bodies`, callables list -> list."""

    @property
    def foldable(self) -> bool:
        return self.pure and not self.n_bodies

    def __post_init__(self) -> None:
        values = self.__dict__
        for name, usual, check in self._checks:
            value = values[name]
            if value.__class__ is not usual:
                values[name] = check(value)
        self.validate()

    def validate(self) -> None:
        """Raises VinocError when attributes contradict each other. For subclasses to refine."""

    def attributes(self) -> Iterator[tuple[Attribute, Any]]:
        for a in attributes_of(type(self)):
            yield a, getattr(self, a.name)

    @Cached
    def _key(self) -> tuple[Any, ...]:
        return (type(self), *(getattr(self, f) for f in self.__dataclass_fields__))  # type: ignore[attr-defined]

    @Cached
    def _hash(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Op) and type(self) is type(other) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        fields = ", ".join(f"{a.name}={v!r}" for a, v in self.attributes())
        return f"{self.kind}({fields})"


_REGISTRY: dict[str, type[Op]] = {}
_OWNERS: dict[str, str] = {}
_families = Families(f"{__package__}.ops", INDEX)


def field(*, default: Any = dataclasses.MISSING, ir_name: str = "") -> Any:
    """A field whose name in IR differs from its Python name (`exclude-pad`)."""
    metadata = {"ir_name": ir_name}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, field_specifiers=(field,), eq_default=False)
def op(*, opset: int | None = None, kind: str | None = None, internal: bool = False) -> Callable[[type], Any]:
    """Declares the class an operation and registers it under `kind` (default: the class name)."""
    if (opset is None) != internal:
        raise TypeError("an operation has an opset, or is internal")

    def declare(cls: type) -> type:
        assert issubclass(cls, Op)
        cls.kind = kind or cls.__name__
        cls.opset = opset
        cls.internal = internal
        cls.ports = _ports(cls)
        cls.min_inputs = sum(not (p.optional or p.variadic) for p in cls.ports)
        cls.max_inputs = None if any(p.variadic for p in cls.ports) else len(cls.ports)
        cls._checks = _LazyChecks()  # type: ignore[assignment]  # a descriptor
        later(cls, frozen=True, eq=False, repr=False)
        register(cls)
        return cls

    return declare


def register(cls: type[Op]) -> None:
    """Adds an operation; a name that is taken is an error that names both owners."""
    owner = f"{cls.__module__}.{cls.__qualname__}"
    if cls.kind in _REGISTRY and _OWNERS[cls.kind] != owner:
        raise VinocError(
            f"operation '{cls.kind}' is declared twice: by {_OWNERS[cls.kind]} and by {owner}",
            help="rename one of them with @op(kind=...)",
        )
    _REGISTRY[cls.kind] = cls
    _OWNERS[cls.kind] = owner


def registry() -> dict[str, type[Op]]:
    """All operations by kind: the built-in ones, and those of installed packages (entry points `vinoc.ops`)."""
    from .entries import load_all

    _families.load_all()
    load_all("vinoc.ops")
    return _REGISTRY


def op_class(kind: str) -> type[Op]:
    """The operation of that name. Raises VinocError with the nearest name."""
    found = _REGISTRY.get(kind)
    if found is None:
        _families.load(kind)
        found = _REGISTRY.get(kind) or registry().get(kind)
    if found is None:
        raise VinocError(f"no operation '{kind}'", help=did_you_mean(kind, _REGISTRY) or "`vinoc ops` lists all")
    return found


def _ports(cls: type[Op]) -> tuple[Port, ...]:
    code = cls.infer.__code__
    names = code.co_varnames[1 : code.co_argcount]
    optional = len(cls.infer.__defaults__ or ())
    out = [Port(n, optional=i >= len(names) - optional) for i, n in enumerate(names)]
    if code.co_flags & 0x04:  # *args
        out.append(Port(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], variadic=True))
    return tuple(out)


class _LazyChecks:
    """Stands in for a class's checks until its first instance."""

    def __get__(self, instance: object, owner: type[Op]) -> tuple[tuple[str, type | None, Check], ...]:
        checks = tuple((a.name, USUAL.get(a.kind), checker(owner.kind, a)) for a in attributes_of(owner))
        owner._checks = checks
        return checks


def check_arity(cls: type[Op], count: int) -> str | None:
    """What is wrong with `count` inputs, or None."""
    if count < cls.min_inputs or (cls.max_inputs is not None and count > cls.max_inputs):
        wanted = str(cls.min_inputs)
        if cls.max_inputs is None:
            wanted = f"at least {wanted}"
        elif cls.max_inputs != cls.min_inputs:
            wanted = f"{wanted} to {cls.max_inputs}"
        names = ", ".join(p.name for p in cls.ports)
        return f"{cls.kind} takes {wanted} inputs ({names}), got {count}"
    return None


def port_name(cls: type[Op], index: int) -> str:
    if index < len(cls.ports) and not cls.ports[index].variadic:
        return cls.ports[index].name
    return f"input {index}"


def as_tuple(result: Any) -> Sequence[Any]:
    return result if isinstance(result, tuple) else (result,)
