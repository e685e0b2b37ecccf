"""What models are fed with."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import boolean, f32, i64, u8
from vinoc.ir.errors import UsageError, VinocError
from vinoc.tools.inputs.files import files_by_input, split
from vinoc.tools.inputs.fill import filled, random_values
from vinoc.tools.inputs.images import colored, read_image, resize
from vinoc.tools.inputs.slots import Input, batch_sizes, by_input, guessed, set_data_shapes, set_layouts

SILENT = lambda text: None  # noqa: E731


def image(name: str = "x", shape: tuple[object, ...] = (1, 3, 8, 8), dtype: object = u8) -> Input:
    return Input(name, 0, dtype, shape, guessed(shape))  # type: ignore[arg-type]


def png(path: Path, pixels: np.ndarray) -> Path:
    """A PNG of [h, w, 3], unfiltered."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 0)
    data = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(data))
    return path


def pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_layouts_are_guessed() -> None:
    assert guessed((1, 3, 224, 224)) == tuple("NCHW")
    assert guessed((1, 224, 224, 3)) == tuple("NHWC")
    assert guessed((3, 32, 32)) == tuple("CHW")
    assert guessed((32, 32, 1)) == tuple("HWC")
    assert guessed((1, 64, 56, 56)) == guessed((1, 10)) == guessed((1, 3, 4, 4)) == ()
    assert guessed((symbol("N"), 3, symbol("H"), symbol("W"))) == tuple("NCHW")


def test_values_by_input() -> None:
    assert by_input("-shape", "[1,2]", ["a", "b"]) == {"a": ["1,2"], "b": ["1,2"]}
    assert by_input("-shape", "a[1][2],b[3]", ["a", "b"]) == {"a": ["1", "2"], "b": ["3"]}
    assert by_input("-data_shape", "[1][2][3][4]", ["a", "b"]) == {"a": ["1", "3"], "b": ["2", "4"]}
    with pytest.raises(UsageError, match="no input 'imag'") as caught:
        by_input("-shape", "imag[1]", ["image"])
    assert "did you mean 'image'?" in (caught.value.help or "")
    with pytest.raises(UsageError, match="cannot be read"):
        by_input("-shape", "1,3,224", ["a"])
    with pytest.raises(UsageError, match="3 values for 2 inputs"):
        by_input("-data_shape", "[1][2][3]", ["a", "b"])


def test_data_shapes_and_batches() -> None:
    given = [image("x", (symbol("N"), 3, symbol("H"), symbol("W")), f32), image("k", (2,), i64)]
    assert list(set_data_shapes(given, "x[1,3,8,8][2,3,4,4],k[2]")) == [
        "Input 'k' has a static shape: data shapes for it are ignored"
    ]
    assert given[0].shapes == [(1, 3, 8, 8), (2, 3, 4, 4)]
    assert batch_sizes(given) == [1, 2]
    with pytest.raises(UsageError, match="does not fit"):
        list(set_data_shapes(given, "x[1,4,8,8]"))
    with pytest.raises(UsageError, match="no list of sizes"):
        list(set_data_shapes(given, "x[1,3,?,8]"))


def test_layout_of_another_rank_is_refused() -> None:
    with pytest.raises(UsageError, match="layout NCHW has 4 dimensions") as caught:
        set_layouts([image("x", (1, 3), f32)], "[NCHW]")
    assert caught.value.where == "-layout, input 'x'"


def test_random_values_are_of_the_type() -> None:
    for dtype in (u8, f32, i64, boolean):
        made = random_values(image(dtype=dtype), (2, 3))
        assert made.dtype == np.dtype(dtype.numpy)
        assert made.shape == (2, 3)
        assert made.min() >= 0


