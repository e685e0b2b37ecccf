"""Options that several verbs share. Dashes and underscores are the same in option names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from ..config import DEFAULT_PASSES, Verification

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda token: token.replace("-", "_"),
    "max_content_width": 110,
}

FILE = click.Path(path_type=Path)


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(f: F) -> F:
        for option in reversed(options):
            f = option(f)
        return f

    return decorate


plugin = click.option(
    "--plugin", "plugins", multiple=True, type=FILE, metavar="FILE",
    help="Python file that declares passes, operations, converters or kernels.",
)  # fmt: skip
framework = click.option("--framework", metavar="NAME", help="Format of the model, where its name does not tell.")
outputs = click.option(
    "--output", metavar="A,B", default="", help="Compute these tensors or nodes (NAME or NAME:PORT), nothing else.",
    callback=lambda context, option, value: [name.strip() for name in value.split(",") if name.strip()],
)  # fmt: skip
debug = click.option("--debug", is_flag=True, help="Show tracebacks.")

pipeline = _all(
    click.option("--passes", metavar="P", help=f'Passes, e.g. fuse,(fold,dce)*; "" for none [{DEFAULT_PASSES}].'),
    plugin,
    click.option(
        "--verify", type=click.Choice(get_args(Verification)), default="structure", show_default=True,
        help="Check the graph after every pass; numeric: its outputs on random inputs, too.",
    ),
    click.option("--dump_dir", type=FILE, metavar="DIR", help="Write the graph as text after passes that changed it."),
    click.option("--dump_after", multiple=True, metavar="PASS", help="With --dump_dir: write it after these only."),
    click.option("--explain", multiple=True, metavar="PASS", help="Tell where a pass did not apply, and why."),
)  # fmt: skip
