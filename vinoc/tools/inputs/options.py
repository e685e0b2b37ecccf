"""The command line's options of how data become inputs, the same for every tool that reads images."""

from __future__ import annotations

import click

from ...compiler.cli.options import Finite, every

NORMALIZATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "unit": ((0.0,), (255.0,)),
    "signed": ((127.5,), (127.5,)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
"""Mean and scale by name: 0 to 1, -1 to 1, and what most models trained on ImageNet take, red first."""

preparation = every(
    click.option("--layout", default="", metavar="LIST", help="Names of dimensions, where they are not seen: [NHWC]."),
    click.option(
        "--resize",
        type=click.Choice(["stretch", "crop", "pad"]),
        default="stretch",
        show_default=True,
        help="How images are brought to the input's size.",
    ),
    click.option(
        "--color",
        type=click.Choice(["rgb", "bgr"]),
        default="rgb",
        show_default=True,
        help="The order of colours that the model takes.",
    ),
    click.option("--reverse_input_channels", is_flag=True, help="The same as --color bgr."),
    click.option(
        "--normalize",
        type=click.Choice(tuple(NORMALIZATIONS)),
        help="(x - mean) / scale by name: 0 to 1, -1 to 1, or ImageNet's.",
    ),
    click.option("--mean_values", metavar="LIST", help="Subtract these, in the order of the model's channels."),
    click.option("--scale_values", metavar="LIST", help="Then divide by these."),
    click.option("--scale", type=Finite(), metavar="X", help="Divide all data by this."),
)