def test_files_go_to_inputs(tmp_path: Path) -> None:
    for name in ("a.npy", "b.npy", "c.npy", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    inputs = [image("x"), image("y")]
    said: list[str] = []
    found = files_by_input([f"x:{tmp_path}/a.npy,{tmp_path}/b.npy", f"y:{tmp_path}/c.npy"], inputs, said.append)
    assert {k: [p.name for p in v] for k, v in found.items()} == {"x": ["a.npy", "b.npy"], "y": ["c.npy"]}
    found = files_by_input([str(tmp_path)], inputs, said.append)
    assert {k: [p.name for p in v] for k, v in found.items()} == {"x": ["a.npy"], "y": ["b.npy"]}
    assert any("1 files of" in s for s in said)
    assert any("3 files for 2 inputs" in s for s in said)
    with pytest.raises(UsageError, match="no input 'z'"):
        files_by_input([f"z:{tmp_path}/a.npy"], inputs, SILENT)
    with pytest.raises(UsageError, match="there is no file"):
        files_by_input([str(tmp_path / "d.npy")], inputs, SILENT)


def test_a_colon_of_a_name() -> None:
    assert split("data:0:a.npy", ["data:0"]) == [("data:0", ["a.npy"])]
    assert split("x:a.npy,y:b.npy,c.npy", ["x", "y"]) == [("x", ["a.npy"]), ("y", ["b.npy", "c.npy"])]
    assert split("x:a.npy,b.npy", ["x"]) == [("x", ["a.npy", "b.npy"])]


def test_images_fill_a_batch(tmp_path: Path) -> None:
    first, second = pixels(8, 8, 1), pixels(8, 8, 2)
    files = {"x": [png(tmp_path / "a.png", first), png(tmp_path / "b.png", second)]}
    queue = filled([image(shape=(2, 3, 8, 8))], files, SILENT, SILENT)
    assert len(queue.feeds) == 1
    assert np.array_equal(queue.feeds[0].arrays["x"], np.stack([first, second]).transpose(0, 3, 1, 2))
    queue = filled([image(shape=(1, 8, 8, 3), dtype=f32)], files, SILENT, SILENT)
    assert [f.arrays["x"].dtype for f in queue.feeds] == [np.float32] * 2
    assert np.array_equal(queue.next().arrays["x"][0], first.astype(np.float32))
    assert np.array_equal(queue.next().arrays["x"][0], second.astype(np.float32))
    assert np.array_equal(queue.next().arrays["x"][0], first.astype(np.float32))


def test_images_of_a_dynamic_input_keep_their_size(tmp_path: Path) -> None:
    given = image(shape=(symbol("N"), 3, symbol("H"), symbol("W")))
    files = {"x": [png(tmp_path / "a.png", pixels(4, 6)), png(tmp_path / "b.png", pixels(5, 3))]}
    queue = filled([given], files, SILENT, SILENT)
    assert [f.arrays["x"].shape for f in queue.feeds] == [(1, 3, 4, 6), (1, 3, 5, 3)]
    assert [f.group for f in queue.feeds] == [0, 1]


def test_an_image_keeps_its_proportions_where_one_side_is_open(tmp_path: Path) -> None:
    files = {"x": [png(tmp_path / "a.png", pixels(4, 6)), png(tmp_path / "b.png", pixels(16, 1))]}
    for sizes, shapes in (((8, symbol("W")), [(8, 12), (8, 1)]), ((symbol("H"), 12), [(8, 12), (192, 12)])):
        queue = filled([image(shape=(symbol("N"), 3, *sizes))], files, SILENT, SILENT)
        assert [f.arrays["x"].shape[2:] for f in queue.feeds] == shapes


def test_gray_of_sixteen_bits_and_pixels_that_are_no_bytes(tmp_path: Path) -> None:
    from PIL import Image

    ramp = np.arange(0, 65536, 257, dtype=np.uint16).reshape(8, 32)
    for suffix in (".png", ".tif"):
        Image.fromarray(ramp).save(tmp_path / f"a{suffix}")
    (tmp_path / "a.pgm").write_bytes(b"P5\n32 8\n65535\n" + ramp.astype(">u2").tobytes())
    for suffix in (".png", ".tif", ".pgm"):
        found = read_image(tmp_path / f"a{suffix}")
        assert np.array_equal(found, np.repeat((ramp >> 8).astype(np.uint8)[:, :, None], 3, axis=2)), suffix
    for kind, name in ((np.float32, "floats"), (np.int32, "integers of 32 bits")):
        Image.fromarray(ramp.astype(kind)).save(tmp_path / "b.tif")
        with pytest.raises(VinocError, match=f"its pixels are {name}, of which it is not known what is white"):
            read_image(tmp_path / "b.tif")


def test_damaged_images_are_errors(tmp_path: Path) -> None:
    whole = png(tmp_path / "a.png", pixels(8, 8)).read_bytes()
    claims = whole[:16] + (1 << 20).to_bytes(4, "big") * 2 + whole[24:]  # Pillow: a decompression bomb
    for data in (whole[:40], whole[:30], claims, whole[:37] + b"\0\1" + whole[39:], b""):
        with pytest.raises(VinocError, match="cannot be"):
            read_image(data, "a.png")


def test_arrays_and_binary_files(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", x=array)
    array.tofile(tmp_path / "a.bin")
    array[:1].tofile(tmp_path / "half.bin")
    given = Input("x", 0, f32, (2, 3), tuple("NC"))
    for name in ("a.npy", "a.npz", "a.bin"):
        assert np.array_equal(filled([given], {"x": [tmp_path / name]}, SILENT, SILENT).next().arrays["x"], array)
    said: list[str] = []
    twice = filled([given], {"x": [tmp_path / "half.bin"]}, SILENT, said.append).next().arrays["x"]
    assert np.array_equal(twice, array[[0, 0]])
    assert "Some files are used twice" in said[0]
    (tmp_path / "odd.bin").write_bytes(b"123")
    with pytest.raises(UsageError, match="has 3 bytes, input 'x' takes 24"):
        filled([given], {"x": [tmp_path / "odd.bin"]}, SILENT, SILENT)
    np.save(tmp_path / "wide.npy", np.zeros((5, 7), np.float32))
    with pytest.raises(UsageError, match=r"shape \[5, 7\]"):
        filled([given], {"x": [tmp_path / "wide.npy"]}, SILENT, SILENT)


def test_a_dynamic_input_without_data_is_refused() -> None:
    with pytest.raises(UsageError, match="is dynamic"):
        filled([image(shape=(symbol("N"), 3, 8, 8))], {}, SILENT, SILENT)


def test_the_size_of_the_image_is_an_input() -> None:
    given = [image(), Input("info", 1, f32, (1, 3), tuple("NC"))]
    assert filled(given, {}, SILENT, SILENT).next().arrays["info"].tolist() == [[8.0, 8.0, 1.0]]


def test_images_are_read_alike_with_and_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    art = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    for suffix in (".png", ".bmp", ".ppm", ".jpg", ".tif"):
        Image.fromarray(art).save(tmp_path / f"a{suffix}", quality=90)
    with_pillow = {p.name: read_image(p) for p in tmp_path.iterdir()}
    monkeypatch.setattr("vinoc.tools.inputs.images.find_spec", lambda name: None)
    for path in tmp_path.iterdir():
        assert np.array_equal(read_image(path), with_pillow[path.name]), path.name
    Image.fromarray(art).save(tmp_path / "a.webp")
    with pytest.raises(VinocError, match="cannot be decoded") as caught:
        read_image(tmp_path / "a.webp")
    assert "vinoc[images]" in (caught.value.help or "")


def test_resize_is_that_of_pillow() -> None:
    from PIL import Image

    art = pixels(31, 45)
    for height, width in ((16, 16), (64, 90), (31, 20)):
        expected = np.asarray(Image.fromarray(art).resize((width, height), Image.Resampling.BILINEAR))
        apart = np.abs(resize(art, height, width).astype(int) - expected)
        assert apart.max() <= 2  # halves are rounded to even here, up there, behind each of the two axes
        assert apart.mean() < 0.2


def test_fits() -> None:
    wide = np.zeros((10, 20, 3), np.uint8)
    wide[:, 5:15] = 200
    cropped = resize(wide, 10, 10, "crop")
    assert cropped.shape == (10, 10, 3)
    assert (cropped == 200).all()
    padded = resize(wide, 20, 20, "pad")
    assert (padded[:5] == 114).all()
    assert (padded[15:] == 114).all()
    assert (padded[5:15, 6:14] == 200).all()


def test_colors() -> None:
    art = pixels(2, 2)
    assert np.array_equal(colored(art, 3, bgr=True), art[:, :, ::-1])
    assert colored(art, 1).shape == (2, 2, 1)
    assert (colored(art, 4)[:, :, 3] == 255).all()
    with pytest.raises(UsageError, match="5 channels"):
        colored(art, 5)


def test_modules_stay_unloaded() -> None:
    """Tools are no burden to `import vinoc`."""
    import subprocess

    code = "import sys, vinoc; sys.exit(any(m.startswith('vinoc.tools') or m == 'PIL' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
