"""What is judged: a model, how data become its inputs, and the figure that tells how good a form of it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vinoc.ir.dtype import Array
from vinoc.tools.inputs.images import SUFFIXES, read_image, resize

from .detect import agreement, blazeface, fastestdet, ultraface

Outputs = list[Array]  # in the order of the model's outputs, samples first

CROP = 1.5  # sides of a face's crop by those of its detection, as MediaPipe cuts them for FaceMesh
EYES = (33, 263)  # outer corners of the eyes among FaceMesh's 468 points
EVEN, ODD = 0, 1
LIMIT = 100  # samples that calibrate


@dataclass(frozen=True)
class Given:
    """Inputs [n, ...] of a task, and labels [n] where the data have any."""

    inputs: Array
    labels: Array | None = None


@dataclass(frozen=True)
class Task:
    """model     path below the folder of models
    data      what gives the inputs of one half of a data set: (models, data, parity) -> Given; None: there is none
    figures   what is told of outputs, given those of the float model in onnxruntime: name -> number
    main      the figure that counts, and whether more of it is better
    """

    name: str
    model: str
    data: Callable[[Path, Path, int], Given | None]
    figures: Callable[[Path, Given, Outputs, Outputs], dict[str, float]]
    main: tuple[str, bool]


def half(count: int, parity: int) -> range:
    """Even or odd indices, of the even ones at most 100."""
    return range(parity, min(count, 2 * LIMIT) if parity == EVEN else count, 2)


# Data


def photos(data: Path) -> list[Path]:
    """The images of data/faces, or of the folder itself."""
    folder = data / "faces" if (data / "faces").is_dir() else data
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)


def pictures(
    height: int, width: int, mean: float, scale: float, bgr: bool = False
) -> Callable[[Path, Path, int], Given | None]:
    """Photos, stretched to the size of the input, as (x - mean) / scale in NCHW."""

    def data(models: Path, folder: Path, parity: int) -> Given | None:
        files = photos(folder)
        images = [resize(read_image(files[i]), height, width) for i in half(len(files), parity)]
        return Given(planes(images, mean, scale, bgr)) if images else None

    return data


def planes(images: list[Array], mean: Array | float, scale: Array | float, bgr: bool = False) -> Array:
    stacked = np.stack(images)[..., :: -1 if bgr else 1].astype(np.float32)
    normal = (stacked - np.float32(mean)) / np.float32(scale)
    return np.ascontiguousarray(normal.transpose(0, 3, 1, 2), np.float32)


def crops(models: Path, folder: Path, parity: int) -> Given | None:
    """Faces that the float BlazeFace finds in the photos, square, with a margin, for FaceMesh."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(models / "blazeface/blazeface.onnx"), providers=["CPUExecutionProvider"])
    anchors, files, faces = np.load(models / "blazeface/anchors.npy"), photos(folder), []
    for i in half(len(files), parity):
        photo = read_image(files[i])
        small = planes([resize(photo, 128, 128)], 127.5, 127.5)
        regressors, logits = session.run(None, {session.get_inputs()[0].name: small})
        faces += [resize(cut(photo, box), 192, 192) for box in blazeface(regressors[0], logits[0], anchors, 0.5)]
    faces = faces[:LIMIT] if parity == EVEN else faces
    return Given(planes(faces, 127.5, 127.5)) if faces else None


def cut(photo: Array, box: Array) -> Array:
    """A square around a box (in units of the sides); outside the photo its edge goes on."""
    height, width = photo.shape[:2]
    left, top, right, bottom = box[:4] * (width, height, width, height)
    side = max(round(max(right - left, bottom - top) * CROP), 8)
    x0, y0 = round((left + right - side) / 2), round((top + bottom - side) / 2)
    rows = np.clip(np.arange(y0, y0 + side), 0, height - 1)
    return np.asarray(photo[rows][:, np.clip(np.arange(x0, x0 + side), 0, width - 1)])


