"""Configurations of the kinds that model zoos have, run from the command line on data for which each model is right."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ..calls import Call, caller
from .made import make_all

pytest.importorskip("yaml")
pytest.importorskip("PIL")

CONFIGS = Path(__file__).parent / "configs"
NAMES = sorted(p.stem for p in CONFIGS.glob("*.yml") if p.stem != "definitions")
DEFINITIONS = CONFIGS / "definitions.yml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_all(tmp_path_factory.mktemp("made"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys, "accuracy")


@pytest.mark.parametrize("name", NAMES)
def test_a_right_model_reaches_its_reference(name: str, made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    out = tmp_path / "out.json"
    shown = call("-c", CONFIGS / f"{name}.yml", "-m", models, "-s", data, "-d", DEFINITIONS, "--json", out)
    found = json.loads(out.read_text())
    assert found["failed"] == []
    for evaluation in found["evaluations"]:
        assert evaluation["samples"] in (2, 3)
        judged = [m for m in evaluation["metrics"] if m["reference"] is not None]
        assert judged, shown
        assert all(m["passed"] for m in judged), shown
    assert "passed" in shown


def test_all_launchers_agree_and_stand_in_one_table(made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    words = ("-c", CONFIGS / "classification.yml", "-m", models, "-s", data, "-d", DEFINITIONS)
    table = tmp_path / "out.csv"
    shown = call(*words, "--launchers", "vinoc", "onnxruntime", "openvino", "--csv", table)
    rows = list(csv.DictReader(table.open()))
    assert {r["launcher"] for r in rows} == {"vinoc", "onnx_runtime", "openvino"}
    assert {float(r["metric_value"]) for r in rows} == {1.0}
    assert {r["dataset_size"] for r in rows} == {"3"}
    assert shown.count("100.00 %") == 9
    assert "'caffe' is not run here" in shown


def test_a_missed_reference_is_exit_code_1(made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    text = (CONFIGS / "ssd.yml").read_text()
    config = tmp_path / "low.yml"
    config.write_text(text.replace("reference: 1.0", "reference: 0.9"))
    words = ("-c", config, "-m", models, "-s", data, "-d", DEFINITIONS)
    shown = call(*words, code=1)
    assert "MISSED" in shown
    assert "+0.1" in shown
    call(*words, "--ignore_metric_reference")
    text = text.replace("abs_threshold: 0.001", "rel_threshold: 0.2")
    config.write_text(text.replace("reference: 1.0", "reference: 90"))
    call(*words)


def test_what_fails_does_not_stop_the_rest(made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    text = (CONFIGS / "text.yml").read_text()
    config = tmp_path / "config.yml"
    first = "      - framework: dlsdk"
    wrong = "      - {framework: dlsdk, model: ssd300.onnx, adapter: beam_search_decoder}\n"
    config.write_text(text.replace(first, wrong + first))
    shown = call("-c", config, "-m", models, "-s", data, "-d", DEFINITIONS, code=1)
    assert "error: reader by vinoc: the data of 'a.png' are [32, 120, 1], input 'data' takes [1, 3, 300, 300]" in shown
    assert "100.00 %" in shown


def test_files_of_results(made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    page, saved = tmp_path / "page.html", tmp_path / "saved.json"
    call("-c", CONFIGS / "classification.yml", "-m", models, "-s", data, "-d", DEFINITIONS, "--html", page,
         "--save_results", saved, "-tf", "dlsdk")  # fmt: skip
    assert "<td >classifier</td>" in page.read_text()
    (found,) = json.loads(saved.read_text())
    one = {s["identifier"]: s for s in found["samples"]}["g.png"]
    assert one["annotation"] == {"label": 7}
    scores = one["prediction"]["scores"]
    assert scores.index(max(scores)) == 7


def test_batches_and_requests_change_nothing(made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    words = ("-c", CONFIGS / "classification.yml", "-m", models, "-s", data, "-d", DEFINITIONS, "-tf", "dlsdk")
    found = []
    for i, more in enumerate(((), ("-b", 2), ("-b", 5), ("--num_requests", 2))):
        call(*words, *more, "--save_results", tmp_path / f"{i}.json")
        found.append(json.loads((tmp_path / f"{i}.json").read_text())[0]["samples"])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a["identifier"] == b["identifier"]
            assert a["prediction"]["scores"] == pytest.approx(b["prediction"]["scores"], abs=1e-5)


def test_a_sample_of_the_data(made: tuple[Path, Path], call: Call, tmp_path: Path) -> None:
    models, data = made
    words = ("-c", CONFIGS / "classification.yml", "-m", models, "-s", data, "-d", DEFINITIONS, "-tf", "dlsdk")
    call(*words, "-ss", 1, "--shuffle", "False", "--save_results", tmp_path / "one.json")
    (found,) = json.loads((tmp_path / "one.json").read_text())
    assert [s["identifier"] for s in found["samples"]] == ["r.png"]
