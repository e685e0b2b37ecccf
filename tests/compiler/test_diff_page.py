"""`vinoc diff --html`: both sides of what differs."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from .conftest import TINY, Cli


def page(cli: Cli, tmp_path: Path, first: str, second: str) -> str:
    (tmp_path / "a.vir").write_text(first)
    (tmp_path / "b.vir").write_text(second)
    code = cli("diff", tmp_path / "a.vir", tmp_path / "b.vir", "--html", tmp_path / "d.html").code
    assert code == (0 if first == second else 1)
    return (tmp_path / "d.html").read_text()


def cards(svg: str) -> dict[tuple[str, str], str]:
    """(kind, class) -> key of the cards of a picture."""
    found = {}
    for g in ET.fromstring(svg).iter("g"):
        kind = next((t.text for t in g.findall("text") if t.get("class") == "kind"), None)
        if kind:
            found[kind, g.get("class", "").removeprefix("card ")] = g.get("data-k", "")
    return found


def test_what_is_removed_added_and_changed_is_drawn_side_by_side(cli: Cli, tmp_path: Path) -> None:
    changed = TINY.replace("ReLU(m)", "Clamp(m) {min=0, max=6}").replace("pads_begin=[1,1]", "pads_begin=[0,0]")
    text = page(cli, tmp_path, TINY, changed.replace("pads_end=[1,1]", "pads_end=[2,2]"))
    pictures = re.findall(r"<svg .*?</svg>", text, re.S)
    everything = {k for p in pictures for k in cards(p)}
    assert {("ReLU", "old"), ("Clamp", "new"), ("Convolution", "changed")} <= everything
    keys = {k[("Convolution", "changed")] for p in pictures if ("Convolution", "changed") in (k := cards(p))}
    assert len(keys) == 1, "the same node has one key"
    assert any('class="row changed"' in p for p in pictures)
    assert "pads_begin=[1,1] -&gt; [0,0]" in text
    for outside in ("://", "src=", "@import", "url("):
        assert outside not in text
    index = json.loads(re.search(r'id="index">(.*?)</script>', text, re.S)[1])  # type: ignore[index]
    assert next(e for e in index if e["type"] == "Clamp")["to"] == ["added"]


def test_equal_models_make_a_page_that_says_so(cli: Cli, tmp_path: Path) -> None:
    text = page(cli, tmp_path, TINY, TINY)
    assert "They are equal" in text
    assert "<h2>Places</h2>" not in text


def test_bodies_have_their_places(cli: Cli, tmp_path: Path) -> None:
    model = (
        "graph g(c: boolean[], x: f32[2,8]) -> (y) {\n"
        "  y = If(c, x) {then_inputs=[1], else_inputs=[1]} with\n"
        "  graph t(a: f32[2,8]) -> (r) {\n    r = Tanh(a)\n  }\n"
        "  graph e(a: f32[2,8]) -> (r) {\n    r = Exp(a)\n  }\n}\n"
    )
    text = page(cli, tmp_path, model, model.replace("r = Exp(a)", "r = Sin(a)"))
    assert re.search(r"y/body 1: ", text)
    assert {("Exp", "old"), ("Sin", "new")} <= {k for p in re.findall(r"<svg .*?</svg>", text, re.S) for k in cards(p)}


@pytest.mark.parametrize(("name", "message"), [("d.htm", "a page is .html"), ("no/d.html", "no folder")])
def test_a_useless_name_is_refused_before_work(cli: Cli, tiny: Path, name: str, message: str) -> None:
    run = cli("diff", tiny, tiny, "--html", name)
    assert run.code == 2
    assert message in run.err
