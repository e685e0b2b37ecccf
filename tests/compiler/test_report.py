"""Reports: what passes changed, counted and drawn."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from vinoc.compiler.driver import compile_model_file
from vinoc.compiler.report import as_dict, write_report
from vinoc.ir.errors import UsageError
from vinoc.ir.text import parse_graph
from vinoc.passes import PassManager
from vinoc.passes.changes import Changed, Changes
from vinoc.passes.manager import StepResult
from vinoc.passes.sketch import MAX_CORE, Card, Sketch

from .conftest import TINY

BLAZEFACE = Path(__file__).parents[2] / "examples" / "models" / "blazeface" / "blazeface.onnx"


def seen(text: str, passes: str, **options: int) -> tuple[Changes, list[StepResult]]:
    changes = Changes(**options)
    return changes, PassManager(passes, [changes], explain=True).run(parse_graph(text))


def the(sketch: Sketch, kind: str) -> Card:
    (card,) = (c for c in sketch.cards if c.kind == kind)
    return card


def wired(sketch: Sketch) -> set[tuple[str, str]]:
    name = {c.key: c.kind for c in sketch.cards}
    return {(name[w.source], name[w.target]) for w in sketch.wires}


def test_a_rewrite_before_and_after() -> None:
    changes, (_, step) = seen(TINY, "dce,multiply-into-convolution", per_rule=1)
    found = changes.steps[1]
    assert (found.added, found.removed, found.changed, found.rewired, found.spots) == (2, 4, 0, 1, 0)
    (picture,) = found.pictures
    assert (picture.rule, picture.number) == ("multiply-into-convolution", 1)
    before, after = picture.before, picture.after
    assert wired(before) == {("Input", "Convolution"), ("Convolution", "Multiply"), ("Multiply", "ReLU")}
    assert wired(after) == {("Input", "Convolution"), ("Convolution", "ReLU")}
    assert [(c.kind, c.role) for c in before.cards if c.role == "old"] == [("Convolution", "old"), ("Multiply", "old")]
    assert the(after, "Convolution").role == "new"
    assert [r.name for r in the(after, "Convolution").rows if r.role == "new"] == ["filters"]
    assert the(after, "Convolution").origin == ("conv (Conv)", "scale (Mul)")
    assert the(after, "Convolution").by == step.name
    assert the(before, "ReLU").key == the(after, "ReLU").key
    assert the(before, "Input").results == ("f32[N,3,8,8]",)


def test_places_of_a_pass_that_is_no_rule() -> None:
    text = (
        "graph g(x: f32[4]) -> (y) {\n"
        + "".join(f"  a{i} = Exp(x)\n  b{i} = Abs(a{i})\n" for i in range(5))
        + "  y = Negative(x)\n}\n"
    )
    changes, _ = seen(text, "dce", per_rule=2)
    found = changes.steps[0]
    assert (found.removed, found.spots, len(found.pictures)) == (10, 5, 2)
    picture = found.pictures[0]
    assert wired(picture.before) == {("Input", "Exp"), ("Exp", "Abs")}
    assert {c.role for c in picture.before.cards} == {"old", "input"}
    assert not {"Exp", "Abs"} & {c.kind for c in picture.after.cards}


def test_pictures_are_bounded_and_the_rest_is_counted() -> None:
    text = (
        "graph g(x: f32[4]) -> (y) {\n  a0 = Exp(x)\n"
        + "".join(f"  a{i} = Tanh(a{i - 1})\n" for i in range(1, 41))
        + "  y = Negative(x)\n}\n"
    )
    changes, _ = seen(text, "dce")
    (picture,) = changes.steps[0].pictures
    assert picture.before.left_out == 41 - MAX_CORE
    assert changes.whole is not None
    assert [c.kind for c in changes.whole.cards] == ["Negative", "Output", "Input"] or len(changes.whole.cards) == 3


def test_what_fp16_stores_is_a_line_of_its_reader() -> None:
    changes, _ = seen(TINY, "dce,fp16{keep-share=0}")
    assert changes.whole is not None
    rows = {r.name: r.text for r in the(changes.whole, "Convolution").rows}
    assert rows["filters"] == "f16 as f32[4,3,3,3]"


def test_nodes_that_only_change(tmp_path: Path) -> None:
    text = "graph g(x: f32[2,4]) -> (y) {\n  a = Exp(x)\n  y = ReLU(a)\n}\n"
    changes, _ = seen(text, "reshape{input=x,shape=[3,4]}")
    found = changes.steps[0]
    assert (found.added, found.removed, found.changed) == (0, 0, 2)
    assert [c.results for c in found.pictures[0].before.cards if c.kind == "ReLU"] == [("f32[2,4]",)]
    assert [c.results for c in found.pictures[0].after.cards if c.kind == "ReLU"] == [("f32[3,4]",)]


def test_fates_tell_where_nodes_went() -> None:
    changes, _ = seen(TINY, "dce,fuse")
    fates = {leaf.node: fate for leaf, fate in changes.fates.items()}
    assert fates["scale"] == ["Convolution 'conv'"]
    assert fates["dead"] == []
    assert changes.kinds[0]["Abs"] == 1
    assert changes.kinds[1]["Abs"] == 0


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The page and the data of a real model."""
    folder = tmp_path_factory.mktemp("report")
    result = compile_model_file(BLAZEFACE, out_dir=folder, record=True)
    write_report(result, folder / "r.html")
    write_report(result, folder / "r.json")
    return (folder / "r.html").read_text(), json.loads((folder / "r.json").read_text())


