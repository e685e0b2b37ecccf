"""Configurations: what is read, merged, chosen; what is refused, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.ir.errors import VinocError
from vinoc.tools.accuracy.config.marked import parse_yaml
from vinoc.tools.accuracy.config.read import Plan, read_config
from vinoc.tools.accuracy.config.request import Request
from vinoc.tools.marked import Map, as_map

pytest.importorskip("yaml")

MODEL = """\
models:
  - name: net
    launchers:
      - framework: dlsdk
        model: net.onnx
        adapter: classification
    datasets:
      - name: digits
        annotation_conversion:
          converter: npz
          annotation_file: digits.npz
        metrics:
          - type: accuracy
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model's file and a data set; configurations do not open the model."""
    (tmp_path / "net.onnx").write_bytes(b"")
    np.savez(tmp_path / "digits.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.arange(2))
    for variable in ("DATA_DIR", "MODELS_DIR", "ANNOTATIONS_DIR", "MODEL_ATTRIBUTES_DIR", "DEFINITIONS_FILE"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def read(folder: Path, text: str, **more: Any) -> Plan:
    (folder / "config.yml").write_text(text)
    return read_config(Request(config=folder / "config.yml", **more))


def refused(folder: Path, text: str, **more: Any) -> list[str]:
    """The lines of the error."""
    with pytest.raises(VinocError) as caught:
        read(folder, text, **more)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_values_know_their_lines() -> None:
    made = parse_yaml("a: 1\nb:\n  - c: [x, 2]\n  - d: {e: yes}\n", "f.yml")
    assert made == {"a": 1, "b": [{"c": ["x", 2]}, {"d": {"e": True}}]}
    assert made.where("b") == "f.yml:2"
    assert made["b"][1].where("d") == "f.yml:4"
    assert made["b"].where(1) == "f.yml:4"


def test_merged_blocks_and_anchors() -> None:
    made = parse_yaml("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\nsame: *b\n", "f.yml")
    assert made["more"] == {"x": 1, "y": 3}
    assert made["same"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yml:3: 'a' stands twice in a block"),
        ("a: [1\nb: 2\n", "f.yml:2: is no YAML"),
        ("- 1\n", "f.yml: is no block of names and values"),
        ("", "f.yml: is empty"),
        ("a: !!python/object:os.system x\n", "f.yml:1: cannot be read"),
        ("a: &x [*x]\n", "f.yml:1: a block contains itself"),
        ("[1]: 2\n", "f.yml:1: a name is one word"),
    ],
)
def test_broken_yaml_is_refused_by_line(text: str, line: str) -> None:
    with pytest.raises(VinocError) as caught:
        parse_yaml(text, "f.yml")
    assert str(caught.value).startswith(line)


def test_a_configuration_becomes_an_evaluation(folder: Path) -> None:
    (made,) = read(folder, MODEL).evaluations
    assert (made.model, made.dataset, made.launcher.name) == ("net", "digits", "vinoc")
    assert made.launcher.model == folder / "net.onnx"
    assert [w.name for w in made.metrics] == ["accuracy"]
    assert len(made.source.load().annotations) == 2


def test_all_problems_at_once_with_lines_and_suggestions(folder: Path) -> None:
    text = (
        MODEL.replace("adapter: classification", "adapter: {type: clasification}")
        .replace("converter: npz", "converter: npzz")
        .replace("type: accuracy", "type: acuracy")
        .replace("net.onnx", "net.onx")
    )
    lines = refused(folder, text)
    assert lines[0] == "config.yml: 4 problems"
    told = "\n".join(lines)
    assert "config.yml:5: there is no model 'net.onx'" in told
    assert "config.yml:6: there is no adapter 'clasification'\n    help: did you mean 'classification'?" in told
    assert "config.yml:10: there is no annotation converter 'npzz'\n    help: did you mean 'npz'?" in told
    assert "config.yml:13: there is no metric 'acuracy'\n    help: did you mean 'accuracy'?" in told


METRIC = "          - type: accuracy"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("dlsdk", "dlsk", "config.yml:4: there is no launcher 'dlsk'\n  help: did you mean 'dlsdk'?"),
        ("    datasets:", "    dataset:", "config.yml:7: a model has no 'dataset'"),
        ("models:", "modles:", "config.yml:1: there is no entry 'modles'"),
        ("        metrics:", "        metric:", "config.yml:12: a data set has no 'metric'"),
        ("annotation_conversion:", "data_source: x\n        annotation_conversio:", "'digits' has no annotation_conv"),
        ("adapter: classification", "adapter: classification\n        device_config: [1]", "pairs of a name and a val"),
        ("        adapter: classification\n", "", "config.yml:4: the launcher has no adapter"),
        (METRIC, f"{METRIC}\n            top_k: 0", "config.yml:14: option 'top_k'"),
        (METRIC, f"{METRIC}\n            topk: 5", "config.yml:14: there is no option"),
        ("type: accuracy", "type: map", "takes DetectionPrediction, adapter 'classification' gives"),
        ("annotation_conversion:", "annotation: a.pickle\n        annotation_conversio:", "run code"),
        ("        adapter:", "        batch: 0\n        adapter:", "config.yml:6: option 'batch' is 0"),
        ("        adapter:", "        num_requests: few\n        async_mode: true\n        adapter:", "few"),
    ],
)
def test_refusals(folder: Path, old: str, new: str, told: str) -> None:
    assert old in MODEL
    assert told in "\n".join(refused(folder, MODEL.replace(old, new)))


