"""Masks of streets: CamVid, Cityscapes, Mapillary."""

from __future__ import annotations

from pathlib import Path

from ....ir.errors import UsageError
from ..base import Dataset, reader
from ..options import option
from .common import Problem, existing, meta_of, pairs_of
from .segmentation import Colors, Masks

CAMVID = ("Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian",
          "Bicyclist", "Unlabelled")  # fmt: skip
CAMVID_COLORS: Colors = ((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222),
                         (128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
                         (0, 0, 0))  # fmt: skip
TRAINED = ("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation",
           "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")  # fmt: skip
"""Cityscapes' classes of training (trainId 0 to 18)."""

CITYSCAPES = ("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground", "road",
              "sidewalk", "parking", "rail track", "building", "wall", "fence", "guard rail", "bridge", "tunnel",
              "pole", "polegroup", "traffic light", "traffic sign", "vegetation", "terrain", "sky", "person", "rider",
              "car", "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle")  # fmt: skip
"""All of Cityscapes' classes (id 0 to 33)."""

MAPILLARY = ("Road", "Sidewalk", "Building", "Wall", "Fence", "Pole", "Traffic Light", "Traffic Sign", "Vegetation",
             "Terrain", "Sky", "Person", "Rider", "Car", "Truck", "Bus", "Train", "Motorcycle", "Bicycle",
             "Ego-Vehicle")  # fmt: skip


@reader("camvid")
class CamVid(Masks):
    """A list with `image mask` on each line; of both paths the folder and the name count, beside the list."""

    annotation_file: Path = option(doc="the list")
    mask_dir: Path | None = option(None, "the folder that the folder of the masks is in [that of the list]")

    def read(self) -> Dataset:
        labels, background = meta_of(self.dataset_meta_file)
        if not labels:
            labels, background = dict(enumerate(CAMVID)), len(CAMVID) - 1
        problems = Problem(str(self.annotation_file))
        root = self.mask_dir or self.annotation_file.parent
        listed = pairs_of(self.annotation_file, problems, "an image and a mask")
        pairs = [("/".join(Path(i).parts[-2:]), root.joinpath(*Path(m).parts[-2:])) for _, i, m in listed]
        return self.of_pairs(pairs, problems, labels, background, self.colors(CAMVID_COLORS))


@reader("cityscapes")
class Cityscapes(Masks):
    """Images `city/name_leftImg8bit.png` and masks `city/name_gtFine_labelTrainIds.png` below two folders."""

    dataset_root_dir: Path = option(doc="the folder that both are in, and where images are read from")
    images_subfolder: str = option("imgsFine/leftImg8bit/val", "the folder of the images")
    masks_subfolder: str = option("gtFine/val", "the folder of the masks")
    images_suffix: str = option("_leftImg8bit", "what names of images end with")
    masks_suffix: str = option("_gtFine_labelTrainIds", "what names of masks end with")
    use_full_label_map: bool = option(False, "masks have all 34 classes, not the 19 of training")

    def read(self) -> Dataset:
        labels, background = meta_of(self.dataset_meta_file)
        if not labels:
            labels = dict(enumerate(CITYSCAPES if self.use_full_label_map else TRAINED))
        root = existing(self.dataset_root_dir, "folder")
        images = sorted(root.glob(f"{self.images_subfolder}/*/*{self.images_suffix}.png"))
        if not images:
            what = f"there are no images {self.images_subfolder}/CITY/*{self.images_suffix}.png in it"
            raise UsageError(what, str(root))
        masks = root / self.masks_subfolder
        pairs = [
            (path.relative_to(root).as_posix(),
             masks / path.parent.name / f"{path.stem.removesuffix(self.images_suffix)}{self.masks_suffix}.png")
            for path in images
        ]  # fmt: skip
        return self.of_pairs(pairs, Problem(str(masks)), labels, background, self.colors(()))


@reader("mapillary_20")
class Mapillary20(Masks):
    """Images and masks of the same names in two folders, with 20 classes."""

    data_dir: Path | None = option(None, "the folder that both are in")
    mask_dir: Path | None = option(None, "the folder of the masks [mask_subfolder of data_dir]")
    images_subfolder: str = option("imgs", "the folder of the images in data_dir")
    mask_subfolder: str = option("masks", "the folder of the masks in data_dir")

    def read(self) -> Dataset:
        if self.data_dir is None and (self.images_dir is None or self.mask_dir is None):
            raise UsageError("`data_dir` is missing", help="or `images_dir` and `mask_dir`")
        root = self.data_dir or Path()
        images = existing(self.images_dir or root / self.images_subfolder, "folder")
        masks = existing(self.mask_dir or root / self.mask_subfolder, "folder")
        labels, background = meta_of(self.dataset_meta_file)
        pairs = [(path.name, masks / path.name) for path in sorted(images.glob("*.png"))]
        return self.of_pairs(
            pairs, Problem(str(masks)), labels or dict(enumerate(MAPILLARY)), background, self.colors(())
        )
