"""Readers of boxes, masks, texts, pairs and points."""

from __future__ import annotations

import json
import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import UsageError, VinocError
from vinoc.tools.accuracy.readers.segmentation import voc_colors
from vinoc.tools.accuracy.representation import (
    DetectionAnnotation,
    LandmarksAnnotation,
    PairsAnnotation,
    SegmentationAnnotation,
    TextAnnotation,
)

from .test_readers import picture, read, written


def voc_file(path: Path, *entries: tuple[Any, ...], size: tuple[int, int] = (100, 200)) -> Path:
    """(class, difficult, xmin, ymin, xmax, ymax) of each object."""
    rows = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox><part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
        f"<xmax>2</xmax><ymax>2</ymax></bndbox></part></object>"
        for name, difficult, x0, y0, x1, y1 in entries
    )
    inner = f"<filename>{path.stem}.jpg</filename><size><width>{size[1]}</width><height>{size[0]}</height></size>"
    return written(path, f"<annotation>{inner}{rows}</annotation>")


def test_voc_detection(tmp_path: Path) -> None:
    voc_file(tmp_path / "Annotations" / "1.xml", ("dog", 0, 1, 1, 10, 20), ("cat", 1, 5, 6, 7, 8))
    voc_file(tmp_path / "Annotations" / "2.xml")
    listed = written(tmp_path / "ImageSets" / "Main" / "test.txt", "1\n2 -1\n")
    found = read("voc_detection", imageset_file=listed, annotations_dir=tmp_path / "Annotations")
    first, second = found.annotations
    assert isinstance(first, DetectionAnnotation)
    assert first.identifier == "1.jpg"
    assert first.meta.size == (100, 200)
    assert first.boxes.tolist() == [[0, 0, 9, 19], [4, 5, 6, 7]]
    assert first.labels.tolist() == [12, 8]
    assert first.ignored.tolist() == [False, True]
    assert isinstance(second, DetectionAnnotation)
    assert second.boxes.shape == (0, 4)
    assert found.background == 0
    assert found.labels[12] == "dog"
    bare = read("voc_detection", imageset_file=listed, annotations_dir=tmp_path / "Annotations", has_background=False)
    assert bare.annotations[0].labels.tolist() == [11, 7]  # type: ignore[attr-defined]
    assert bare.background is None


def test_problems_of_voc(tmp_path: Path) -> None:
    folder = tmp_path / "Annotations"
    voc_file(folder / "1.xml", ("dgo", 0, 1, 1, 10, 20), ("cat", 0, 1, "x", 7, 8), ("cat", 0, 9, 9, 3, 20))
    voc_file(folder / "2.xml", ("cat", 0, 300, 1, 310, 20), ("cat", 0, 150, 1, 220, 20))
    written(folder / "3.xml", "<annotation><object>")
    listed = written(tmp_path / "test.txt", "1\n2\n3\n4\n")
    with pytest.raises(UsageError) as error:
        read("voc_detection", imageset_file=listed, annotations_dir=folder)
    text = str(error.value)
    first = "1.xml: object 1 cannot be read: there is no class 'dgo'; did you mean 'dog'"
    rest = ("'x' is no number", "ends before it begins", "lies beside '2.jpg'", "3.xml: is no XML")
    for what in (first, *rest, "test.txt:4: there is no annotation"):
        assert what in text, text
    odd = voc_file(folder / "5.xml", ("cat", 0, 150, 1, 220, 20))
    found = read("voc_detection", imageset_file=written(tmp_path / "t", odd.stem), annotations_dir=folder)
    assert "1 boxes reach out of their images" in found.notes[0]


COCO = {
    "images": [{"id": 9, "file_name": "b.jpg", "height": 50, "width": 60},
               {"id": 2, "file_name": "a.jpg", "height": 100, "width": 200}],
    "categories": [{"id": 18, "name": "dog"}, {"id": 90, "name": "toothbrush"}],
    "annotations": [
        {"image_id": 2, "category_id": 90, "bbox": [10, 20, 30, 40], "iscrowd": 0, "area": 700.5},
        {"image_id": 2, "category_id": 18, "bbox": [0, 0, 5.5, 6], "iscrowd": 1},
    ],
}  # fmt: skip


