from pathlib import Path

import pytest

from . import vir

CASES = sorted(Path(__file__).parent.glob("vir/*.vir"))


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_pass(path: Path, request: pytest.FixtureRequest) -> None:
    vir.run(path, update=request.config.getoption("--update"))


def test_every_rule_has_a_case() -> None:
    from vinoc.passes import registry

    cases = {p.stem.split(".")[0] for p in CASES}
    missing = [n for n in registry.names() if n not in cases and registry.owner(n).startswith("vinoc ")]
    assert not missing, "write tests/passes/vir/NAME.vir for these"
