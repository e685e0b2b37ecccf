"""What a pass is.

A pass is a frozen dataclass; its fields are its options, so parsing, help, defaults and printing back need no
further code: `clamp-activations{limit=8}` makes `ClampActivations(limit=8)`. It gets a valid graph and leaves a
valid graph. It sees one graph at a time; the manager descends into bodies.

    @graph_pass("clamp-activations")
    class ClampActivations(Pass):
        "Limits the output of every ReLU."
        limit: float = 6.0

        def run(self, graph: Graph, context: Context) -> int: ...
"""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from ..ir.errors import UsageError, VinocError, did_you_mean
from ..ir.fields import attributes_of, checker
from ..ir.graph import Graph
from ..ir.loc import AnyLoc
from ..ir.record import later, record

if TYPE_CHECKING:
    from .camera import Camera


@record(frozen=True)
class Declined:
    """A rule that almost applied, and why it did not. `alone`: it looked at one operation, of which there are many."""

    rule: str
    where: str
    why: str
    alone: bool = False


@record(frozen=True)
class Rewritten:
    """One application of a rule: what it replaced, by what."""

    rule: str
    source: AnyLoc
    kinds: tuple[str, ...]
    results: tuple[str, ...]


@record(frozen=True)
class Note:
    """What a pass found at a node that its user should know."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@record()
class Context:
    """What passes report while they run; one for each step of a pipeline.

    `limit`: how many rewrites may be made. `root`: the whole model, where the pass is given a body of it. `found`:
    what the pass keeps for itself from one graph of the model to the next. `camera`: who takes pictures of rewrites.
    """

    explain: bool = False
    matches: Counter[str] = field(default_factory=Counter)
    declined: list[Declined] = field(default_factory=list)
    rewritten: list[Rewritten] = field(default_factory=list)
    limit: int | None = None
    notes: list[Note] = field(default_factory=list)
    root: Graph | None = None
    found: Any = None
    camera: Camera | None = None

    @property
    def is_spent(self) -> bool:
        """Whether no rule may rewrite anything more."""
        return self.limit is not None and self.made >= self.limit

    @property
    def made(self) -> int:
        """How many rewrites there were."""
        return sum(self.matches.values())

    def rewrote(self, rule: str, source: AnyLoc, kinds: Iterable[str], results: Iterable[str]) -> None:
        """One rewrite was made: of nodes of these names, from these framework nodes, to nodes of these kinds."""
        self.matches[rule] += 1
        if self.explain:
            self.rewritten.append(Rewritten(rule, source, tuple(kinds), tuple(results)))

    def decline(self, rule: str, where: str, why: str, alone: bool = False) -> None:
        if self.explain:
            self.declined.append(Declined(rule, where, why, alone))

    def note(self, where: str, what: str) -> None:
        self.notes.append(Note(where, what))


@record(frozen=True)
class Pass:
    """Base of all passes."""

    name: ClassVar[str]
    after: ClassVar[tuple[tuple[str, str], ...]] = ()
    """(other pass, reason): where both are in a pipeline, the other comes first. Checked, never reordered."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """Kinds of operations: it does nothing to a graph that has none of them. Empty: it looks at every graph."""
    face: ClassVar[bool] = False
    """True: it changes what the model computes, or its ports, as it was told to. It does not enter bodies."""
    rounds: ClassVar[float] = 0.0
    """How far it may move outputs, relative to their range, because it stores numbers with fewer bits."""

    def run(self, graph: Graph, context: Context) -> int:
        """Changes the graph; returns how many changes it made."""
        raise NotImplementedError

    def concerns(self, kinds: set[str]) -> bool:
        """Whether it may do anything to a graph of operations of these kinds."""
        return not self.needs or not kinds.isdisjoint(self.needs)

    @classmethod
    def summary(cls) -> str:
        return (cls.__doc__ or "").strip().split("\n")[0]

    def __post_init__(self) -> None:
        for a in attributes_of(type(self)):
            fixed = checker(self.name, a)(getattr(self, a.name))
            object.__setattr__(self, a.name, fixed)
        self.validate()

    def validate(self) -> None:
        """Raises UsageError when options contradict each other. For subclasses to refine."""

    def __str__(self) -> str:
        options = [
            f"{a.name.replace('_', '-')}={format_option(getattr(self, a.name))}"
            for a in attributes_of(type(self))
            if getattr(self, a.name) != a.default
        ]
        return self.name + (f"{{{','.join(options)}}}" if options else "")


P = TypeVar("P", bound=type)


@dataclass_transform(frozen_default=True)
def graph_pass(name: str) -> Callable[[P], P]:
    """Declares a class a pass of that name."""

    def declare(cls: P) -> P:
        if not issubclass(cls, Pass):
            raise TypeError(f"{cls.__name__} is decorated as a pass but does not inherit from Pass")
        cls.name = name
        # One without options is what its base is.
        options = any("ClassVar" not in str(t) for t in inspect.get_annotations(cls).values())
        if options:
            later(cls, frozen=True)
        return cls

    return declare


def make(cls: type[Pass], options: dict[str, Any]) -> Pass:
    """A pass with options as a pipeline spells them (dashes or underscores). Raises UsageError."""
    known = {a.name: a for a in attributes_of(cls)}
    values: dict[str, Any] = {}
    for key, value in options.items():
        name = key.replace("-", "_")
        if name not in known:
            hint = did_you_mean(name, known)
            listed = ", ".join(n.replace("_", "-") for n in known) or "none"
            raise UsageError(f"pass '{cls.name}' has no option '{key}'", help=f"{hint} its options: {listed}".strip())
        if known[name].kind in ("ints", "floats", "strs") and not isinstance(value, list | tuple):
            value = (value,)
        values[name] = value
    missing = [n for n, a in known.items() if a.default is dataclasses.MISSING and n not in values]
    if missing:
        raise UsageError(f"pass '{cls.name}' needs option '{missing[0]}'", help=f"write {cls.name}{{{missing[0]}=...}}")
    try:
        return cls(**values)
    except UsageError:
        raise
    except VinocError as error:
        raise UsageError(error.what.replace("attribute", "option"), help=error.help) from None


def format_option(value: Any) -> str:
    """An option's value as a pipeline string spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{','.join(map(format_option, value))}]"
    if isinstance(value, str):
        plain = value and all(c.isalnum() or c in "_-." for c in value) and value[0].isalpha()
        return (
            value
            if plain and value not in ("true", "false", "none")
            else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        )
    return "none" if value is None else repr(value)
