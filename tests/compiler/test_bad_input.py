"""Bad models and bad requests through the command line: one clear message, the right exit code, nothing left behind.

Every case runs twice for each target: into a folder that does not exist yet, and over an older output, which must
stay as it was.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from .conftest import Cli, Run
from .guarded import Guard

N = helper.make_node
MNIST = Path(__file__).resolve().parents[2] / "examples" / "models" / "mnist" / "mnist.onnx"
HUGE = 1 << 62


def build(*nodes: onnx.NodeProto, x: list[Any] | None = None, dtype: int = TensorProto.FLOAT, **constants: Any) -> Any:
    """A model from `x` to `y`."""
    infos = [helper.make_tensor_value_info("x", dtype, x if x is not None else [1, 4, 8, 8])]
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    graph = helper.make_graph(list(nodes), "g", infos, [helper.make_empty_tensor_value_info("y")], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def changed(model: ModelProto, change: Callable[[ModelProto], object]) -> ModelProto:
    change(model)
    return model


def conv(weight: Any = None, **attributes: Any) -> ModelProto:
    w = np.ones((4, 4, 3, 3), np.float32) if weight is None else weight
    return build(N("Conv", ["x", "w"], ["y"], "first_conv", **attributes), w=w)


def unknown_in_a_branch() -> ModelProto:
    y = [helper.make_empty_tensor_value_info("b")]
    branch = helper.make_graph([N("Baz", ["x"], ["b"], "inner")], "branch", [], y)
    other = helper.make_graph([N("Relu", ["x"], ["b"])], "other", [], y)
    foos = [N("Foo", ["x"], [f"f{i}"], f"foo_{i}") for i in range(6)]
    nodes = [
        *foos,
        N("Qux", ["x"], ["q"], "qux", domain="my.own"),
        N("If", ["c"], ["i"], "choice", then_branch=branch, else_branch=other),
        N("Sum", [*(f"f{i}" for i in range(6)), "q", "i"], ["y"], "all"),
    ]
    return build(*nodes, c=np.array(True))


def tensor(**fields: Any) -> ModelProto:
    """A model with an initializer that contradicts itself."""
    model = build(N("Add", ["x", "w"], ["y"], "sum"), x=[2, 3], w=np.ones((2, 3), np.float32))
    w = model.graph.initializer[0]
    for name, value in fields.items():
        if name == "dims":
            w.ClearField("dims")
            w.dims.extend(value)
        else:
            setattr(w, name, value)
    return model


def shaped(kind: str, numbers: list[int], **attributes: Any) -> ModelProto:
    return build(N(kind, ["x", "s"], ["y"], "shaped", **attributes), x=[2, 3], s=np.array(numbers, np.int64))


CYCLE = [N("Add", ["x", "c"], ["b"], "one"), N("Neg", ["b"], ["c"], "two"), N("Relu", ["c"], ["y"], "three")]

MODELS: dict[str, tuple[Callable[[], ModelProto], tuple[str, ...]]] = {
    "cycle": (lambda: build(*CYCLE), ("'one'", "'two'", "wait for one another", "no cycles")),
    "missing initializer": (
        lambda: build(N("Conv", ["x", "conv.weigth"], ["y"], "conv"), **{"conv.weight": np.ones((4, 4, 1, 1), "f4")}),
        ("conv", "missing initializer or value 'conv.weigth'", "did you mean 'conv.weight'?"),
    ),
    "missing output": (lambda: build(N("Relu", ["x"], ["z"], "relu")), ("no node computes the output 'y'",)),
    "two producers": (
        lambda: build(N("Relu", ["x"], ["y"], "one"), N("Abs", ["x"], ["y"], "two")),
        ("two", "computed by node 'one' too", "rename"),
    ),
    "no graph": (lambda: ModelProto(ir_version=8), ("has no graph", "check that the file is the model itself")),
    "opset of the future": (
        lambda: changed(conv(), lambda m: setattr(m.opset_import[0], "version", 1 << 40)),
        ("opset 1099511627776", "version_converter"),
    ),
    "opset zero": (
        lambda: changed(conv(), lambda m: setattr(m.opset_import[0], "version", 0)),
        ("opset 0", "export the model again"),
    ),
    # Element types
    "weights of another type": (lambda: conv(np.ones((4, 4, 3, 3), np.float64)), ("first_conv", "f64", "f32")),
    "integers into sqrt": (
        lambda: build(N("Sqrt", ["x"], ["y"], "root"), dtype=TensorProto.INT32), ("root", "i32")
    ),
    "unknown element type": (lambda: tensor(data_type=99), ("sum", "'w'", "unknown element type 99")),
    "element type of another size": (lambda: tensor(data_type=TensorProto.DOUBLE), ("sum", "24 bytes", "take 48")),
    "cast to nothing": (lambda: build(N("Cast", ["x"], ["y"], "cast", to=77)), ("cast", "`to` is 77")),
    # Attributes
    "stride 0": (lambda: conv(strides=[0, 0]), ("first_conv", "strides", ">= 1")),
    "strides of another rank": (lambda: conv(strides=[1]), ("first_conv", "`strides` has 1 numbers", "2 spatial")),
    "groups": (lambda: conv(group=3), ("first_conv", "3 groups", "`group`")),
    "group 0": (lambda: conv(group=0), ("first_conv", "0 groups")),
    "auto_pad": (lambda: conv(auto_pad="SAME"), ("first_conv", "`auto_pad` is 'SAME'", "SAME_UPPER")),
    "attribute of another kind": (
        lambda: build(N("Transpose", ["x"], ["y"], "turn", perm="reversed")),
        ("turn", "`perm` is a string, expected a list of integers", "export the model again"),
    ),
    "attribute missing": (lambda: build(N("Concat", ["x", "x"], ["y"], "join")), ("join", "`axis` is missing")),
    "no permutation": (lambda: build(N("Transpose", ["x"], ["y"], "turn", perm=[0, 1, 1, 2])), ("turn", "permutation")),
    "axis out of range": (lambda: build(N("Softmax", ["x"], ["y"], "soft", axis=9)), ("soft", "axis 9", "rank 4")),
    "inputs missing": (lambda: build(N("MatMul", ["x"], ["y"], "product")), ("product", "input 1 is missing")),
    # Dimensions
    "negative dimension of a tensor": (lambda: tensor(dims=[-2, 3]), ("sum", "negative dimension -2")),
    "negative dimension of an input": (
        lambda: build(N("Relu", ["x"], ["y"]), x=[-7, 3]), ("'x'", "negative dimension -7", "dim_param")
    ),
    "negative target": (lambda: shaped("Reshape", [-3, 2]), ("shaped", "-3")),
    "two open ends": (lambda: shaped("Reshape", [-1, -1]), ("shaped", "-1")),
    "negative repeats": (lambda: shaped("Tile", [-1, 2]), ("shaped", "negative")),
    "enormous tensor": (lambda: tensor(dims=[1 << 40, 3]), ("sum", "24 bytes", "3298534883328 elements")),
    "uncountable tensor": (lambda: tensor(dims=[HUGE, HUGE]), ("sum", "64 bits")),
    "uncountable input": (lambda: build(N("Relu", ["x"], ["y"], "relu"), x=[HUGE, 8]), ("f32[4611", "64 bits")),
    "uncountable result": (lambda: shaped("Tile", [HUGE, HUGE]), ("shaped", "64 bits")),
    "uncountable shape": (
        lambda: build(N("ConstantOfShape", ["s"], ["y"], "zeros"), s=np.array([HUGE, 9])), ("zeros", "64 bits")
    ),
    "many dimensions": (lambda: shaped("Reshape", [2, 3, *[1] * 90]), ("shaped", "92 dimensions")),
}  # fmt: skip


@pytest.fixture
def refused(cli: Cli, tmp_path: Path) -> Callable[..., Run]:
    """Compiles what must be refused, in all four ways, and returns the last run."""

    def run(model: Path, *options: object, code: int = 1) -> Run:
        old = tmp_path / "old"
        old.mkdir(exist_ok=True)
        for suffix in (".xml", ".bin", ".mapping", ".py", ".npz"):
            (old / f"{model.stem}{suffix}").write_text(f"older {suffix}")
        before = contents(tmp_path)
        for out in (tmp_path / "new" / "deep", old):
            for target in ("ir", "numpy"):
                made = cli(model, "-o", out, "-t", target, *options)
                assert made.code == code, made.err
                assert made.out == ""
                assert made.last.startswith("error: ")
                assert "internal" not in made.err
                assert contents(tmp_path) == before, "nothing is made, changed or left behind"
        return made

    return run


def contents(folder: Path) -> dict[str, tuple[bytes, int] | None]:
    """All that is in a folder: bytes and times of files."""
    return {
        str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) if p.is_file() else None
        for p in folder.rglob("*")
    }


@pytest.mark.parametrize("name", MODELS)
def test_bad_models(refused: Callable[..., Run], tmp_path: Path, name: str) -> None:
    make, words = MODELS[name]
    path = tmp_path / "m.onnx"
    path.write_bytes(make().SerializeToString())
    run = refused(path)
    assert "m.onnx" in run.last
    for word in words:
        assert word in run.err, run.err


def test_all_unknown_operators_are_named(refused: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(unknown_in_a_branch().SerializeToString())
    run = refused(path)
    for name in (*(f"foo_{i}" for i in range(6)), "qux", "inner", "Foo x6", "my.own.Qux", "Baz"):
        assert name in run.err, run.err
    assert "--plugin" in run.err
    assert "8 problems" in run.last


# Damaged files


@pytest.mark.parametrize("part", [0.01, 0.3, 0.5, 0.9, 0.99999])
def test_truncated_files(refused: Callable[..., Run], tmp_path: Path, part: float) -> None:
    whole = MNIST.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(len(whole) * part)])
    run = refused(path)
    assert "cut.onnx: the file is cut short or damaged" in run.last
    assert "download the model again" in run.last


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"\xff" * 100, b"PK\x03\x04zip", b"{}", bytes(range(256)) * 9])
def test_files_that_are_no_models(refused: Callable[..., Run], tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(data)
    assert "odd.onnx" in refused(path).last


def test_a_corrupted_tag_in_the_middle(refused: Callable[..., Run], tmp_path: Path) -> None:
    whole = bytearray(MNIST.read_bytes())
    at = whole.index(b"Convolution28")
    whole[at - 1] = 0x7F  # the length of a name reaches beyond its node
    path = tmp_path / "corrupt.onnx"
    path.write_bytes(whole)
    assert "corrupt.onnx" in refused(path).last


# External data


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "sub/../../secret.bin", "link.bin", "..\\w.bin"]
)
def test_paths_out_of_the_folder(refused: Callable[..., Run], tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    inside = tmp_path / "model"
    inside.mkdir()
    os.symlink(tmp_path / "secret.bin", inside / "link.bin")
    model = tensor()
    w = model.graph.initializer[0]
    w.ClearField("raw_data")
    w.data_location = TensorProto.EXTERNAL
    w.external_data.add(key="location", value=location)
    path = inside / "m.onnx"
    path.write_bytes(model.SerializeToString())
    run = refused(path)
    for word in ("sum", "'w'", "outside the model's folder", "beside the model only"):
        assert word in run.err


# Pipelines

PIPELINES = {
    "fuse,fusee,dce": (5, 5, "did you mean 'fuse'?"),
    "fold,(fuse,dcee)*": (11, 4, "did you mean 'dce'?"),
    "fuse,(fold": (10, 1, ""),
    "fuse)": (4, 1, ""),
    "fold,,dce": (5, 1, ""),
    "fold{x=1}": (0, 4, "no option 'x'"),
    "fold*0": (4, 1, ""),
    "(fold)*0": (7, 1, "at least once"),
}


@pytest.mark.parametrize("passes", PIPELINES)
def test_bad_pipelines_are_pointed_at(refused: Callable[..., Run], tmp_path: Path, passes: str) -> None:
    column, width, message = PIPELINES[passes]
    path = tmp_path / "m.onnx"
    path.write_bytes(conv().SerializeToString())
    run = refused(path, "--passes", passes, code=2)
    lines = run.err.splitlines()
    assert lines[1:3] == [f"  {passes}", "  " + " " * column + "^" * width]
    assert "--passes" in run.last
    assert message in run.err


# Output


def test_an_output_folder_that_cannot_be(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for target in ("ir", "numpy"):
        run = cli(tiny, "-t", target, "-o", tmp_path / "file" / "below")
        assert run.code == 2
        assert "is a file" in run.last
        assert "choose another --output_dir" in run.last
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("target", ["ir", "numpy"])
def test_a_folder_in_the_place_of_a_file(cli: Cli, tiny: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "out"
    (out / "tiny.xml").mkdir(parents=True)
    (out / "tiny.py").mkdir()
    before = contents(out)
    run = cli(tiny, "-t", target, "-o", out)
    assert run.code == 1
    assert "error: " in run.last
    assert "tiny." in run.last
    assert contents(out) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o500)
    for folder in (out, out / "below"):
        run = cli(tiny, "-o", folder)
        assert run.code == 1
        assert "permission denied" in run.last.lower()
    assert not list(out.iterdir())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that root cannot write to")
@pytest.mark.parametrize("target", ["ir", "numpy"])
def test_a_folder_that_the_system_refuses(cli: Cli, tiny: Path, target: str) -> None:
    run = cli(tiny, "-t", target, "-o", "/proc/vinoc/out")
    assert run.code == 1
    assert "/proc" in run.last
    assert "help: " in run.last


@pytest.mark.parametrize("target", ["ir", "numpy"])
def test_a_full_disk(tmp_path: Path, target: str) -> None:
    """Here: a limit on the size of files. The older output stays, and nothing half written."""
    path = tmp_path / "big.onnx"
    noise = np.random.default_rng(0).normal(size=(64, 64, 8, 8)).astype(np.float32)
    model = build(N("Conv", ["x", "w"], ["y"], "conv"), x=[1, 64, 8, 8], w=noise)
    path.write_bytes(model.SerializeToString())
    out = tmp_path / "out"
    out.mkdir()
    for suffix in (".xml", ".bin", ".mapping", ".py", ".npz"):
        (out / f"big{suffix}").write_text("older")
    before = contents(tmp_path)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))

    run = subprocess.run(
        [sys.executable, "-B", "-m", "vinoc", path, "-t", target, "-o", out],
        preexec_fn=limited, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    assert "cannot" in run.stderr
    assert str(out) in run.stderr
    assert "Traceback" not in run.stderr
    assert contents(tmp_path) == before


# What is valid and asks for more than there is


def expanded(target: list[int], *more: onnx.NodeProto) -> ModelProto:
    return build(N("Expand", ["one", "s"], ["e"], "e"), *more, one=np.float32(1), s=np.array(target, np.int64))


BOMBS = {
    "a splat": lambda: expanded([1 << 20, 1 << 20], N("Relu", ["e"], ["y"])),
    "arithmetic on splats": lambda: expanded([1 << 20, 1 << 20], N("Add", ["e", "e"], ["f"]), N("Exp", ["f"], ["y"])),
    "a range": lambda: build(
        N("Range", ["a", "b", "c"], ["y"]), a=np.int64(0), b=np.int64(1 << 45), c=np.int64(1)
    ),
    "repeats": lambda: shaped("Tile", [1 << 30, 1 << 20]),
    "constant repeats": lambda: build(
        N("Tile", ["t", "s"], ["y"]), t=np.ones((2, 2), np.float32), s=np.array([1 << 20, 1 << 20])
    ),
    "classes": lambda: build(
        N("OneHot", ["i", "d", "v"], ["y"]), i=np.arange(9), d=np.int64(1 << 40), v=np.array([0, 1], np.float32)
    ),
    "pads": lambda: build(N("Pad", ["t", "s"], ["y"]), t=np.ones(4, np.float32), s=np.array([1 << 40, 1 << 40])),
    "a constant product": lambda: build(
        N("MatMul", ["a", "b"], ["y"]), a=np.ones((1 << 17, 1), np.float32), b=np.ones((1, 1 << 17), np.float32)
    ),
    "a large image": lambda: build(
        N("Resize", ["t", "", "s"], ["y"], mode="linear"),
        t=np.ones((1, 1, 8, 8), np.float32), s=np.array([1, 1, 1 << 20, 1 << 20], np.float32),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_terabytes_is_left_to_run_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.onnx"
    path.write_bytes(BOMBS[name]().SerializeToString())
    with Guard() as guard:
        outcome = guard.compile(path)
    assert outcome.good, outcome