def test_the_page_of_a_real_model(report: tuple[str, dict[str, Any]]) -> None:
    text, data = report
    pictures = re.findall(r"<svg .*?</svg>", text, re.S)
    sketches = [p[side] for s in data["steps"] for p in s["pictures"] for side in ("before", "after")]
    assert len(pictures) == sum(bool(sketch["cards"]) for sketch in sketches) + 1
    assert len(pictures) > 15
    for picture in pictures:
        svg = ET.fromstring(picture)
        assert float(svg.get("width", 0)) > 100
        places = [g.get("transform") for g in svg.iter("g") if "card" in g.get("class", "")]
        assert len(set(places)) == len(places)
    assert "pad-into-convolution" in text
    assert "Conv(Pad0(x, a), w; pads=b)" in text, "the formula of the rule"
    for outside in ("://", "src=", "@import", "url("):
        assert outside not in text
    index = json.loads(re.search(r'id="index">(.*?)</script>', text, re.S)[1])  # type: ignore[index]
    pad = next(e for e in index if e["name"] == "/Pad")
    assert pad["to"] == ["Convolution '/Pad'"]
    assert all(f'<figure id="{p}"' in text for e in index for p in e["pictures"])


def test_the_data_of_a_real_model(report: tuple[str, dict[str, Any]]) -> None:
    _, data = report
    fuse = next(s for s in data["steps"] if s["pass"] == "fuse")
    assert fuse["nodes_after"] - fuse["nodes_before"] == fuse["added"] - fuse["removed"]
    assert {p["rule"] for p in fuse["pictures"]} >= {"pad-into-convolution"}
    picture = fuse["pictures"][0]
    assert {c["role"] for c in picture["before"]["cards"]} >= {"old", "near"}
    keys = {c["key"] for c in picture["after"]["cards"]}
    assert all({w["source"], w["target"]} <= keys for w in picture["after"]["wires"])
    assert data["kinds"]["Pad"] == [15, 11]


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    bad = "</script><script>alert(1)</script><b>&"
    model.write_text(TINY.replace('"scale"', json.dumps(bad)).replace('"conv"', '"]]> --> <!--"'))
    result = compile_model_file(model, out_dir=tmp_path, record=True)
    write_report(result, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "alert(1)</script>" not in text
    assert "&lt;/script&gt;" in text
    assert text.count("<script") == 2


def test_without_a_record_there_is_no_page(tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    model.write_text(TINY)
    result = compile_model_file(model, out_dir=tmp_path)
    assert "pictures" not in as_dict(result)["steps"][0]
    with pytest.raises(UsageError, match="not recorded"):
        write_report(result, tmp_path / "r.html")


def test_time_of_a_pass_is_without_its_pictures() -> None:
    """A camera's time is taken off, and no more than that."""
    changes, (_, step) = seen(TINY, "dce,multiply-into-convolution")
    assert isinstance(changes.steps[1], Changed)
    assert step.seconds >= 0
    assert step.camera is None


def test_what_was_noted_is_told(tmp_path: Path) -> None:
    from vinoc.compiler.summary import summary

    model = tmp_path / "m.vir"
    model.write_text(TINY.replace("[1.0, 2.0, 0.5, 4.0]", "[1.0, 2.0, 1e6, 4.0]"))
    result = compile_model_file(model, out_dir=tmp_path, record=True, passes="dce,fp16")
    write_report(result, tmp_path / "r.html")
    what = "1 of its 4 values are beyond 65504, up to 1e+06; it stays f32"
    assert f"  fp16: tiny.onnx: node 'scale' (Mul): {what}" in list(summary(result))
    assert what in (tmp_path / "r.html").read_text()
    assert as_dict(result)["steps"][1]["notes"] == [{"where": "tiny.onnx: node 'scale' (Mul)", "what": what}]
