"""Options that several verbs share. Dashes and underscores are the same in option names."""

from __future__ import annotations

import math
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


class Finite(click.FloatRange):
    """A number that is one: neither infinite nor NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


def every(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one, in this order."""

    def decorate(f: F) -> F:
        for option in reversed(options):
            f = option(f)
        return f

    return decorate


def _load(context: click.Context, option: click.Parameter, files: tuple[Path, ...]) -> None:
    if files:
        from ..plugins import load_plugins

        load_plugins(files)


plugin = click.option(
    "--plugin", multiple=True, type=FILE, metavar="FILE", expose_value=False, callback=_load,
    help="Python file that declares passes, operations, converters or kernels.",
)  # fmt: skip
framework = click.option("--framework", metavar="NAME", help="Format of the model, where its name does not tell.")
outputs = click.option(
    "--output", metavar="A,B", default="", help="Compute these tensors or nodes (NAME or NAME:PORT), nothing else.",
    callback=lambda context, option, value: [name.strip() for name in value.split(",") if name.strip()],
)  # fmt: skip
debug = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
"""Is read by `main`, which prints the errors of all commands."""

pipeline = every(
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

face = every(
    click.option("--input", metavar="LIST", help="Where the model begins: data[1,3]{f32},0:node,node:1,flag->True."),
    click.option("--input_shape", metavar="LIST", help="Shapes of the inputs: [1,3,224,224],[1,?,1..8]."),
    click.option("-b", "--batch", type=int, metavar="N", help="The size of the batch."),
    click.option("-ms", "--mean_values", metavar="LIST", help="Subtract these: [123,117,104], or data[123,117,104]."),
    click.option("--scale_values", metavar="LIST", help="Then divide by these."),
    click.option("-s", "--scale", type=float, metavar="X", help="Divide all inputs of floats by this."),
    click.option("--reverse_input_channels", is_flag=True, help="Swap colors: BGR for a model of RGB."),
    click.option("--layout", metavar="LIST", help="Names of dimensions: nhwc, data[n,c]; nhwc->nchw to change them."),
    click.option("--source_layout", metavar="LIST", help="The layouts of the model's ports."),
    click.option("--target_layout", metavar="LIST", help="The layouts that they are to have."),
    click.option("--freeze_placeholder_with_value", metavar="LIST", help="Constants in place of inputs: name->True."),
    click.option("--static_shape", is_flag=True, help="Compute all arithmetic on shapes now."),
    click.option("--transform", metavar="L", help="LowLatency2, Pruning, MakeStateful[param_res_names={'in':'out'}]"),
)  # fmt: skip
