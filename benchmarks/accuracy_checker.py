"""`vinoc accuracy` beside OpenVINO's `accuracy_check`: the same configurations, metric by metric.

    python -m venv peers && peers/bin/pip install 'openvino-dev==2023.3.0'    # and the packages that it asks for
    python benchmarks/accuracy_checker.py --checker peers/bin/accuracy_check [--seed N] [--keep DIR]

Images, annotations and models are made from a seed. A model gives random outputs, to which it adds 1e-4 of the mean of
its input: scores of different images are different then, so that no order of equal ones decides a metric. Both
programs compute in f32, vinoc with vinoc's launcher, Accuracy Checker with OpenVINO's. Prints a Markdown table of what
differs by more than 1e-6, and how many metrics are equal.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SIDE = 128
COUNT = 16
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz#"
ANCHORS = "10,14, 23,27, 37,58, 81,82, 35,69, 44,39"

Block = dict[str, Any]


class Plain(yaml.SafeDumper):
    """Without anchors: Accuracy Checker puts prefixes before the paths of a shared block again and again."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Made:
    """Data, models and configurations of one seed, in a folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.data, self.models = folder / "data", folder / "models"
        (self.data / "images").mkdir(parents=True)
        self.models.mkdir()
        self.sizes = {f"{i}.jpg": self.image(f"{i}.jpg") for i in range(COUNT)}
        self.configs: list[Block] = []

    def image(self, name: str) -> tuple[int, int]:
        """A picture of soft colours; its width and height."""
        width, height = (int(v) for v in self.rng.integers(150, 500, 2))
        coarse = self.rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        picture.save(self.data / "images" / name, quality=95)
        return width, height

    def boxes(self, name: str, count: int) -> Any:
        """[count, 4] of x0 y0 x1 y1 in whole pixels."""
        size = np.array(self.sizes[name])
        first = self.rng.uniform(0, 0.7, (count, 2)) * size
        return np.hstack([first, first + self.rng.uniform(0.05, 0.3, (count, 2)) * size]).round()

    def model(self, name: str, outputs: Mapping[str, Any], shape: Sequence[int] = (1, 3, SIDE, SIDE)) -> str:
        """A model of these outputs, and 1e-4 of the mean of its input."""
        node = helper.make_node
        nodes = [node("ReduceMean", ["x"], ["mean"], keepdims=0), node("Mul", ["mean", "small"], ["some"])]
        nodes += [node("Add", [f"{o}_value", "some"], [o]) for o in outputs]
        constants = {"small": np.float32(1e-4), **{f"{o}_value": np.float32(v) for o, v in outputs.items()}}
        graph = helper.make_graph(
            nodes, name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
            [helper.make_tensor_value_info(o, TensorProto.FLOAT, list(np.shape(v))) for o, v in outputs.items()],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
        )  # fmt: skip
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(made, self.models / f"{name}.onnx")
        return f"{name}.onnx"

    def add(self, name: str, model: str, adapter: Any, dataset: Block) -> None:
        launcher = {"framework": "openvino", "device": "CPU", "model": model, "adapter": adapter, "precision": "f32"}
        dataset = {"name": f"{name}_data", "data_source": "images", **dataset}
        self.configs.append({"name": name, "launchers": [launcher], "datasets": [dataset]})


RESIZE: list[Block] = [{"type": "resize", "size": SIDE}]
TO_IMAGE: Block = {"type": "resize_prediction_boxes"}
COCO: list[Block] = [
    {"type": "map", "integral": "11point", "ignore_difficult": True, "presenter": "print_scalar"},
    {"type": "map", "name": "map_max", "presenter": "print_scalar"},
    {"type": "coco_precision", "name": "coco50", "max_detections": 100, "threshold": "0.5"},
    {"type": "coco_precision", "name": "coco", "max_detections": 100},
]
FACES: list[Block] = [
    {"type": "map", "ignore_difficult": True, "include_boundaries": False},
    {"type": "map", "name": "map_bounds", "allow_multiple_matches_per_ignored": True, "distinct_conf": False},
    {"type": "recall", "presenter": "print_scalar"},
    {"type": "miss_rate", "fppi_level": 1},
    {"type": "detection_accuracy"},
]


def coco(made: Made) -> Block:
    """Six boxes of four of 80 classes in each image."""
    images, objects = [], []
    for i, (name, (width, height)) in enumerate(made.sizes.items(), 1):
        images.append({"id": i, "file_name": name, "width": width, "height": height})
        for x0, y0, x1, y1 in made.boxes(name, 6).tolist():
            objects.append({
                "id": len(objects) + 1, "image_id": i, "category_id": int(made.rng.integers(1, 5)), "iscrowd": 0,
                "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0),
                "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
            })  # fmt: skip
    categories = [{"id": i + 1, "name": f"c{i}", "supercategory": "all"} for i in range(80)]
    text = json.dumps({"images": images, "annotations": objects, "categories": categories})
    (made.data / "coco.json").write_text(text)
    return {"converter": "mscoco_detection", "annotation_file": "coco.json", "has_background": False,
            "use_full_label_map": False}  # fmt: skip


def wider(made: Made) -> Block:
    """Six faces in each image."""
    lines = []
    for name in made.sizes:
        boxes = made.boxes(name, 6).astype(int).tolist()
        lines += [name, "6", *(f"{x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0" for x0, y0, x1, y1 in boxes)]
    (made.data / "wider.txt").write_text("\n".join(lines) + "\n")
    return {"converter": "wider", "annotation_file": "wider.txt"}


def grid(rng: np.random.Generator, cells: int, anchors: int, raw: bool) -> Any:
    """An output of YOLO with random boxes, whose classes are four of 80."""
    out = np.zeros((anchors, 85, cells, cells))
    if raw:
        out[:, :4] = rng.normal(0, 1, (anchors, 4, cells, cells))
        out[:, 4] = rng.normal(-4, 2, (anchors, cells, cells))
        out[:, 5:] = rng.normal(-5, 1, (anchors, 80, cells, cells))
        out[:, 5:9] = rng.normal(0, 2, (anchors, 4, cells, cells))
    else:
        out[:, :2] = rng.uniform(0, 1, (anchors, 2, cells, cells))
        out[:, 2:4] = rng.normal(0, 0.5, (anchors, 2, cells, cells))
        out[:, 4] = rng.uniform(0, 1, (anchors, cells, cells)) ** 8
        out[:, 5:9] = rng.dirichlet(np.ones(4), (anchors, cells, cells)).transpose(0, 3, 1, 2)
    return out.reshape(1, -1, cells, cells)


def yolo(made: Made) -> None:
    annotation = coco(made)
    after = [TO_IMAGE, {"type": "filter", "apply_to": "prediction", "min_confidence": 0.001, "remove_filtered": True},
             {"type": "nms", "overlap": 0.5}, {"type": "clip_boxes", "apply_to": "prediction"}]  # fmt: skip
    dataset = {"annotation_conversion": annotation, "preprocessing": RESIZE, "postprocessing": after, "metrics": COCO}
    for raw in (False, True):
        for form in ("yolo_v3", "yolo_v5"):
            outputs = {"a": grid(made.rng, 4, 3, raw), "b": grid(made.rng, 8, 3, raw)}
            model = made.model(f"{form}_{raw}", outputs)
            for several in (False, True):
                adapter = {"type": form, "anchors": ANCHORS, "num": 3, "classes": 80, "coords": 4, "threshold": 0.05,
                           "anchor_masks": [[3, 4, 5], [0, 1, 2]], "raw_output": raw, "multiple_labels": several,
                           "cells": [4, 8], "outputs": ["a", "b"]}  # fmt: skip
                made.add(f"{form} raw={raw} several={several}", model, adapter, dataset)
    model = made.model("yolo_v2", {"a": grid(made.rng, 6, 5, False)})
    made.add("yolo_v2", model, {"type": "yolo_v2", "classes": 80, "cells": 6}, dataset)
    after = [{"type": "nms", "overlap": 0.5}, {**TO_IMAGE, "rescale": True}]
    rows = np.zeros((1, 336, 85))
    rows[..., 4] = made.rng.uniform(0, 1, (1, 336))
    rows[..., 5:9] = made.rng.dirichlet(np.ones(4), (1, 336))
    rows[..., :2], rows[..., 2:4] = made.rng.uniform(0, 1, (1, 336, 2)), made.rng.normal(0, 0.8, (1, 336, 2))
    made.add("yolox", made.model("yolox", {"a": rows}), {"type": "yolox", "threshold": 0.05},
             {**dataset, "postprocessing": after})  # fmt: skip
    rows[..., :2], rows[..., 2:4] = SIDE * rows[..., :2], made.rng.uniform(5, 60, (1, 336, 2))
    made.add("yolor", made.model("yolor", {"a": rows}), {"type": "yolor", "threshold": 0.05},
             {**dataset, "postprocessing": after})  # fmt: skip
    found = np.zeros((1, 1, 60, 7))
    found[..., 1], found[..., 2] = made.rng.integers(0, 4, 60), made.rng.uniform(0, 1, 60)
    found[..., 3:7] = shares(made.rng, 60)
    made.add("ssd", made.model("ssd", {"a": found}), "ssd", {**dataset, "postprocessing": [TO_IMAGE]})


def shares(rng: np.random.Generator, count: int) -> Any:
    first = rng.uniform(0, 0.7, (count, 2))
    return np.hstack([first, first + rng.uniform(0.05, 0.3, (count, 2))])


def faces(made: Made) -> None:
    annotation = wider(made)
    rng = made.rng
    near = [{"type": "nms", "overlap": 0.5, "include_boundaries": False}, TO_IMAGE]
    dataset = {"annotation_conversion": annotation, "preprocessing": RESIZE, "postprocessing": near, "metrics": FACES}
    model = made.model("ultraface", {"s": rng.dirichlet(np.ones(2), (1, 300)), "b": shares(rng, 300)[None]})
    made.add("ultraface", model, {"type": "ultra_lightweight_face_detection", "scores_out": "s", "boxes_out": "b",
                                  "score_threshold": 0.3}, dataset)  # fmt: skip
    count = 2 * sum((SIDE // k) ** 2 for k in (8, 16, 32))
    model = made.model("torch", {"b": rng.normal(0, 2, (1, count, 4)), "s": rng.dirichlet(np.ones(2), (1, count))})
    after: list[Block] = [
        {"type": "cast_to_int"}, {"type": "clip_boxes", "size": 1024, "apply_to": "annotation"},
        {"type": "filter", "apply_to": "annotation", "height_range": "64, 1024", "is_empty": True},
    ]  # fmt: skip
    made.add("retinaface_pytorch", model, {"type": "retinaface_pytorch", "bboxes_output": "b", "scores_output": "s"},
             {**dataset, "postprocessing": after})  # fmt: skip
    outputs = {f"s{k}": rng.uniform(0, 1, (1, 4, SIDE // k, SIDE // k)) for k in (32, 16, 8)}
    outputs |= {f"b{k}": rng.normal(0, 0.5, (1, 8, SIDE // k, SIDE // k)) for k in (32, 16, 8)}
    made.add("retinaface", made.model("retinaface", outputs),
             {"type": "retinaface", "scores_outputs": ["s32", "s16", "s8"], "bboxes_outputs": ["b32", "b16", "b8"]},
             {**dataset, "postprocessing": [{"type": "cast_to_int"}]})  # fmt: skip
    offsets = np.zeros((1, 896, 18))
    offsets[..., :2], offsets[..., 2:4] = rng.normal(0, 20, (1, 896, 2)), rng.uniform(5, 50, (1, 896, 2))
    model = made.model("palm", {"r": offsets, "c": rng.normal(-1, 2, (1, 896, 1))})
    made.add("palm_detection", model, {"type": "palm_detection", "boxes_out": "r", "scores_out": "c"},
             {**dataset, "annotation_conversion": {**annotation, "label_start": 0}})  # fmt: skip


def words(made: Made) -> None:
    """Random logits; the words of the images are what they say, with letters changed."""
    from vinoc.tools.accuracy.adapters.text import beam_search

    logits = made.rng.normal(0, 2, (12, 1, 37))
    log = logits[:, 0] - np.log(np.exp(logits[:, 0]).sum(axis=1, keepdims=True))
    said = [ALPHABET[i] for i in beam_search(log, 36, 10)]
    lines = []
    for i, name in enumerate(made.sizes):
        word = list(said)
        for _ in range(i % 4):
            word[made.rng.integers(len(word))] = ALPHABET[made.rng.integers(36)]
        lines.append(f"{name} {''.join(word)}")
    (made.data / "words.txt").write_text("\n".join(lines) + "\n")
    before = [{"type": "bgr_to_gray"}, {"type": "resize", "dst_width": 120, "dst_height": 32}]
    metrics = [{"type": "character_recognition_accuracy"}, {"type": "wer"}, {"type": "cer"}]
    annotation = {"converter": "icdar13_recognition", "annotation_file": "words.txt"}
    made.add("beam_search_decoder", made.model("words", {"l": logits}, (1, 1, 32, 120)), "beam_search_decoder",
             {"annotation_conversion": annotation, "preprocessing": before, "metrics": metrics})  # fmt: skip


def digits(made: Made) -> None:
    """The digits of examples/accuracy, brought to their size in ways that models know."""
    found = np.load(EXAMPLES / "accuracy" / "digits.npz")
    (made.data / "digits").mkdir()
    for i, picture in enumerate(found["images"]):
        Image.fromarray(picture).save(made.data / "digits" / f"{i}.png")
    lines = [f"{i}.png {label}" for i, label in enumerate(found["labels"])]
    (made.data / "digits.txt").write_text("\n".join(lines) + "\n")
    (made.models / "mnist.onnx").write_bytes((EXAMPLES / "models" / "mnist" / "mnist.onnx").read_bytes())
    pillow = {"use_pillow": True}
    ways: dict[str, list[Block]] = {
        "as they are": [],
        "linear": [{"type": "resize", "size": 37}, {"type": "crop", "size": 28}],
        "cubic": [{"type": "resize", "size": 33, "interpolation": "CUBIC"}, {"type": "crop", "size": 28}],
        "Pillow": [{"type": "resize", "size": 35, "interpolation": "BICUBIC", **pillow}, {"type": "crop", "size": 28,
                                                                                         **pillow}],
        "mirrored": [{"type": "flip", "mode": "horizontal"}],
        "padded": [{"type": "resize", "size": 22}, {"type": "padding", "size": 28}],
    }  # fmt: skip
    metrics = [{"type": "accuracy", "name": "top1", "top_k": 1}, {"type": "accuracy", "name": "top3", "top_k": 3}]
    for name, before in ways.items():
        made.add(f"digits {name}", "mnist.onnx", "classification", {
            "data_source": "digits", "metrics": metrics, "preprocessing": [*before, {"type": "bgr_to_gray"}],
            "annotation_conversion": {"converter": "imagenet", "annotation_file": "digits.txt"},
        })  # fmt: skip


def masks(made: Made) -> None:
    """Blocks of classes in VOC's colours; a model gives random scores of the same blocks."""
    from vinoc.tools.accuracy.readers.segmentation import voc_colors

    (made.data / "masks").mkdir()
    colors = np.array(voc_colors(21), np.uint8)
    blocks = made.rng.integers(0, 21, (8, 8))
    for name, (width, height) in made.sizes.items():
        classes = np.where(made.rng.random((8, 8)) < 0.3, made.rng.integers(0, 21, (8, 8)), blocks).astype(np.uint8)
        picture = Image.fromarray(colors[classes]).resize((width, height), Image.Resampling.NEAREST)
        picture.save(made.data / "masks" / f"{Path(name).stem}.png")
    (made.data / "val.txt").write_text("\n".join(Path(n).stem for n in made.sizes) + "\n")
    scores = np.repeat(np.repeat(np.eye(21)[blocks].transpose(2, 0, 1), 8, axis=1), 8, axis=2)
    scores = scores + made.rng.normal(0, 0.3, scores.shape)
    model = made.model("masks", {"m": scores[None]}, (1, 3, 64, 64))
    kinds = ("mean_iou", "mean_accuracy", "frequency_weighted_accuracy", "segmentation_accuracy")
    dataset = {
        "annotation_conversion": {"converter": "voc_segmentation", "imageset_file": "val.txt", "images_dir": "images",
                                  "mask_dir": "masks"},
        "segmentation_masks_source": "masks",
        "preprocessing": [{"type": "resize", "size": 64}],
        "postprocessing": [{"type": "encode_segmentation_mask", "apply_to": "annotation"},
                           {"type": "resize_segmentation_mask", "size": 64, "apply_to": "annotation"}],
        "metrics": [{"type": k, "use_argmax": True, "presenter": "print_scalar"} for k in kinds],
    }  # fmt: skip
    made.add("segmentation", model, "segmentation", dataset)
    made.add("segmentation argmax", model, {"type": "segmentation", "make_argmax": True},
             {**dataset, "metrics": [{**m, "use_argmax": False} for m in dataset["metrics"]]})  # fmt: skip


