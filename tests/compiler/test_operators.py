"""The table of the ONNX operators."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from onnx import defs

from vinoc.compiler.cli.ops import command
from vinoc.compiler.operators import COLUMNS, rows
from vinoc.ir.errors import UsageError


def row(op: str, domain: str = "ai.onnx") -> dict[str, str]:
    (found,) = [r for r in rows("onnx", [op]) if r[0] == domain]
    return dict(zip(COLUMNS, found, strict=True))


@pytest.mark.parametrize(
    ("op", "ir"),
    [("Conv", "yes"), ("Attention", "yes"), ("CumProd", "yes"), ("StringSplit", "no"), ("Resize", "some"),
     ("SequenceAt", "some"), ("SoftmaxCrossEntropyLoss", "yes"), ("MaxUnpool", "yes")],
)  # fmt: skip
def test_whether_an_operator_can_be_written(op: str, ir: str) -> None:
    assert row(op)["IR"] == ir


def test_how_the_cpu_runs_it() -> None:
    assert row("Relu")["CPU kernel"] == "yes"
    assert row("StringSplit")["CPU kernel"] == "island"
    assert row("CumProd")["CPU kernel"] == "island"


def test_versions() -> None:
    assert row("Softmax")["from opset"] == "1, 13"
    assert row("TreeEnsemble", "ai.onnx.ml")["from opset"] == "5"


def test_every_operator_of_the_standard_is_in_the_table() -> None:
    """But for those that need derivatives, or dictionaries as values."""
    without = {"Gradient", "CastMap", "DictVectorizer"}
    known = {r[1] for r in rows("onnx")}
    missing = {s.name for s in defs.get_all_schemas()} - known
    assert missing == without


def test_the_command() -> None:
    done = CliRunner().invoke(command, ["--frontend", "onnx", "--json", "Relu"])
    assert [r["operator"] for r in json.loads(done.output)] == ["Relu"]
    assert "com.microsoft" in CliRunner().invoke(command, ["--frontend", "onnx"]).output


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="no operator 'Relo'"):
        rows("onnx", ["Relo"])
    with pytest.raises(UsageError, match="no table"):
        rows("tflite")