def test_definitions_give_what_a_data_set_lacks(folder: Path) -> None:
    (folder / "defs.yml").write_text(
        "datasets:\n"
        "  - name: digits\n"
        "    annotation_conversion: {converter: npz, annotation_file: digits.npz}\n"
        "    reader: pillow_imread\n"
        "    metrics: [{type: accuracy, name: first}, {type: accuracy, top_k: 2}]\n"
        "  - name: unused\n"
        "    annotation_conversion: {converter: unheard_of}\n"
        "launchers:\n"
        "  - framework: dlsdk\n"
        "    batch: 3\n"
    )
    text = (
        "models:\n- name: net\n  launchers: [{framework: dlsdk, model: net.onnx, adapter: classification}]\n"
        "  datasets: [{name: digits, reader: opencv_imread}]\n"
    )
    (made,) = read(folder, text, definitions=folder / "defs.yml").evaluations
    assert [w.name for w in made.metrics] == ["first", "accuracy@top2"]
    assert made.source.data.name == "opencv_imread"
    assert made.launcher.batch == 3
    (again,) = read(folder, text + "global_definitions: defs.yml\n").evaluations
    assert again == made
    lines = refused(folder, text)
    assert "the data set has no metrics" in "\n".join(lines)


def test_relative_paths_begin_in_the_folders_of_the_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("m", "s"):
        (folder / name).mkdir()
    (folder / "net.onnx").rename(folder / "m" / "net.onnx")
    (folder / "digits.npz").rename(folder / "s" / "digits.npz")
    assert "there is no model" in "\n".join(refused(folder, MODEL, source=folder / "s"))
    (made,) = read(folder, MODEL, models=(folder / "m",), source=folder / "s").evaluations
    assert made.launcher.model == folder / "m" / "net.onnx"
    assert len(made.source.load().annotations) == 2
    monkeypatch.setenv("MODELS_DIR", str(folder / "m"))
    monkeypatch.setenv("DATA_DIR", str(folder / "s"))
    assert read(folder, MODEL).evaluations == (made,)
    assert "there is no folder" in "\n".join(refused(folder, MODEL, source=folder / "t"))


def test_models_of_the_command_line(folder: Path) -> None:
    without = MODEL.replace("        model: net.onnx\n", "")
    assert "no model is given for 'net'" in "\n".join(refused(folder, without))
    (folder / "other.xml").write_bytes(b"")
    found = read(folder, without, models=(folder / "net.onnx", folder / "other.xml")).evaluations
    assert [Path(e.launcher.model).name for e in found] == ["net.onnx", "other.xml"]
    (folder / "several").mkdir()
    for name in ("net.onnx", "b.onnx"):
        (folder / "several" / name).write_bytes(b"")
    (named,) = read(folder, without, models=(folder / "several",)).evaluations
    assert named.launcher.model == folder / "several" / "net.onnx"
    (folder / "several" / "net.onnx").rename(folder / "several" / "c.onnx")
    assert "has 2 models (.onnx)" in "\n".join(refused(folder, without, models=(folder / "several",)))


