"""Drawn preprocessing: calls that make sense one after the other, whatever the layout, the colors and the sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

ALGORITHMS = ("LINEAR", "CUBIC", "NEAREST", "BILINEAR_PILLOW", "BICUBIC_PILLOW")
YUV = ("NV12_SINGLE_PLANE", "NV12_TWO_PLANES", "I420_SINGLE_PLANE", "I420_THREE_PLANES")
ORDERS = ("NCHW", "NHWC", "NWHC", "CNHW")
SMALL = st.integers(-20, 200).map(lambda n: n / 4)
FACTORS = st.sampled_from([0.5, 1.0, 2.0, 58.4, 255.0, -3.0])


@dataclass
class Recipe:
    """The calls, and how much the results may differ: where bytes are rounded, either may be one off."""

    model: tuple[int, int, int, int] = (1, 3, 4, 6)
    dtype: str = "f32"
    calls: list[tuple[str, str, tuple[Any, ...]]] = field(default_factory=list)
    slack: float = 0.0
    first: str = ""

    def say(self, processor: Any, module: Any) -> None:
        """Makes the calls; words like `Type.u8` are the module's."""
        for part, method, arguments in self.calls:
            side, what = part.split(".")
            target = getattr(getattr(processor, side)(), what)()
            getattr(target, method)(*[_word(module, a) for a in arguments])


def _word(module: Any, argument: Any) -> Any:
    if not isinstance(argument, str) or "." not in argument:
        return module.Layout(argument) if isinstance(argument, str) else argument
    home, name = argument.split(".")
    return getattr(module.Type if home == "Type" else getattr(module.preprocess, home), name)


@dataclass
class _Image:
    """What the tensor is, from step to step."""

    layout: str
    dtype: str
    color: str
    size: tuple[int, int]
    channels: int


@st.composite
def recipes(draw: Draw) -> Recipe:
    """Anything from nothing at all to colors, five steps, a resize and an output in another layout."""
    n, h, w = draw(st.integers(1, 2)), draw(st.integers(1, 4)) * 2, draw(st.integers(1, 4)) * 2
    made = Recipe((n, 3, h, w))
    image = _tensor(draw, made)
    for _ in range(draw(st.integers(0, 5))):
        _step(draw, made, image)
    _finish(draw, made, image)
    _output(draw, made)
    return made


def _tensor(draw: Draw, made: Recipe) -> _Image:
    """What the user gives."""
    color = draw(st.sampled_from(["", "", "RGB", "BGR", "RGBX", "BGRX", *YUV]))
    dtype = draw(st.sampled_from(["u8", "f32", "f16" if not color else "u8"]))
    nhwc = color in YUV or color.endswith("X")
    layout = "NHWC" if nhwc else draw(st.sampled_from(ORDERS))
    size = made.model[2:]
    if draw(st.booleans()):
        size = draw(st.integers(2, 6)) * 2, draw(st.integers(2, 6)) * 2
    tell: list[tuple[str, tuple[Any, ...]]] = [("set_element_type", (f"Type.{dtype}",))] if dtype != "f32" else []
    if not color or draw(st.booleans()) or layout != "NHWC":
        tell.append(("set_layout", (layout,)))
    if color:
        tell.append(("set_color_format", (f"ColorFormat.{color}",)))
    if size != made.model[2:]:
        tell.append(("set_spatial_static_shape", size))
    made.calls += [("input.tensor", *t) for t in draw(st.permutations(tell))]
    made.first = layout
    image = _Image(layout, dtype, color, size, 4 if color.endswith("X") else 3)
    if dtype == "f16":
        _add(made, "convert_element_type", "Type.f32")
        image.dtype = "f32"
    if nhwc:
        _color(draw, made, image)
    return image


def _add(made: Recipe, method: str, *arguments: Any) -> None:
    made.calls.append(("input.preprocess", method, arguments))


def _color(draw: Draw, made: Recipe, image: _Image) -> None:
    target = draw(st.sampled_from(["RGB", "BGR"]))
    _add(made, "convert_color", f"ColorFormat.{target}")
    made.slack += image.color in YUV and image.dtype == "u8"
    image.color, image.channels = target, 3