def coco(tmp_path: Path, **changed: Any) -> Path:
    return written(tmp_path / "instances.json", json.dumps({**COCO, **changed}))


def test_coco(tmp_path: Path) -> None:
    found = read("mscoco_detection", annotation_file=coco(tmp_path))
    first, second = found.annotations
    assert (first.identifier, second.identifier) == ("a.jpg", "b.jpg")  # by the numbers of the images
    assert isinstance(first, DetectionAnnotation)
    assert first.boxes.tolist() == [[10, 20, 40, 60], [0, 0, 5.5, 6]]
    assert first.labels.tolist() == [1, 0]
    assert first.ignored.tolist() == [False, True]
    assert first.areas is not None
    assert first.areas.tolist() == [700.5, 33.0]
    assert first.meta.size == (100, 200)
    assert found.labels == {0: "dog", 1: "toothbrush"}
    moved = read("mscoco_detection", annotation_file=coco(tmp_path), has_background=True)
    assert moved.labels == {0: "background", 1: "dog", 2: "toothbrush"}
    assert moved.annotations[0].labels.tolist() == [2, 1]  # type: ignore[attr-defined]
    whole = read("mscoco_detection", annotation_file=coco(tmp_path), use_full_label_map=True)
    assert whole.annotations[0].labels.tolist() == [90, 18]  # type: ignore[attr-defined]
    in_order = read("mscoco_detection", annotation_file=coco(tmp_path), sort_annotations=False)
    assert in_order.annotations[0].identifier == "b.jpg"


def test_problems_of_coco(tmp_path: Path) -> None:
    rows = [
        {"image_id": 3, "category_id": 18, "bbox": [1, 1, 1, 1]},
        {"image_id": 2, "category_id": 5, "bbox": [1, 1, 1, 1]},
        {"image_id": 2, "category_id": 18, "bbox": [1, 1, 1]},
        {"image_id": 2, "category_id": 18, "bbox": [1, 1, -4, 1]},
        "no object",
    ]
    with pytest.raises(UsageError) as error:
        read("mscoco_detection", annotation_file=coco(tmp_path, annotations=rows, images=[*COCO["images"], {"id": 4}]))
    text = str(error.value)
    for what in ("annotation 0 is of image 3", "annotation 1 is of category 5", "annotation 2 has no bbox",
                 "ends before it begins", "annotation 4", "image 2 has not id"):  # fmt: skip
        assert what in text, text
    with pytest.raises(UsageError, match="has no list of categories"):
        read("mscoco_detection", annotation_file=coco(tmp_path, categories=7))
    with pytest.raises(UsageError, match="is no JSON"):
        read("mscoco_detection", annotation_file=written(tmp_path / "x.json", "{"))


JUNK = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.just("a.jpg") | st.floats(-9, 9),
                    lambda inner: st.lists(inner, max_size=4), max_leaves=4)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_junk_in_coco_is_a_problem_that_is_told(tmp_path: Path, data: st.DataObject) -> None:
    """A value at any place of the file is replaced: the data set is read, or a UsageError says what is wrong."""
    found = json.loads(json.dumps(COCO))
    row = found[data.draw(st.sampled_from(list(found)))]
    entry = row[data.draw(st.integers(0, len(row) - 1))]
    entry[data.draw(st.sampled_from(list(entry)))] = data.draw(JUNK)
    path = written(tmp_path / "junk.json", json.dumps(found))
    told = "junk.json"
    try:
        read("mscoco_detection", annotation_file=path)
    except UsageError as error:
        told = str(error)
    assert "junk.json" in told or "more than once" in told or "no samples" in told


