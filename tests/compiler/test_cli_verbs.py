"""`show`, `opt`, `check`, `passes`, `ops`, `diff`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from vinoc.ir.text import read_text

from .conftest import TINY, Cli


def test_show_sums_a_model_up(cli: Cli, tiny: Path) -> None:
    run = cli("show", tiny)
    assert run.code == 0
    assert "tiny: 6 nodes, 7 edges, constants 448 B" in run.out
    assert re.search(r"x +f32\[N,3,8,8\]", run.out)
    assert re.search(r"prob +f32\[N,4,8,8\]", run.out)
    assert re.search(r"Constant +2\n", run.out)


def test_show_tells_all_about_a_node(cli: Cli, tiny: Path) -> None:
    run = cli("show", tiny, "scale")
    first = run.out.split("\n\n")[0]
    assert first.startswith("Multiply 'scale'")
    assert re.search(r"a +f32\[N,4,8,8\] +Convolution 'conv'", first)
    assert "= [" in first, "small constants are shown"
    assert "read by ReLU 'relu'" in first
    assert "from tiny.onnx: node 'scale' (Mul)" in first


def test_show_knows_nodes_by_value_and_by_kind(cli: Cli, tiny: Path) -> None:
    assert cli("show", tiny, "m").out.startswith("Multiply 'scale'")
    assert cli("show", tiny, "Abs").out.startswith("Abs 'dead'")


def test_show_suggests_the_nearest_node(cli: Cli, tiny: Path) -> None:
    run = cli("show", tiny, "scael")
    assert run.code == 1
    assert "did you mean 'scale'?" in run.last
    assert "is an input" in cli("show", tiny, "x").last


def test_opt_prints_text_that_reads_back(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    run = cli("opt", tiny, "--passes", "dce")
    assert run.code == 0
    assert "Abs" not in run.out
    assert "Multiply" in run.out
    assert cli("opt", tiny, "--passes", "dce,fuse", "-o", tmp_path / "o.vir").out == ""
    assert [n.kind for n in read_text(tmp_path / "o.vir")] == ["Constant", "Convolution", "ReLU"]


def test_opt_runs_nothing_unasked(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    assert cli("opt", tiny, "-o", tmp_path / "o.vir").code == 0
    assert cli("diff", tiny, tmp_path / "o.vir").code == 0


def test_opt_explains_in_comments(cli: Cli, tiny: Path) -> None:
    run = cli("opt", tiny, "--passes", "fuse", "--explain", "fuse")
    comments = [line for line in run.out.splitlines() if line.startswith("//")]
    assert comments[0].startswith("// fuse: applied 0 times, declined ")
    assert any("multiply-into-convolution" in c and "'scale'" in c for c in comments)


def test_check_says_yes(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    run = cli("check", tiny)
    assert run.code == 0
    assert "converts to 'ir'" in run.out
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.vir"], "nothing is written"


def test_check_lists_what_the_target_cannot_write(cli: Cli, tmp_path: Path) -> None:
    model = tmp_path / "c.vir"
    model.write_text("graph g(x: c64[2], y: c64[2]) -> (x, y) {\n}\n")
    run = cli("check", model)
    assert run.code == 1
    assert "Parameter x2" in run.out
    assert run.out.rstrip().splitlines()[-1].startswith(f"{model}: ")


def test_passes_are_listed_with_their_rules(cli: Cli) -> None:
    run = cli("passes")
    assert re.search(r"^fuse +\S.*without=", run.out, re.M)
    assert re.search(r"^  fold-batch-norm +\S", run.out, re.M)
    rows = json.loads(cli("passes", "--json").out)
    fuse = next(r for r in rows if r["name"] == "fuse")
    assert "fold-batch-norm" in fuse["members"]
    assert [o["name"] for o in fuse["options"]] == ["without"]
    assert fuse["owner"].startswith("vinoc ")


def test_a_pass_is_told_in_full(cli: Cli) -> None:
    run = cli("passes", "fp16")
    assert run.out.startswith("fp16  (vinoc (vinoc.passes.fp16:Fp16))\n")
    assert "  after fuse: " in run.out


def test_ops_are_listed(cli: Cli) -> None:
    run = cli("ops")
    assert re.search(r"^Convolution +opset1 +data, filters +N-D convolution.* strides, ", run.out, re.M)
    full = cli("ops", "Clamp", "Concat").out
    assert full.startswith("Clamp(data)  opset1")
    assert "  min: float, required" in full
    rows = json.loads(cli("ops", "--json", "Concat").out)
    assert rows[0]["inputs"][0]["variadic"]
    assert "did you mean 'Clamp'?" in cli("ops", "Clmp").last


def test_the_matrix_of_operations(cli: Cli) -> None:
    rows = json.loads(cli("ops", "--matrix", "--json").out)
    assert rows["Convolution"] == {"infer": True, "evaluate": True, "xml": True, "onnx": True, "numpy": True}
    internal = next(kind for kind, row in rows.items() if not row["xml"])
    assert re.search(rf"^{internal} .*-", cli("ops", "--matrix").out, re.M)


def test_diff_of_equal_and_of_different_models(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.vir"
    other.write_text(TINY.replace("pads_begin=[1,1]", "pads_begin=[0,0]").replace("f32[N,4,8,8]", "f32[N,4,7,7]"))
    assert (cli("diff", tiny, tiny).code, cli("diff", tiny, other, "--silent").out) == (0, "")
    run = cli("diff", tiny, other)
    assert run.code == 1
    assert "~ Convolution 'conv' : f32[N,4,8,8]: pads_begin=[1,1] -> [0,0]" in run.out
    assert run.out.rstrip().endswith("0 removed, 0 added, 4 changed")


def test_diff_of_a_model_and_its_ir(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    assert cli(tiny, "-o", tmp_path, "--passes", "dce").code == 0
    run = cli("diff", tiny, tmp_path / "tiny.xml")
    assert run.code == 1
    assert [line for line in run.out.splitlines() if line[:2] in ("- ", "+ ", "~ ", "! ")] == [
        "- Abs 'dead' : f32[N,4,8,8]"
    ]


def test_show_plan(cli: Cli) -> None:
    model = Path(__file__).parents[2] / "examples/models/mnist/mnist.onnx"
    run = cli("show", model, "--plan", "--times")
    assert run.code == 0
    lines = run.out.splitlines()
    assert "kernel" in lines[0]
    assert "GFLOP/s" in lines[0]
    assert any("igemm" in line and "Convolution28" in line for line in lines)
    assert cli("show", model, "--times").code == 2


def test_show_plan_for_given_shapes(cli: Cli, tiny: Path) -> None:
    """Open dimensions are 1, or what `--input_shape` says."""
    assert "[1, 4, 8, 8]" in cli("show", tiny, "--plan").out
    assert "[5, 4, 8, 8]" in cli("show", tiny, "--plan", "--input_shape", "[5,3,8,8]").out
    wrong = cli("show", tiny, "--plan", "--input_shape", "[5,3,8,8],[1]")
    assert wrong.code == 2
    assert "2 shapes are given for 1 inputs" in wrong.err
    assert cli("show", tiny, "--input_shape", "[5,3,8,8]").code == 2