def test_weights_of_a_model(folder: Path) -> None:
    for name in ("net.xml", "net.bin", "other.bin"):
        (folder / name).write_bytes(b"")
    text = MODEL.replace("model: net.onnx", "model: net.xml\n        weights: net.bin")
    assert read(folder, text).evaluations[0].launcher.weights is None
    (made,) = read(folder, text.replace("net.bin", "other.bin")).evaluations
    assert made.launcher.weights == folder / "other.bin"
    assert "config.yml:6: there are no weights" in "\n".join(refused(folder, text.replace("net.bin", "none.bin")))


TWO = MODEL.replace(
    "    datasets:",
    "      - {framework: caffe, model: x.prototxt, adapter: classification}\n"
    "      - {framework: openvino, model: net.onnx, adapter: classification, device: GPU, tags: [INT8]}\n"
    "    datasets:",
)


def test_which_launchers_run(folder: Path) -> None:
    plan = read(folder, TWO)
    assert [(e.launcher.name, e.launcher.device) for e in plan.evaluations] == [("vinoc", "CPU"), ("openvino", "GPU")]
    assert any("'caffe' is not run here" in r for r in plan.remarks)
    assert [e.launcher.name for e in read(folder, TWO, framework="openvino").evaluations] == ["openvino"]
    assert [e.launcher.name for e in read(folder, TWO, tags=("INT8",)).evaluations] == ["openvino"]
    assert [e.launcher.name for e in read(folder, TWO, devices=("cpu",)).evaluations] == ["vinoc"]
    both = read(folder, MODEL, devices=("CPU", "TEMPLATE")).evaluations
    assert [e.launcher.device for e in both] == ["CPU", "TEMPLATE"]
    assert "nothing is left to run of 'net'" in "\n".join(refused(folder, TWO, framework="tf"))
    both = MODEL + MODEL.replace("models:\n", "").replace("dlsdk", "tf")
    plan = read(folder, both.replace("name: net", "name: other", 1))
    assert [e.model for e in plan.evaluations] == ["other"]
    assert any("nothing is left to run of 'net'" in r for r in plan.remarks)
    only = MODEL.replace("dlsdk", "caffe")
    assert "none of its launchers (caffe) can be run here" in "\n".join(refused(folder, only))


def test_launchers_of_the_command_line_run_each_model_once(folder: Path) -> None:
    text = MODEL.replace(
        "    datasets:", "      - {framework: openvino, model: net.onnx, adapter: classification}\n    datasets:"
    )
    found = read(folder, text, launchers=("vinoc", "onnxruntime")).evaluations
    assert [e.launcher.name for e in found] == ["vinoc", "onnx_runtime"]
    lines = refused(folder, MODEL, launchers=("vinocc",))
    assert lines == ["--launchers: there is no launcher 'vinocc'", "  help: did you mean 'vinoc'?"]


def test_what_has_no_meaning_here_is_remarked(folder: Path) -> None:
    text = MODEL.replace(
        "adapter: classification", "adapter: {type: classification, block: true}\n        mo_flags: [x]"
    )
    text = text.replace("- type: accuracy", "- {type: accuracy, presenter: print_scalar}")
    remarks = "\n".join(read(folder, text).remarks)
    assert "config.yml:6: adapter 'classification': 'block' has no meaning here" in remarks
    assert "config.yml:7: launcher 'dlsdk': 'mo_flags' has no meaning here" in remarks
    assert "config.yml:14: metric 'accuracy': 'presenter' has no meaning here" in remarks


def test_evaluations_of_python_modules_are_refused(folder: Path) -> None:
    text = "evaluations:\n- {name: a, module: custom_evaluators.x.Y, module_config: {}}\n"
    assert "name Python modules of Accuracy Checker's" in "\n".join(refused(folder, text))


def test_the_same_from_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    given = as_map(parse_yaml(MODEL, "f.yml"), "configuration")
    plain = {"models": [dict(m) for m in given["models"]]}
    (made,) = read_config(Request(config=plain)).evaluations
    assert made.launcher.model == Path("net.onnx")
    plain["models"][0]["launchers"] = [{"framework": "dlsdk", "model": "net.onnx", "adapter": "clasification"}]
    with pytest.raises(VinocError, match="did you mean 'classification'"):
        read_config(Request(config=plain))