def test_wider(tmp_path: Path) -> None:
    lines = (
        "0--Parade/a.jpg\n2\n10 20 5 6 0 0 0 0 0 0 \n1 2 3 4 2 0 0 1 0 0\n"
        "0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \nc.jpg\n1\n5 5 5 5\n"
    )
    found = read("wider", annotation_file=written(tmp_path / "gt.txt", lines))
    a, b, c = found.annotations
    assert isinstance(a, DetectionAnnotation)
    assert a.boxes.tolist() == [[10, 20, 15, 26], [1, 2, 4, 6]]
    assert a.ignored.tolist() == [False, True]
    assert a.labels.tolist() == [1, 1]
    assert len(b.boxes) == 0  # type: ignore[attr-defined]
    assert c.identifier == "c.jpg"
    assert found.labels == {0: "__background__", 1: "face"}
    without = read(
        "wider", annotation_file=written(tmp_path / "gt.txt", "b.jpg\n0\nc.jpg\n1\n5 5 5 5\n"), label_start=0
    )
    assert len(without.annotations) == 2
    assert without.background is None


@pytest.mark.parametrize(
    ("lines", "what"),
    [("a.jpg\nb.jpg\n", "number of faces of 'a.jpg'"), ("a.jpg\n2\n1 2 3 4\n", "has 2 faces, the file ends after 1"),
     ("a.jpg\n1\n1 2 x 4\n", r"gt.txt:3: a face cannot be read: 'x' is no number"), ("a.jpg\n1\n1 2 3\n", "x y w h")],
)  # fmt: skip
def test_problems_of_wider(tmp_path: Path, lines: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        read("wider", annotation_file=written(tmp_path / "gt.txt", lines))


def test_boxes_in_text_files(tmp_path: Path) -> None:
    names = written(tmp_path / "names.txt", "cat\ndog\n")
    written(tmp_path / "yolo" / "a.txt", "1 0.5 0.5 0.2 0.4\n")
    found = read("yolo_labeling", annotations_dir=tmp_path / "yolo", labels_file=names)
    assert found.annotations[0].identifier == "a.jpg"
    np.testing.assert_allclose(found.annotations[0].boxes, [[0.4, 0.3, 0.6, 0.7]])  # type: ignore[attr-defined]
    written(tmp_path / "common" / "a.txt", "1 10 20 30 40\n0 1 2 3 4\n")
    found = read("common_object_detection", annotation_dir=tmp_path / "common", labels_file=names, has_background=True,
                 add_background_to_label_id=True)  # fmt: skip
    assert found.annotations[0].labels.tolist() == [2, 1]  # type: ignore[attr-defined]
    assert found.labels == {0: "background", 1: "cat", 2: "dog"}
    written(tmp_path / "common" / "b.txt", "1 10 20 30\n5 1 2 3 4\n")
    with pytest.raises(UsageError) as error:
        read("common_object_detection", annotation_dir=tmp_path / "common", labels_file=names)
    assert "b.txt:1: an object cannot be read: a class and 4 numbers" in str(error.value)
    assert "b.txt:2: class 5 has no name" in str(error.value)
    pairs = written(tmp_path / "pairs.txt", "x.png a.txt\ny.png c.txt\n")
    with pytest.raises(UsageError, match=r"there is no annotation '.*c.txt'"):
        read("common_object_detection", annotation_dir=tmp_path / "common", labels_file=names, pairs_file=pairs)


def test_cvat(tmp_path: Path) -> None:
    boxes = (
        '<box label="car" occluded="1" xtl="1" ytl="2" xbr="3" ybr="4"/>'
        '<box label="tree" xtl="1" ytl="2" xbr="3" ybr="4"/><box label="bus" xtl="5" ytl="6" xbr="7.5" ybr="8"/>'
    )
    listed = "".join(f"<label><name>{n}</name></label>" for n in ("car", "bus"))
    meta = f"<meta><task><labels>{listed}</labels></task></meta>"
    text = f'<annotations>{meta}<image id="0" name="a/b.jpg" width="20" height="10">'
    path = written(tmp_path / "cvat.xml", f"{text}{boxes}</image></annotations>")
    found = read("cvat_object_detection", annotation_file=path)
    true = found.annotations[0]
    assert isinstance(true, DetectionAnnotation)
    assert (true.identifier, true.meta.size) == ("b.jpg", (10, 20))
    assert true.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7.5, 8]]
    assert true.labels.tolist() == [1, 2]
    assert true.ignored.tolist() == [True, False]
    assert (found.labels, found.background) == ({0: "background", 1: "car", 2: "bus"}, 0)
    labels = written(tmp_path / "labels.json", json.dumps({"labels": {"background": 0, "bus": 7}}))
    assert read("cvat_object_detection", annotation_file=path, labels_file=labels).annotations[0].labels.tolist() == [7]  # type: ignore[attr-defined]
    bad = written(tmp_path / "bad.xml", f'{text}<box label="bus" xtl="5"/></image></annotations>')
    with pytest.raises(UsageError, match=r"box 1 of 'b.jpg' cannot be read"):
        read("cvat_object_detection", annotation_file=bad)


