"""`Layout` and `layout_helpers` give what OpenVINO's give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vinoc
from vinoc import layout_helpers
from vinoc.runtime.layout import Layout

GOOD = (
    "NCHW", "nchw", " NCHW", "N...C", "...", "", "[...]", "[n,...]", "[N, H ,W,C]", "[batch,channels,depth]",
    "N?C", "??", "[?,c]", "1c", "[C1,c0]", "[_a]", "[n3]", "**SCALAR**", "CDHW", "...C", "H...WC",
)  # fmt: skip
BAD = (
    "NN",
    "N...C...",
    "[n",
    "n*c",
    "[a b]",
    "[]",
    "scalar",
    "N C H W",
    "N.C",
    "[n,,c]",
    "[n,c]x",
    "N....",
    "[depth,d]",
    "c-",
)
SIDES = ("batch", "channels", "depth", "height", "width")


def theirs(text: str) -> Any:
    import openvino

    return openvino.Layout(text)


def same(text: str) -> None:
    import openvino

    mine, other = Layout(text), theirs(text)
    assert (mine.to_string(), str(mine), repr(mine), mine.empty) == (
        other.to_string(), str(other), repr(other), other.empty,
    )  # fmt: skip
    for side in SIDES:
        has = getattr(layout_helpers, f"has_{side}")(mine)
        assert has == getattr(openvino.layout_helpers, f"has_{side}")(other)
        assert mine.has_name(side) == other.has_name(side)
        if has:
            assert getattr(layout_helpers, f"{side}_idx")(mine) == getattr(openvino.layout_helpers, f"{side}_idx")(
                other
            )
            assert mine.get_index_by_name(side) == other.get_index_by_name(side)


@pytest.mark.parametrize("text", GOOD)
def test_what_openvino_reads(text: str) -> None:
    same(text)


@pytest.mark.parametrize("text", BAD)
def test_what_openvino_refuses(text: str) -> None:
    with pytest.raises(RuntimeError):
        theirs(text)
    with pytest.raises(vinoc.UsageError, match="layout"):
        Layout(text)


@given(st.text("NCHWncd?.[], _*1", max_size=8))
def test_any_text(text: str) -> None:
    try:
        theirs(text)
    except RuntimeError:
        with pytest.raises(vinoc.UsageError):
            Layout(text)
    else:
        same(text)


def test_equality_and_absent_dimensions() -> None:
    assert Layout("NCHW") == Layout("[n,c,h,w]") == "nchw"
    assert Layout("N...C") != Layout("NHWC")
    assert Layout() == Layout("...")
    assert Layout("NC") != "N*C"
    assert vinoc.Layout is Layout
    with pytest.raises(vinoc.UsageError, match=r"\[N,C\] has no dimension H"):
        layout_helpers.height_idx(Layout("NC"))
    with pytest.raises(vinoc.UsageError, match="int"):
        Layout(3)  # type: ignore[arg-type]
