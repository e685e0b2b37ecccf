"""Models and data sets for the configurations in `configs`: small, made so that each model is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZES = {"a.png": (90, 120), "b.png": (128, 64)}
"""height and width of the images"""
BOX = (0.25, 0.2, 0.75, 0.6)
"""x0 y0 x1 y1 in shares of each image: what every detector finds"""


def save_model(path: Path, nodes: Any, inputs: Any, outputs: Any, constants: Mapping[str, Any] = {}) -> None:
    """A model of these nodes; inputs and outputs are pairs of name and shape."""
    made = helper.make_graph(
        nodes, path.stem,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def constant_model(path: Path, shape: list[int], outputs: Mapping[str, Any]) -> None:
    """A model that gives the same whatever its input `data` is."""
    node = helper.make_node
    nodes = [node("ReduceMean", ["data"], ["mean"], keepdims=0), node("Mul", ["mean", "zero"], ["nothing"])]
    arrays = {f"{n}_value": np.asarray(v, np.float32) for n, v in outputs.items()}
    nodes += [node("Add", [f"{n}_value", "nothing"], [n]) for n in outputs]
    given = [(n, list(np.shape(v))) for n, v in outputs.items()]
    save_model(path, nodes, [("data", shape)], given, {"zero": np.float32(0), **arrays})


def image(path: Path, pixels: Any) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def plain_images(folder: Path) -> None:
    for i, (name, size) in enumerate(SIZES.items()):
        image(folder / name, np.full((*size, 3), 60 * (i + 1)))


def pixels_of(size: tuple[int, int]) -> list[int]:
    height, width = size
    return [round(v) for v in (BOX[0] * width, BOX[1] * height, BOX[2] * width, BOX[3] * height)]


def imagenet(models: Path, data: Path) -> None:
    """Red, green and blue images of classes 1, 7 and 999; the model looks at the mean of each channel."""
    colors = {"r.png": (255, 0, 0), "g.png": (0, 255, 0), "b.png": (0, 0, 255)}
    classes = (1, 7, 999)
    for name, color in colors.items():
        image(data / "imagenet" / "val" / name, np.tile(color, (260, 300, 1)))
    lines = [f"{n} {c}" for n, c in zip(colors, classes, strict=True)]
    (data / "imagenet" / "val.txt").write_text("\n".join(lines))
    weights = np.zeros((3, 1000), np.float32)
    weights[[0, 1, 2], classes] = 1
    node = helper.make_node
    nodes = [node("ReduceMean", ["data"], ["mean"], axes=[2, 3], keepdims=0), node("MatMul", ["mean", "w"], ["prob"])]
    save_model(models / "classifier.onnx", nodes, [("data", [1, 3, 224, 224])], [("prob", [1, 1000])], {"w": weights})


def voc(models: Path, data: Path) -> None:
    """A dog in each image; the left half of each is a cat where it is red."""
    root = data / "VOC"
    for folder in ("Annotations", "ImageSets/Main", "ImageSets/Segmentation", "SegmentationClass"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, (height, width) in SIZES.items():
        x0, y0, x1, y1 = pixels_of((height, width))
        box = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        thing = f"<object><name>dog</name><difficult>0</difficult><bndbox>{box}</bndbox></object>"
        text = f"<annotation><filename>{name}</filename>{size}{thing}</annotation>"
        (root / "Annotations" / name).with_suffix(".xml").write_text(text)
        pixels = np.zeros((height, width, 3))
        pixels[:, : width // 2, 0] = 255
        image(root / "JPEGImages" / Path(name).with_suffix(".jpg"), pixels)
        image(root / "JPEGImages" / name, pixels)
        mask = np.zeros((height, width))
        mask[:, : width // 2] = 8
        image(root / "SegmentationClass" / name, mask)
    for kind in ("Main", "Segmentation"):
        (root / "ImageSets" / kind / "val.txt").write_text("\n".join(Path(n).stem for n in SIZES))
    rows = [[0, 12, 0.9, *BOX], [-1, 0, 0, 0, 0, 0, 0], [0, 3, 0.8, 0, 0, 1, 1]]
    constant_model(models / "ssd300.onnx", [1, 3, 300, 300], {"detection_out": [[rows]]})
    node = helper.make_node
    weights = np.zeros((21, 3, 1, 1), np.float32)
    weights[8] = np.array([1, -1, -1], np.float32)[:, None, None]
    nodes = [
        node("Transpose", ["data"], ["planes"], perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "w", "b"], ["scores"]),
        node("ArgMax", ["scores"], ["classes"], axis=1, keepdims=0),
        node("Cast", ["classes"], ["mask"], to=TensorProto.FLOAT),
    ]
    bias = np.full(21, -1, np.float32)
    bias[[0, 8]] = [50, 0]
    save_model(models / "deeplab.onnx", nodes, [("data", [1, 65, 65, 3])], [("mask", [1, 65, 65])],
               {"w": weights, "b": bias})  # fmt: skip


def coco(models: Path, data: Path) -> None:
    """A person (1) and a traffic light (10) in each image, from a coarse and a fine grid."""
    plain_images(data / "coco" / "images")
    light = (0.05, 0.1, 0.15, 0.3)
    images, objects = [], []
    for i, (name, (height, width)) in enumerate(SIZES.items(), 1):
        images.append({"id": i, "file_name": name, "height": height, "width": width})
        for category, (x0, y0, x1, y1) in ((1, BOX), (10, light)):
            box = [x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height]
            objects.append({"id": len(objects) + 1, "image_id": i, "category_id": category, "bbox": box, "iscrowd": 0,
                            "area": box[2] * box[3]})  # fmt: skip
    categories = [{"id": 1, "name": "person"}, {"id": 10, "name": "traffic light"}]
    (data / "coco" / "instances.json").write_text(
        json.dumps({"images": images, "annotations": objects, "categories": categories})
    )
    coarse, fine = np.full((1, 255, 13, 13), -9.0), np.full((1, 255, 26, 26), -9.0)
    _yolo_cell(coarse, BOX, (81.0, 82.0), 0, 0)
    _yolo_cell(fine, light, (23.0, 27.0), 0, 1)
    constant_model(models / "yolo.onnx", [1, 3, 416, 416], {"coarse": coarse, "fine": fine})


def _yolo_cell(out: Any, box: tuple[float, ...], anchor: tuple[float, float], index: int, label: int) -> None:
    cells = out.shape[2]
    x, y = (box[0] + box[2]) / 2 * cells, (box[1] + box[3]) / 2 * cells
    cell = out[0, 85 * index : 85 * (index + 1), int(y), int(x)]
    cell[:2] = [_logit(x % 1), _logit(y % 1)]
    cell[2:4] = np.log([(box[2] - box[0]) * 416 / anchor[0], (box[3] - box[1]) * 416 / anchor[1]])
    cell[4] = cell[5 + label] = 6


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return float(np.log(p / (1 - p)))


def wider(models: Path, data: Path) -> None:
    """One face in each image, by three detectors."""
    plain_images(data / "wider" / "images")
    lines = []
    for name, size in SIZES.items():
        x0, y0, x1, y1 = pixels_of(size)
        lines += [name, "1", f"{x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0"]
    (data / "wider" / "faces.txt").write_text("\n".join(lines))
    near = np.array(BOX) + 0.01
    constant_model(models / "ultraface.onnx", [1, 3, 240, 320], {
        "scores": [[[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]]], "boxes": [[BOX, near, [0, 0, 1, 1]]]
    })  # fmt: skip
    _retinaface(models / "retinaface.onnx", 64)
    offsets, scores = np.zeros((1, 896, 16)), np.full((1, 896, 1), -50.0)
    x, y, w, h = _middle(BOX)
    offsets[0, 0, :4] = [(x - 0.5 / 16) * 128, (y - 0.5 / 16) * 128, w * 128, h * 128]  # the first cell of 16 x 16
    scores[0, 0] = 3
    constant_model(models / "blazeface.onnx", [1, 3, 128, 128], {"regressors": offsets, "classificators": scores})


def _middle(box: tuple[float, ...]) -> tuple[float, float, float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]


def _retinaface(path: Path, size: int) -> None:
    """The face against the square of 32 pixels in the first cell of 8."""
    count = 2 * sum((size // s) ** 2 for s in (8, 16, 32))
    boxes, scores = np.zeros((1, count, 4)), np.tile([1.0, 0.0], (1, count, 1))
    x, y, w, h = _middle(BOX)
    px = py = 4 / size
    side = 32 / size
    boxes[0, 1] = [(x - px) / side / 0.1, (y - py) / side / 0.1, np.log(w / side) / 0.2, np.log(h / side) / 0.2]
    scores[0, 1] = [0.1, 0.9]
    constant_model(path, [1, 3, size, size], {"face_rpn_bbox_pred": boxes, "face_rpn_cls_prob": scores})


def words(models: Path, data: Path) -> None:
    """`hello7`: two of a letter with a blank between them."""
    plain_images(data / "words" / "images")
    (data / "words" / "gt.txt").write_text("\n".join(f'{name} "hello7"' for name in SIZES))
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz#"
    logits = np.zeros((12, 1, 37))
    for i, character in enumerate("hhe#ll#lo#77"):
        logits[i, 0, alphabet.index(character)] = 9
    constant_model(models / "words.onnx", [1, 1, 32, 120], {"logits": logits})


def make_all(folder: Path) -> tuple[Path, Path]:
    """The folders of the models and of the data."""
    models, data = folder / "models", folder / "data"
    models.mkdir()
    data.mkdir()
    for maker in (imagenet, voc, coco, wider, words):
        maker(models, data)
    return models, data
