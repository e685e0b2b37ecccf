"""Options of configurations, registries, all problems at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import UsageError
from vinoc.tools.accuracy.base import Named, data_reader, metric, postprocessor, preprocessor, reader
from vinoc.tools.accuracy.options import configure, option, parse
from vinoc.tools.problems import SHOWN, Problems, check

REGISTRIES = (reader, data_reader, preprocessor, postprocessor, metric)


class Thing(Named):
    """Something with options of all kinds."""

    ignored: ClassVar[tuple[str, ...]] = ("old",)
    number: int = option(3, "a number", low=1, high=9)
    share: float | None = option(None, "a share", low=0, high=1)
    flag: bool = option(False, "a flag")
    words: tuple[str, ...] = option((), "words")
    sizes: tuple[int, ...] = option((), "sizes")
    mode: str = option("fast", "a mode", choices=("fast", "slow"))
    file: Path | None = option(None, "a file")
    table: dict[str, Any] = option({}, "a table")
    begin: float = option(0.0, "the start", name="start")


def made(**given: Any) -> Thing:
    return configure(Thing, given, "config.yml")


def test_values_as_they_are_written() -> None:
    thing = made(number="4", share="0.5", flag="yes", words="a, b", sizes=[1, "2"], file="x/y", table={"a": 1}, start=2)
    assert thing == Thing(number=4, share=0.5, flag=True, words=("a", "b"), sizes=(1, 2), file=Path("x/y"),
                          table={"a": 1}, begin=2.0)  # fmt: skip
    assert made(share=None, file="none", old=7) == Thing()
    assert made(file="/x").file == Path("/x")
    assert made(sizes=7).sizes == made(sizes="(7)").sizes == (7,)
    with pytest.raises(AttributeError):
        made().number = 5  # type: ignore[misc]


def test_all_problems_at_once() -> None:
    with pytest.raises(Problems) as error:
        made(numbr=1, number=0, share="x", flag="perhaps", mode="fats", sizes=[1.5])
    told = str(error.value)
    assert len(error.value.problems) == 6
    assert "did you mean 'number'?" in told
    assert "option 'number' is 0: it must be at least 1" in told
    assert "option 'share' is 'x': a number is needed" in told
    assert "did you mean 'fast'?" in told
    assert "1.5: a whole number is needed" in told


def test_places_of_options() -> None:
    with pytest.raises(UsageError) as error:
        configure(Thing, {"number": 12}, "config.yml", places={"number": "config.yml:7"})
    assert error.value.where == "config.yml:7"


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, float("nan"), float("inf"), "1e999", "", b"3"])
def test_no_number(value: Any) -> None:
    with pytest.raises(UsageError):
        made(number=value)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANY = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=3), PLAIN, max_size=2)
NAMES = ["number", "share", "flag", "words", "sizes", "mode", "file", "table", "start"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(NAMES), ANY)
def test_any_value_is_taken_or_refused(name: str, value: Any) -> None:
    told = ""
    try:
        made(**{name: value})
    except UsageError as error:
        told = str(error)
    assert not told or f"option '{name}'" in told


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=5))
def test_numbers_with_commas(values: list[float]) -> None:
    assert parse(", ".join(map(repr, values)), tuple[float, ...]) == tuple(values)


def test_many_problems_are_counted() -> None:
    with pytest.raises(Problems) as error:
        check([UsageError(f"wrong {i}") for i in range(100)], "file")
    assert len(error.value.problems) == 100
    assert str(error.value).count("wrong") == SHOWN
    assert f"and {100 - SHOWN} more" in str(error.value)
    check([], "file")
    with pytest.raises(UsageError, match="alone"):
        check([UsageError("alone")])


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda r: r.kind)
def test_every_class_is_described(registry: Any) -> None:
    """Names, a sentence, and a sentence for each option; defaults are of the type that they have in files."""
    described = list(registry.describe())
    assert described
    for d in described:
        assert d.paragraphs, d.names
        assert all(p.endswith((".", ":")) for p in d.paragraphs), d.names
        for name, kind, default, doc in d.options:
            assert doc, f"{d.names[0]}.{name}"
            assert kind
            assert default
    assert len({n for d in described for n in d.names}) == sum(len(d.names) for d in described) == len(registry.names())


def test_names_that_there_are_not() -> None:
    with pytest.raises(UsageError, match=r"no metric 'acuracy'") as error:
        metric.make("acuracy", {})
    assert error.value.help == "did you mean 'accuracy'?"
    with pytest.raises(UsageError) as error:
        preprocessor.make("xyzzy", {}, "config.yml:3")
    assert error.value.where == "config.yml:3"
    assert "resize" in str(error.value.help)
    with pytest.raises(UsageError, match="two metrics are named 'accuracy'"):
        metric("accuracy")(Thing)  # type: ignore[arg-type]
