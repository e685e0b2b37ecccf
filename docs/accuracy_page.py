"""docs/accuracy-components.md: what a configuration of `vinoc accuracy` can be made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vinoc.tools.accuracy import base
from vinoc.tools.accuracy.adapters.base import adapter
from vinoc.tools.accuracy.launchers.base import launcher

SECTIONS: tuple[tuple[str, Any, str], ...] = (
    (
        "Annotation converters",
        base.reader,
        "`converter` in `annotation_conversion`: they read what is true of samples.",
    ),
    ("Data readers", base.data_reader, "`reader`: they read what a model is fed with."),
    ("Preprocessors", base.preprocessor, "`preprocessing`, in order: what is done to data before the model."),
    ("Launchers", launcher, "`framework` in `launchers`: what runs the model."),
    ("Adapters", adapter, "`adapter`: they make predictions of the model's outputs."),
    ("Postprocessors", base.postprocessor, "`postprocessing`, in order: what is done to predictions and annotations."),
    ("Metrics", base.metric, "`metrics`: how far predictions are from the truth."),
)


DIFFERENCES = """
## What differs from Accuracy Checker

Resizing (linear and nearest), crops, borders and colours are the same to the bit as with OpenCV, and cubic and area
resizing but for steps of 1 in few bytes (0.35 % at most in what was compared); with Pillow up to 12.0 all are the same
(13 resizes some tall images by heights first). Neither need be installed. What follows is meant.

- `map`, `recall`, `miss_rate`: a class without objects does not count, one without detections counts as 0. Accuracy
  Checker takes 0 for the first where there are detections, and leaves the second out of the mean.
- `coco_precision`, `coco_recall` are pycocotools' figures. Accuracy Checker's are a little higher: the object that the
  best detection of an image found can be found again.
- `rmse` is the root of the mean over all samples, not the mean of the samples' roots.
- `pairwise_accuracy` uses the folds of the pairs file.
- `resize_prediction_boxes` with `unpadding` or `uncrop` undoes everything that was done to the image.
- `crop_or_pad` takes the middle of larger images to its full size.
- `wider`: faces that the list calls invalid are difficult.
- `mnist`, `cifar`: images are taken from memory; `convert_images` is not needed. Pickles are read without running
  anything in them.
- `pillow_imread` turns pictures upright by what the camera says (EXIF), as `opencv_imread` does.
- Masks of `voc_segmentation` are classes at once: `encode_segmentation_mask` changes nothing.
"""


def components() -> Iterator[str]:
    yield "# Components of vinoc accuracy"
    yield ""
    yield "What a configuration of [vinoc accuracy](accuracy.md) is made of. Names and options are Accuracy Checker's"
    yield "where it has them. Lists may be written with commas."
    for title, registry, about in SECTIONS:
        yield ""
        yield f"## {title}"
        yield ""
        yield about
        yield ""
        yield "| name | | options |"
        yield "|---|---|---|"
        for d in registry.describe():
            if d.module.startswith("vinoc."):
                names = ", ".join(f"`{n}`" for n in d.names)
                about, options = "<br>".join(map(_cell, d.paragraphs)), "<br>".join(_option(*o) for o in d.options)
                yield f"| {names} | {about} | {options} |"
    yield from DIFFERENCES.splitlines()


def _option(name: str, kind: str, default: str, doc: str) -> str:
    given = {"required": "", "None": "", "''": "", "()": ""}.get(default, f", `{default}`")
    needed = ", required" if default == "required" else ""
    return _cell(f"`{name}` ({kind}{given}{needed}): {doc}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
