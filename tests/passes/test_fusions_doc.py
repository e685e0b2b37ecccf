"""The table of docs/fusions.md names all rules of `fuse`, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from vinoc.passes.fuse import Fuse
from vinoc.passes.registry import names

PAGE = Path(__file__).parents[2] / "docs" / "fusions.md"


def test_names() -> None:
    table = PAGE.read_text().split("## Names")[1]
    listed = set(re.findall(r"`([a-z][a-z0-9-]+)`", table))
    assert listed <= set(names())
    members = {p.name for p in (*Fuse().rules(), *Fuse().passes())}
    assert members <= listed | {"eliminate-no-axes"}