def values(path: Path) -> dict[tuple[str, str], float]:
    with path.open() as file:
        return {(r["model"], r["metric_name"]): float(r["metric_value"]) for r in csv.DictReader(file)}


def compare(folder: Path, checker: Path, seed: int) -> bool:
    """Runs both, prints what differs; whether nothing does."""
    made = Made(folder, seed)
    for part in (yolo, faces, words, digits, masks):
        part(made)
    own = folder / "own.yml"
    own.write_text(yaml.dump({"models": made.configs}, Dumper=Plain, sort_keys=False))
    for config in made.configs:
        del config["launchers"][0]["precision"]  # Accuracy Checker is told on the command line
    peer = folder / "peer.yml"
    peer.write_text(yaml.dump({"models": made.configs}, Dumper=Plain, sort_keys=False))
    paths = ["-m", made.models, "-s", made.data]
    run(
        [
            sys.executable,
            "-m",
            "vinoc",
            "accuracy",
            "-c",
            own,
            *paths,
            "--launchers",
            "vinoc",
            "--csv",
            folder / "own.csv",
        ]
    )
    run([checker, "-c", peer, *paths, "-a", folder, "--inference_precision_hint", "f32", "--csv_result",
         folder / "peer.csv"])  # fmt: skip
    mine, theirs = values(folder / "own.csv"), values(folder / "peer.csv")
    print("| configuration | metric | vinoc | Accuracy Checker |\n|---|---|---|---|")
    apart = [k for k, v in theirs.items() if not abs(mine.get(k, np.nan) - v) <= 1e-6]
    for key in apart:
        print(f"| {key[0]} | {key[1]} | {mine.get(key)} | {theirs[key]} |")
    missing = {c["name"] for c in made.configs} - {model for model, _ in theirs}
    print(f"\n{len(theirs) - len(apart)} of {len(theirs)} metrics of {len(made.configs)} configurations are equal")
    if missing:
        print(f"Accuracy Checker failed on: {', '.join(sorted(missing))}")
    return not apart and not missing


def run(words: Sequence[Any]) -> None:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:] + done.stderr[-2000:], file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checker", type=Path, required=True, help="accuracy_check")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="leave all files in this folder, which must not exist")
    given = parser.parse_args()
    if given.keep is not None:
        sys.exit(not compare(given.keep.resolve(), given.checker.absolute(), given.seed))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(not compare(Path(folder), given.checker.absolute(), given.seed))


if __name__ == "__main__":
    main()