def test_references_and_their_thresholds(folder: Path) -> None:
    text = MODEL.replace(
        "- type: accuracy",
        "- {type: accuracy, reference: 99.1, threshold: 0.5}\n"
        "          - {type: accuracy_per_class, reference: {mean: 0.5, a: 1}, rel_threshold: 1e-2}",
    )
    first, second = read(folder, text).evaluations[0].metrics
    assert (first.reference, first.abs_threshold, first.rel_threshold) == (99.1, 0.5, None)
    assert (second.reference, second.abs_threshold, second.rel_threshold) == ({"mean": 0.5, "a": 1.0}, None, 0.01)
    none = read(folder, text, ignore_reference=True).evaluations[0].metrics
    assert [w.reference for w in none] == [None, None]


def test_samples_of_the_command_line_go_first(folder: Path) -> None:
    text = MODEL.replace("      - name: digits", "      - name: digits\n        subsample_size: 1\n        shuffle: no")
    (made,) = read(folder, text).evaluations
    assert made.source.sample == {"subsample_size": 1, "subsample_seed": 666, "shuffle": False}
    (made,) = read(folder, text, subsample_size="50%", seed=3, shuffle=True).evaluations
    assert made.source.sample == {"subsample_size": "50%", "subsample_seed": 3, "shuffle": True}


def test_a_subset_by_names(folder: Path) -> None:
    text = MODEL.replace("      - name: digits", "      - name: digits\n        subset_file: subset.yml")
    (folder / "subset.yml").write_text("- 1.png\n")
    (made,) = read(folder, text).evaluations
    assert [a.identifier for a in made.source.load().annotations] == ["1.png"]
    (folder / "subset.yml").write_text("[1.png, 11.png]\n")
    with pytest.raises(VinocError, match=r"there is no sample '11\.png'\n  help: did you mean '1\.png'"):
        read(folder, text).evaluations[0].source.load()
    (folder / "subset.yml").write_text("a: 1\n")
    assert "is no list" in "\n".join(refused(folder, text))
    (folder / "subset.yml").unlink()
    assert "cannot be read" in "\n".join(refused(folder, text))


def test_a_data_set_that_no_definition_has(folder: Path) -> None:
    (folder / "defs.yml").write_text("datasets: [{name: digits_10}]\n")
    text = (
        "models:\n- name: net\n  launchers: [{framework: dlsdk, model: net.onnx, adapter: classification}]\n"
        "  datasets: [{name: digits_1, metrics: [accuracy]}]\n"
    )
    told = refused(folder, text, definitions=folder / "defs.yml")
    assert told == [
        "config.yml:4: the data set 'digits_1' has no annotation_conversion", "  help: did you mean 'digits_10'?",
    ]  # fmt: skip


def test_masks_come_from_where_the_data_set_says(folder: Path) -> None:
    for name in ("images", "masks"):
        (folder / name).mkdir()
    (folder / "val.txt").write_text("a\n")
    text = MODEL.replace("adapter: classification", "adapter: segmentation").replace("accuracy", "mean_iou")
    conversion = "converter: voc_segmentation\n          imageset_file: val.txt\n          images_dir: images"
    text = text.replace("converter: npz\n          annotation_file: digits.npz", conversion)
    text = text.replace("- name: digits", "- name: digits\n        segmentation_masks_source: masks")
    (made,) = read(folder, text).evaluations
    assert made.source.reader.mask_dir == folder / "masks"  # type: ignore[attr-defined]


def test_properties_of_devices(folder: Path) -> None:
    (folder / "device.yml").write_text("CPU: {INFERENCE_NUM_THREADS: 1}\nGPU: {X: 1}\n")
    text = MODEL.replace("adapter: classification", "adapter: classification\n        device_config: {NUM_STREAMS: 1}")
    (made,) = read(folder, text, device_config=folder / "device.yml").evaluations
    assert made.launcher.device_config == {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}


def test_maps_are_copied_with_their_places() -> None:
    import copy

    made = parse_yaml("a:\n  b: 1\n", "f.yml")
    again = copy.deepcopy(made)
    assert isinstance(again["a"], Map)
    assert again["a"].where("b") == "f.yml:2"