def _step(draw: Draw, made: Recipe, image: _Image) -> None:
    """One more step that the image can take."""
    # OpenVINO gets the shape wrong where orders are given by number and both layouts are told and equal.
    possible = [
        "layout",
        *["order"] * (made.first != "NCHW"),
        "reverse",
        "resize",
        "crop",
        *["color"] * bool(image.color),
    ]
    possible += ["mean", "scale", "pad"] if image.dtype == "f32" else ["type"]
    kind = draw(st.sampled_from(possible))
    if kind == "type":
        _add(made, "convert_element_type", *(["Type.f32"] if draw(st.booleans()) else []))
        image.dtype = "f32"
    elif kind == "layout":
        image.layout = draw(st.sampled_from(ORDERS))
        _add(made, "convert_layout", image.layout)
    elif kind == "order":
        order = draw(st.permutations(range(4)))
        _add(made, "convert_layout", list(order))
        image.layout = "".join(image.layout[i] for i in order)
    elif kind == "reverse":
        _add(made, "reverse_channels")
    elif kind == "color":
        _color(draw, made, image)
    elif kind in ("mean", "scale"):
        _numbers(draw, made, kind)
    elif kind == "resize":
        _resize(draw, made, image, (draw(st.integers(1, 9)), draw(st.integers(1, 9))))
    else:
        _window(draw, made, image, kind)


def _numbers(draw: Draw, made: Recipe, kind: str) -> None:
    numbers = FACTORS if kind == "scale" else SMALL
    values = draw(st.one_of(numbers, st.lists(numbers, min_size=3, max_size=3)))
    _add(made, kind, values)
    if kind == "scale":
        made.slack /= min(abs(v) for v in (values if isinstance(values, list) else [values]))


def _resize(draw: Draw, made: Recipe, image: _Image, size: tuple[int, int] | None) -> None:
    # OpenVINO's CPU leaves parts of the image empty in Pillow's modes unless it is ..HW or .HW.
    usable = ALGORITHMS if image.layout.find("HW") in (1, 2) else ALGORITHMS[:3]
    algorithm = draw(st.sampled_from(usable))
    _add(made, "resize", f"ResizeAlgorithm.RESIZE_{algorithm}", *(size or ()))
    made.slack = made.slack * (2 if "CUBIC" in algorithm else 1) + (image.dtype == "u8" and algorithm != "NEAREST")
    image.size = size or made.model[2:]


def _window(draw: Draw, made: Recipe, image: _Image, kind: str) -> None:
    """A frame around the image, or a part of it."""
    if kind == "crop":
        begin = {a: draw(st.integers(0, n - 1)) for a, n in zip("HW", image.size)}
        end = {a: draw(st.integers(begin[a] + 1, n)) for a, n in zip("HW", image.size)}
        whole = {"N": made.model[0], "C": image.channels}
        _add(made, "crop", [begin.get(a, 0) for a in image.layout], [{**whole, **end}[a] for a in image.layout])
        image.size = end["H"] - begin["H"], end["W"] - begin["W"]
        return
    mode = draw(st.sampled_from(["CONSTANT", "REFLECT", "SYMMETRIC"]))
    most = {a: min(3, n - (mode == "REFLECT")) if mode != "CONSTANT" else 3 for a, n in zip("HW", image.size)}
    first, last = ({a: draw(st.integers(0, most[a])) for a in "HW"} for _ in range(2))
    pads = [[p.get(a, 0) for a in image.layout] for p in (first, last)]
    _add(made, "pad", *pads, draw(SMALL) if mode == "CONSTANT" else 0.0, f"PaddingMode.{mode}")
    image.size = image.size[0] + first["H"] + last["H"], image.size[1] + first["W"] + last["W"]


def _finish(draw: Draw, made: Recipe, image: _Image) -> None:
    """What the model needs: its size, and its layout, told."""
    if image.size != made.model[2:]:
        _resize(draw, made, image, None if draw(st.booleans()) else made.model[2:])
    made.calls.append(("input.model", "set_layout", ("NCHW",)))


def _output(draw: Draw, made: Recipe) -> None:
    """Something about the output, or nothing."""
    if draw(st.booleans()):
        made.calls.append(("output.model", "set_layout", ("NCHW",)))
        made.calls.append(("output.tensor", "set_layout", (draw(st.sampled_from(ORDERS)),)))
    if draw(st.booleans()):
        made.calls.append(("output.postprocess", "convert_layout", (list(draw(st.permutations(range(4)))),)))
    if draw(st.integers(0, 3)) == 0:
        made.calls.append(("output.tensor", "set_element_type", ("Type.f64",)))
