"""Commands as tests call them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vinoc.compiler.cli import main

Call = Callable[..., str]


def caller(capsys: pytest.CaptureFixture[str], *verb: str) -> Call:
    """Runs `vinoc VERB WORDS`, checks its exit code, and returns all that it prints."""

    def call(*words: object, code: int = 0) -> str:
        returned = main([*verb, *map(str, words)])
        shown = capsys.readouterr()
        assert returned == code, shown.out + shown.err
        return shown.out + shown.err

    return call
