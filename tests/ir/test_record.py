"""`record` beside `dataclass`: the same behaviour, made later."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Barrier, Thread
from typing import Any, ClassVar

import pytest

from vinoc.ir.record import record

Decorator = Callable[..., Any]
OPTIONS: list[dict[str, bool]] = [
    {},
    {"frozen": True},
    {"eq": False},
    {"frozen": True, "eq": False},
    {"kw_only": True},
    {"frozen": True, "kw_only": True},
    {"repr": False},
]


def base(decorate: Decorator, **options: bool) -> type:
    @decorate(**options)
    class Thing:
        kind: ClassVar[str] = "thing"
        a: int
        b: tuple[int, ...] = (1,)
        c: list[int] = field(default_factory=list, compare=False)
        d: float = field(default=2.0, repr=False, kw_only=True)
        e: dict[str, int] = field(default_factory=dict, init=False)

    return Thing


def pair(**options: bool) -> tuple[type, type]:
    return base(dataclass, **options), base(record, **options)


def outcome(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (TypeError, AttributeError, dataclasses.FrozenInstanceError) as error:
        return type(error)


USES: dict[str, Callable[[type], Any]] = {
    "made": lambda t: vars(t(a=1)),
    "by position": lambda t: vars(t(1, (2,), [3], d=4.0)),
    "missing": lambda t: t(),
    "too many": lambda t: t(1, (2,), [3], 4.0),
    "unknown": lambda t: t(a=1, x=2),
    "not init": lambda t: t(a=1, e={}),
    "own default": lambda t: t(a=1).c is not t(a=1).c,
    "equal": lambda t: t(a=1, c=[2]) == t(a=1, c=[3]),
    "unequal": lambda t: t(a=1) == t(a=2),
    "other class": lambda t: t(a=1) == 1,
    "set": lambda t: setattr(t(a=1), "a", 2),
    "set other": lambda t: setattr(t(a=1), "x", 2),
    "delete": lambda t: delattr(t(a=1), "a"),
    "fields": lambda t: [(f.name, f.type, f.default, f.init, f.kw_only) for f in dataclasses.fields(t)],
    "replace": lambda t: vars(dataclasses.replace(t(a=1), a=2, b=())),
    "asdict": lambda t: dataclasses.asdict(t(a=1)),
    "match": lambda t: t.__match_args__,  # type: ignore[attr-defined]
    "copied": lambda t: vars(copy.deepcopy(t(a=1, b=(5,)))),
    "class variable": lambda t: t.kind,  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("use", USES)
def test_as_a_dataclass(use: str, options: dict[str, bool]) -> None:
    theirs, ours = (outcome(lambda t=t: USES[use](t)) for t in pair(**options))  # type: ignore[misc]
    assert ours == theirs


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_text_hash_and_signature(options: dict[str, bool]) -> None:
    def simple(decorate: Decorator) -> type:
        @decorate(**options)
        class Pair:
            first: int
            second: Any = None

        return Pair

    theirs, ours = simple(dataclass), simple(record)
    if options.get("repr", True):
        assert repr(ours(first=1)) == repr(theirs(first=1))
        mine = ours(first=1)
        object.__setattr__(mine, "second", mine)  # a circle
        assert repr(mine).count("...") == 1
    else:
        assert "__repr__" not in vars(ours)
    assert inspect.signature(ours) == inspect.signature(theirs)
    hashable = theirs.__hash__ is not None
    assert (ours.__hash__ is not None) == hashable
    if options.get("eq", True) and hashable:
        assert hash(ours(first=1)) == hash(ours(first=1)) != hash(ours(first=2))


def test_inheritance() -> None:
    def family(decorate: Decorator) -> tuple[type, type]:
        @decorate(frozen=True)
        class Base:
            a: int
            b: int = 2

            def __post_init__(self) -> None:
                object.__setattr__(self, "seen", (self.a, self.b))

        @decorate(frozen=True)
        class Below(Base):
            b: int = 5
            c: int = 7

        class Plain(Below):
            """Not decorated."""

        return Below, Plain

    for theirs, ours in zip(family(dataclass), family(record), strict=True):
        assert vars(ours(1)) == vars(theirs(1))
        assert vars(ours(1, c=3)) == vars(theirs(1, c=3))
        assert [f.name for f in dataclasses.fields(ours)] == [f.name for f in dataclasses.fields(theirs)]
        assert repr(ours(1)) == repr(theirs(1))
        assert ours(1) == ours(1) != ours(2)
    below, plain = family(record)
    assert below(1) != plain(1)


def test_own_methods_stay() -> None:
    @record(frozen=True)
    class Own:
        a: int = 0

        def __init__(self) -> None:
            object.__setattr__(self, "a", 9)

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 3

        def __repr__(self) -> str:
            return "own"

    assert (Own().a, repr(Own()), hash(Own())) == (9, "own", 3)
    assert Own() == 1
    assert [f.name for f in dataclasses.fields(Own)] == ["a"]


def test_threads_meet_at_the_first_instance() -> None:
    for _ in range(20):
        cls = base(record)
        start = Barrier(4)
        made: list[Any] = []

        def make(cls: type = cls, start: Barrier = start, made: list[Any] = made) -> None:
            start.wait()
            made.append(cls(a=1))

        threads = [Thread(target=make) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert made == [cls(a=1)] * 4
