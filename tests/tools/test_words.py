"""Command lines in the style of OpenVINO's tools."""

from __future__ import annotations

import click
import pytest

from vinoc.compiler.cli.options import SETTINGS
from vinoc.ir.errors import UsageError
from vinoc.tools.words import ToolCommand, ToolOption, joined, spread


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-i", "a", "b", "-t", "1"], ["-i", "a", "-i", "b", "-t", "1"]),
        (["--paths-to-input", "a", "b"], ["--paths-to-input", "a", "--paths-to-input", "b"]),
        (["m", "-i=a", "b"], ["m", "-i=a", "b"]),
        (["-t", "1", "m"], ["-t", "1", "m"]),
        (["-i", "a", "-1"], ["-i", "a", "-i", "-1"]),
    ],
)
def test_spread(given: list[str], expected: list[str]) -> None:
    assert spread(given, {"i", "paths_to_input"}) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-pc", "m.xml"], ["-pc=true", "m.xml"]),
        (["-pc", "False", "m.xml"], ["-pc=false", "m.xml"]),
        (["-pc=no"], ["-pc=no"]),
        (["m.xml", "-pc"], ["m.xml", "-pc=true"]),
    ],
)
def test_joined(given: list[str], expected: list[str]) -> None:
    assert joined(given, {"pc"}) == expected


class _Command(ToolCommand):
    many = frozenset({"inputs"})
    switches = frozenset({"counts"})


@click.command(cls=_Command, context_settings=SETTINGS)
@click.option("-niter", "--niter", "-number_iterations", "--number_iterations", "niter", cls=ToolOption, type=int)
@click.option("-i", "inputs", multiple=True)
@click.option("-t", "time", type=float)
@click.option("-pc", "--pc", "counts", type=bool)
def command(niter: int, inputs: tuple[str, ...], time: float, counts: bool) -> object:
    return niter, inputs, time, counts


def run(*words: str) -> object:
    with command.make_context("x", list(words)) as context:
        return command.invoke(context)


@pytest.mark.parametrize("word", ["-niter", "--niter", "-number_iterations", "--number-iterations"])
def test_spellings(word: str) -> None:
    assert run(word, "5", "-i", "a", "b", "-pc") == (5, ("a", "b"), None, True)


def test_value_with_an_equals_sign_and_behind_its_letter() -> None:
    assert run("-niter=5", "-t0.5", "-pc=no") == (5, (), 0.5, False)


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no option '-nite'") as caught:
        run("-nite", "5")
    assert caught.value.help == "did you mean '-niter'?"


def test_help_shows_one_short_and_one_long_form() -> None:
    with command.make_context("x", []) as context:
        shown = command.get_help(context)
    assert "-niter, --number_iterations" in shown
    assert "--niter" not in shown