def labelled(pattern: str, prepare: Callable[[Array], Array]) -> Callable[[Path, Path, int], Given | None]:
    """A file .npz of `images` and `labels`."""

    def data(models: Path, folder: Path, parity: int) -> Given | None:
        files = sorted(folder.glob(pattern))
        if not files:
            return None
        with np.load(files[0]) as held:
            chosen = half(len(held["images"]), parity)
            return Given(prepare(held["images"][chosen]), held["labels"][chosen].astype(np.int64))

    return data


def digits(images: Array) -> Array:
    """0..255, white on black, as the model has them."""
    return images[:, None].astype(np.float32)


def small_photos(images: Array) -> Array:
    mean, scale = np.array([125.307, 122.961, 113.8575]), np.array([51.5865, 50.847, 51.255])
    return planes(list(images), mean, scale)


# Figures


def detections(
    decode: Callable[[Path, Outputs, int], Array],
) -> Callable[[Path, Given, Outputs, Outputs], dict[str, float]]:
    """Agreement of the detections with those of the float model."""

    def figures(models: Path, given: Given, expected: Outputs, found: Outputs) -> dict[str, float]:
        count = range(len(given.inputs))
        seen = agreement([decode(models, expected, i) for i in count], [decode(models, found, i) for i in count])
        return {"f1": seen.f1, "iou": seen.iou, "expected": seen.expected, "found": seen.found}

    return figures


def of_blazeface(models: Path, out: Outputs, i: int) -> Array:
    return blazeface(out[0][i], out[1][i], np.load(models / "blazeface/anchors.npy"), 0.5)


def of_ultraface(models: Path, out: Outputs, i: int) -> Array:
    return ultraface(out[0][i], out[1][i], 0.7)


def of_fastestdet(models: Path, out: Outputs, i: int) -> Array:
    return fastestdet(out[0][i], 0.65)


def landmarks(models: Path, given: Given, expected: Outputs, found: Outputs) -> dict[str, float]:
    """Mean distance of the landmarks in the picture, in % of the distance of the eyes' outer corners."""
    a, b = (out[0].reshape(-1, 468, 3)[..., :2].astype(np.float64) for out in (expected, found))
    eyes = np.linalg.norm(a[:, EYES[0]] - a[:, EYES[1]], axis=-1)
    return {"nme": float((np.linalg.norm(a - b, axis=-1).mean(axis=1) / eyes).mean() * 100)}


def top1(models: Path, given: Given, expected: Outputs, found: Outputs) -> dict[str, float]:
    """Share of right classes in %; what the float model has right and this form wrong, and the reverse."""
    assert given.labels is not None
    before, after = (out[0].reshape(len(given.labels), -1).argmax(axis=1) == given.labels for out in (expected, found))
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    return {"top1": float(after.mean() * 100), "lost": lost, "won": won}


def relative(expected: Outputs, found: Outputs) -> list[float]:
    """Relative L2 of each output, over all samples."""
    pairs = [(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(expected, found, strict=True)]
    return [float(np.linalg.norm(a - b) / np.linalg.norm(a)) for a, b in pairs]


TASKS = {
    task.name: task
    for task in (
        Task("mnist_cntk", "mnist_cntk/mnist.onnx", labelled("*mnist*.npz", digits), top1, ("top1", True)),
        Task("samplenet", "samplenet/samplenet.onnx", labelled("*cifar*.npz", small_photos), top1, ("top1", True)),
        Task("blazeface", "blazeface/blazeface.onnx", pictures(128, 128, 127.5, 127.5), detections(of_blazeface),
             ("f1", True)),
        Task("facemesh", "facemesh/facemesh.onnx", crops, landmarks, ("nme", False)),
        Task("ultraface", "ultraface_rfb_320/version-RFB-320.onnx", pictures(240, 320, 127, 128),
             detections(of_ultraface), ("f1", True)),
        Task("fastestdet", "fastestdet/FastestDet.onnx", pictures(352, 352, 0, 255, bgr=True),
             detections(of_fastestdet), ("f1", True)),
    )
}  # fmt: skip