# Masks


def test_colours_of_voc() -> None:
    assert voc_colors(4) == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert voc_colors(21)[20] == (0, 64, 128)
    assert len(set(voc_colors(256))) == 256


def test_voc_segmentation(tmp_path: Path) -> None:
    from PIL import Image

    mask = np.array([[0, 1, 20], [255, 5, 0]], np.uint8)
    colors = voc_colors(256)
    image = Image.fromarray(mask, "P")
    image.putpalette([v for c in colors for v in c])
    folder = tmp_path / "SegmentationClass"
    folder.mkdir()
    image.save(folder / "a.png")
    image.convert("RGB").save(folder / "b.png")
    for name in "ab":
        picture(tmp_path / "JPEGImages" / f"{name}.jpg", np.zeros((2, 3, 3)))
    listed = written(tmp_path / "ImageSets" / "Segmentation" / "val.txt", "a\nb\n")
    found = read("voc_segmentation", imageset_file=listed)
    assert [a.identifier for a in found.annotations] == ["a.jpg", "b.jpg"]
    for annotation in found.annotations:
        assert isinstance(annotation, SegmentationAnnotation)
        np.testing.assert_array_equal(annotation.mask, mask)
    assert found.labels[20] == "tvmonitor"
    (folder / "b.png").unlink()
    with pytest.raises(UsageError, match="there is no mask"):
        read("voc_segmentation", imageset_file=listed)


def test_common_segmentation(tmp_path: Path) -> None:
    for i in (1, 2):
        picture(tmp_path / "images" / f"image{i}.png", np.zeros((2, 2, 3)))
        picture(tmp_path / "masks" / f"gt{i}_m.png", [[0, 1], [1, i]])
    picture(tmp_path / "images" / "other.bmp", np.zeros((2, 2, 3)))
    meta = written(tmp_path / "meta.json", json.dumps({"label_map": {"0": "no", "1": "yes"}, "background_label": 0}))
    options = {"images_dir": tmp_path / "images", "masks_dir": tmp_path / "masks", "image_prefix": "image",
               "mask_prefix": "gt", "mask_postfix": "_m.png", "dataset_meta_file": meta}  # fmt: skip
    found = read("common_semantic_segmentation", **options)
    assert [a.identifier for a in found.annotations] == ["image1.png", "image2.png"]
    assert found.annotations[1].mask.tolist() == [[0, 1], [1, 2]]  # type: ignore[attr-defined]
    assert (found.labels, found.background) == ({0: "no", 1: "yes"}, 0)
    with pytest.raises(UsageError, match="there is no mask"):
        read("common_semantic_segmentation", **{**options, "mask_prefix": "gr"})
    with pytest.raises(UsageError, match="there are no images"):
        read("common_semantic_segmentation", **{**options, "image_prefix": "picture"})
    picture(tmp_path / "masks" / "gt1_m.png", np.full((2, 2, 3), (9, 8, 7)))
    with pytest.raises(VinocError, match="segmentation_colors"):
        read("common_semantic_segmentation", **options).annotations[0].mask  # type: ignore[attr-defined]  # noqa: B018


