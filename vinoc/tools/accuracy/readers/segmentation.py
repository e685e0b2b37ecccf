"""Images and their masks, which have a class for each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, VinocError
from ...extras import require
from ...inputs.images import SUFFIXES
from ...inputs.numpy_files import read_array
from ..base import Dataset, reader
from ..options import option
from ..representation import SegmentationAnnotation
from .common import FileReader, Problem, existing, lines_of, meta_of, read_json
from .detection import VOC

BORDER = 255
"""What VOC's masks have around objects; a metric leaves it out by `ignore_label: 255`."""

Colors = tuple[tuple[int, int, int], ...]


def voc_colors(count: int) -> Colors:
    """VOC's colours of classes: bit 7 - i of red, green and blue is bit 3 i, 3 i + 1 and 3 i + 2 of the class.

    VOCcolormap of the Pascal VOC devkit.
    """

    def channel(label: int, first: int) -> int:
        return sum(((label >> (3 * i + first)) & 1) << (7 - i) for i in range(3))

    return tuple((channel(c, 0), channel(c, 1), channel(c, 2)) for c in range(count))


def read_mask(path: Path, colors: Colors) -> Array:
    """[height, width] of classes: the numbers of pixels of images with a palette or gray ones, and of .npy files; else
    the class of each colour, 255 for colours that are none's. Raises VinocError."""
    try:
        return _mask(path, path.stat().st_mtime_ns, colors)
    except OSError as error:
        raise VinocError(f"cannot be read as a mask: {error}", str(path)) from error


@lru_cache(maxsize=4)  # each metric asks for the mask of the sample
def _mask(path: Path, changed: int, colors: Colors) -> Array:
    if path.suffix == ".npy":
        return read_array(path)
    images = require("PIL.Image", "images", "a mask of classes")
    try:
        with images.open(path) as image:
            if len(image.getbands()) == 1:
                return np.array(image)
            pixels = np.array(image.convert("RGB")).astype(np.int64)
    except (OSError, ValueError) as error:
        raise VinocError(f"cannot be read as a mask: {error}", str(path)) from error
    if not colors:
        raise VinocError("is in colours, and which class has which is not known", str(path), "segmentation_colors")
    key = (pixels[..., 0] << 16) + (pixels[..., 1] << 8) + pixels[..., 2]
    table = {(r << 16) + (g << 8) + b: label for label, (r, g, b) in enumerate(colors)}
    found, where = np.unique(key, return_inverse=True)
    classes = np.array([table.get(int(k), BORDER) for k in found])
    return classes[where.reshape(key.shape)]


class Masks(FileReader):
    """Readers of images and their masks."""

    def of_pairs(self, pairs: Sequence[tuple[str, Path]], problems: Problem, labels: dict[int, str],
                 background: int | None, colors: Colors) -> Dataset:  # fmt: skip
        for _, mask in pairs:
            if not mask.is_file():
                problems.add(f"there is no mask '{mask}'")
        found = [SegmentationAnnotation(identifier=n, load=partial(read_mask, m, colors)) for n, m in pairs]
        return self.dataset(found, problems, labels, background, more={"segmentation_colors": colors})

    @property
    def meta_file(self) -> Path | None:
        return self.dataset_meta_file

    def colors(self, default: Colors) -> Colors:
        found = read_json(self.meta_file) if self.meta_file is not None else {}
        colors = found.get("segmentation_colors") if isinstance(found, dict) else None
        if colors is None:
            return default
        try:
            return tuple((int(r), int(g), int(b)) for r, g, b in colors)
        except (TypeError, ValueError):
            what = "segmentation_colors is no list of red, green and blue"
            raise UsageError(what, str(self.meta_file)) from None


@reader("voc_segmentation")
class VocSegmentation(Masks):
    """Pascal VOC: masks of the images of a list; class 0 is the background, 255 the border of objects."""

    imageset_file: Path = option(doc="ImageSets/Segmentation/val.txt: the names of the images, without suffix")
    mask_dir: Path | None = option(None, "the folder of the masks [SegmentationClass beside ImageSets]")

    def read(self) -> Dataset:
        labels, background = meta_of(self.dataset_meta_file)
        if not labels:
            labels, background = dict(enumerate(("__background__", *VOC))), 0
        names = [line.split()[0] for _, line in lines_of(self.imageset_file)]
        root = self.imageset_file.absolute().parents[2] if len(self.imageset_file.absolute().parents) > 2 else Path()
        masks = existing(self.mask_dir or root / "SegmentationClass", "folder")
        images = self.images_dir or root / "JPEGImages"
        pairs = [(_suffixed(images, name, ".jpg"), masks / _suffixed(masks, name, ".png")) for name in names]
        colors = self.colors(voc_colors(len(VOC) + 1))
        return self.of_pairs(pairs, Problem(str(self.imageset_file)), labels, background, colors)


def _suffixed(folder: Path, name: str, default: str) -> str:
    """A name with the suffix that it has in a folder; with the default one where it is not there."""
    near = (folder / name).parent
    for path in sorted(near.glob(f"{Path(name).name}.*")) if near.is_dir() else []:
        if path.suffix.lower() in SUFFIXES | {".npy"}:
            return f"{name}{path.suffix}"
    return f"{name}{default}"


@reader("common_semantic_segmentation")
class CommonSemanticSegmentation(Masks):
    """A folder of images and one of masks; what stands between prefix and postfix of the names is the same."""

    images_dir: Path = option(doc="the folder of the images")
    masks_dir: Path = option(doc="the folder of the masks")
    image_prefix: str = option("", "what names of images begin with")
    image_postfix: str = option(".png", "what names of images end with")
    mask_prefix: str = option("", "what names of masks begin with")
    mask_postfix: str = option(".png", "what names of masks end with")
    mask_loader: str = option("pillow", "what reads the masks", choices=("pillow", "numpy", "scipy"))
    dataset_meta: Path | None = option(None, "the same as dataset_meta_file")

    @property
    def meta_file(self) -> Path | None:
        return self.dataset_meta_file or self.dataset_meta

    def read(self) -> Dataset:
        labels, background = meta_of(self.meta_file)
        existing(self.masks_dir, "folder")
        files = sorted(p.name for p in existing(self.images_dir, "folder").iterdir() if p.is_file())
        first, last = self.image_prefix, self.image_postfix
        names = [n for n in files if n.startswith(first) and n.endswith(last) and len(n) >= len(first) + len(last)]
        if not names:
            raise UsageError(f"there are no images '{first}*{last}' in it", str(self.images_dir))
        pairs = [
            (n, self.masks_dir / f"{self.mask_prefix}{n[len(first) : len(n) - len(last)]}{self.mask_postfix}")
            for n in names
        ]
        return self.of_pairs(pairs, Problem(str(self.masks_dir)), labels, background, self.colors(()))