def test_streets(tmp_path: Path) -> None:
    mask = [[0, 1], [2, 255]]
    for path in ("camvid/valannot/a.png", "city/gtFine/val/bonn/x_gtFine_labelTrainIds.png", "mapillary/masks/m.png"):
        picture(tmp_path / path, mask)
    for path in ("city/imgsFine/leftImg8bit/val/bonn/x_leftImg8bit.png", "mapillary/imgs/m.png"):
        picture(tmp_path / path, np.zeros((2, 2, 3)))
    listed = written(tmp_path / "camvid" / "val.txt", "/SegNet/CamVid/val/a.png /SegNet/CamVid/valannot/a.png\n")
    camvid = read("camvid", annotation_file=listed)
    city = read("cityscapes", dataset_root_dir=tmp_path / "city")
    mapillary = read("mapillary_20", data_dir=tmp_path / "mapillary")
    names = [d.annotations[0].identifier for d in (camvid, city, mapillary)]
    assert names == ["val/a.png", "imgsFine/leftImg8bit/val/bonn/x_leftImg8bit.png", "m.png"]
    for dataset, classes in ((camvid, 12), (city, 19), (mapillary, 20)):
        assert dataset.annotations[0].mask.tolist() == mask  # type: ignore[attr-defined]
        assert len(dataset.labels) == classes
    assert len(read("cityscapes", dataset_root_dir=tmp_path / "city", use_full_label_map=True).labels) == 34
    with pytest.raises(UsageError, match="there are no images"):
        read("cityscapes", dataset_root_dir=tmp_path / "camvid")
    with pytest.raises(UsageError, match="`data_dir` is missing"):
        read("mapillary_20")


# Texts, pairs, points


def test_texts_of_plates_and_pages(tmp_path: Path) -> None:
    characters = written(tmp_path / "dict", "0 A\n1 <B>\n")
    plates = written(tmp_path / "plates.txt", "a.png <B>A1\nb.png NA\n")
    found = read("lpr_txt", annotation_file=plates, decoding_dictionary_file=characters)
    assert [(a.identifier, a.text) for a in found.annotations if isinstance(a, TextAnnotation)] == [("a.png", "<B>A1")]
    assert found.labels == {0: "A", 1: "<B>"}
    with pytest.raises(UsageError, match=r"dict:1: a class and a character"):
        read("lpr_txt", annotation_file=plates, decoding_dictionary_file=written(tmp_path / "dict", "A 0\n"))
    pages = written(tmp_path / "pages.txt", "a.png,一二, 三\n")
    found = read("unicode_character_recognition", annotation_file=pages,
                 decoding_char_file=written(tmp_path / "chars", "一二\n三\n"))  # fmt: skip
    assert found.annotations[0].text == "一二, 三"  # type: ignore[attr-defined]
    assert found.labels == {1: "一", 2: "二", 3: "三"}
    assert found.more["blank_label"] == 0


def test_texts(tmp_path: Path) -> None:
    listed = written(tmp_path / "gt.txt", "a.png hello\nb.png two words\n")
    found = read("common_text_recognition", annotation_file=listed)
    assert [(a.identifier, a.text) for a in found.annotations if isinstance(a, TextAnnotation)] == [
        ("a.png", "hello"), ("b.png", "two words")]  # fmt: skip
    quoted = read("icdar13_recognition", annotation_file=written(tmp_path / "gt.txt", 'w_1.png, "Tiredness"\n'))
    assert quoted.annotations[0].identifier == "w_1.png"
    assert quoted.annotations[0].text == "Tiredness"  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"gt.txt:2: a name and a text"):
        read("text_list", annotation_file=written(tmp_path / "gt.txt", "a.png b\nc.png\n"))


def test_lfw(tmp_path: Path) -> None:
    lines = "2\t1\nAnn_Lee\t1\t4\nAnn_Lee\t1\tBob\t2\nBob\t2\t3\nCy\t1\tAnn_Lee\t12\n"
    found = read("lfw", pairs_file=written(tmp_path / "pairs.txt", lines))
    by_name = {a.identifier: a for a in found.annotations if isinstance(a, PairsAnnotation)}
    assert len(by_name) == 6
    ann = by_name["Ann_Lee/Ann_Lee_0001.jpg"]
    assert ann.same == (("Ann_Lee/Ann_Lee_0004.jpg", 0),)
    assert ann.other == (("Bob/Bob_0002.jpg", 0),)
    assert by_name["Cy/Cy_0001.jpg"].other == (("Ann_Lee/Ann_Lee_0012.jpg", 1),)
    assert found.more["folds"] == 2
    with pytest.raises(UsageError, match=r"pairs.txt:2"):
        read("lfw", pairs_file=written(tmp_path / "pairs.txt", "10\nAnn\tx\t4\n"))
    points = written(tmp_path / "points.txt", "Bob/Bob_0002.jpg\t1\t2\t3\t4\n")
    with_points = read("lfw", pairs_file=written(tmp_path / "pairs.txt", lines), landmarks_file=points)
    bob = next(a for a in with_points.annotations if a.identifier == "Bob/Bob_0002.jpg")
    assert bob.meta.more["keypoints"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("kind", [bytes, lambda data: np.frombuffer(data, np.uint8)])
def test_face_recognition_bin(tmp_path: Path, kind: Any) -> None:
    from PIL import Image

    pictures = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    encoded = []
    for pixels in pictures:
        out = BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        encoded.append(kind(out.getvalue()))
    path = tmp_path / "lfw.bin"
    for protocol in (2, 4):
        path.write_bytes(pickle.dumps((encoded, [True, False]), protocol=protocol))
        found = read("face_recognition_bin", bin_file=path)
        first, second, third, _ = found.annotations
        assert isinstance(first, PairsAnnotation)
        assert first.same == (("1.png", 0),)
        assert third.other == (("3.png", 0),)  # type: ignore[attr-defined]
        assert found.images is not None
        np.testing.assert_array_equal(found.images(second.identifier), pictures[1])
    path.write_bytes(pickle.dumps((encoded[:3], [True, False])))
    with pytest.raises(UsageError, match="is no pair"):
        read("face_recognition_bin", bin_file=path)
    path.write_bytes(pickle.dumps(([b"no", "image"], [True])))
    broken = read("face_recognition_bin", bin_file=path)
    assert broken.images is not None
    with pytest.raises(UsageError, match=r"lfw.bin: 1.png: cannot be read as an image"):
        broken.images("1.png")


def test_vgg_face(tmp_path: Path) -> None:
    names = ",".join(f"P{i}{axis}" for i in range(1, 6) for axis in "XY")
    table = written(tmp_path / "p.csv", f"NAME_ID,{names}\nn1/a,1,2,3,4,5,6,7,8,9,10\n")
    boxes = written(tmp_path / "b.csv", "NAME_ID,X,Y,W,H\nn1/a,-5,10,20,30\n")
    face = read("vgg_face", landmarks_csv_file=table, bbox_csv_file=boxes).annotations[0]
    assert isinstance(face, LandmarksAnnotation)
    assert face.identifier == "n1/a.jpg"
    assert face.points.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]
    assert face.meta.more["rect"] == (0, 10, 20, 40)
    with pytest.raises(UsageError, match=r"p.csv:2: cannot be read: there is no column"):
        read("vgg_face", landmarks_csv_file=written(tmp_path / "p.csv", "NAME_ID,P1X\na,1\n"))
