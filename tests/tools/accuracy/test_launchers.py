"""Launchers: how samples become inputs, batches, shapes, states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from vinoc.ir.errors import VinocError
from vinoc.tools.accuracy.base import Image
from vinoc.tools.accuracy.launchers.base import launcher
from vinoc.tools.accuracy.launchers.inputs import Filled, specs
from vinoc.tools.accuracy.launchers.layouts import channels_last, laid
from vinoc.tools.accuracy.representation import Meta, Step
from vinoc.tools.engines.base import Slot

from .made import save_model

F32 = np.dtype(np.float32)
LAUNCHERS = ("vinoc", "onnx_runtime", "openvino")


def slot(*shape: int | None, dtype: Any = F32, name: str = "x") -> Slot:
    return Slot(name, np.dtype(dtype), shape)


def sample(data: Any, name: str = "a.png") -> Image:
    size = np.shape(data)[:2] if not isinstance(data, dict) and np.ndim(data) >= 2 else None
    return Image(name, data if isinstance(data, dict) else np.asarray(data), Meta(size=size))


PIXELS = np.arange(24.0).reshape(2, 4, 3)


@pytest.mark.parametrize(
    ("given", "layout", "last"),
    [
        (slot(1, 3, 2, 4), None, False),
        (slot(1, 2, 4, 3), None, True),
        (slot(1, 96, 96, 1), None, True),
        (slot(1, 1, 28, 28), None, False),
        (slot(None, None, None, None), None, False),
        (slot(None, None, None, 3), None, True),
        (slot(None, None, None, None), "NHWC", True),
        (slot(1, 3, 3, 3), "NHWC", True),
    ],
)
def test_where_channels_are(given: Slot, layout: str | None, last: bool) -> None:
    assert channels_last(given, layout) is last
    if given.shape in ((1, 3, 2, 4), (1, 2, 4, 3)) or None in (given.shape or ()):
        array = laid(PIXELS, given, layout, "a.png")
        np.testing.assert_array_equal(array[0], PIXELS if last else PIXELS.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("data", "given", "shape"),
    [
        (np.zeros((28, 28)), slot(1, 1, 28, 28), (1, 1, 28, 28)),
        (np.zeros((28, 28, 1)), slot(1, 28, 28), (1, 28, 28)),
        (np.zeros((3, 32, 30)), slot(1, 3, 32, 30), (1, 3, 32, 30)),
        (np.zeros(5), slot(None, 5), (1, 5)),
        (np.zeros((1, 5)), slot(1, 5), (1, 5)),
        (np.zeros((7, 5)), slot(1, None, 5), (1, 7, 5)),
    ],
)
def test_arrays_of_every_rank(data: Any, given: Slot, shape: tuple[int, ...]) -> None:
    assert laid(data, given, None, "a").shape == shape


def test_data_that_do_not_fit_are_refused() -> None:
    with pytest.raises(VinocError, match=r"the data of 'a' are \[2, 4, 3\], input 'x' takes \[1, 3, \?, 5\]"):
        laid(PIXELS, slot(1, 3, None, 5), None, "a")
    with pytest.raises(VinocError, match="layout 'NCHV' is none of an image"):
        laid(PIXELS, slot(1, 3, 2, 4), "NCHV", "a")


def test_a_short_batch_is_filled_up_and_numbers_become_whole() -> None:
    filled = Filled([slot(3, 1, 2, 2, dtype=np.uint8)], [], None)
    assert (filled.batch, filled.size) == (3, (2, 2))
    feeds = filled.feeds([sample([[0.6, 254.5], [-3.0, 300.0]]), sample(np.ones((2, 2)))])
    assert feeds["x"].dtype == np.uint8
    assert feeds["x"].tolist() == [[[[1, 254], [0, 255]]], [[[1, 1], [1, 1]]], [[[1, 1], [1, 1]]]]
    with pytest.raises(VinocError, match="different shapes"):
        Filled([slot(None, None, 2)], [], 2).feeds([sample(np.zeros((3, 2))), sample(np.zeros((4, 2)))])


def test_several_inputs() -> None:
    slots = [slot(1, 3, 2, 4, name="image"), slot(1, 3, name="info"), slot(2, name="k"), slot(1, 2, name="left")]
    wanted = specs(
        [
            {"name": "info", "type": "IMAGE_INFO"},
            {"name": "k", "type": "CONST_INPUT", "value": [0.5, 2]},
            {"name": "left", "type": "IGNORE_INPUT"},
        ]
    )
    step = Step("resize", (20, 40), (2, 4))
    feeds = Filled(slots, wanted, None).feeds([Image("a", PIXELS, Meta(size=(20, 40), steps=(step,)))])
    assert sorted(feeds) == ["image", "info", "k"]
    assert feeds["info"].tolist() == [[2, 4, 1]]
    assert feeds["k"].tolist() == [0.5, 2]
    for kind, values in (("ORIG_IMAGE_INFO", [20, 40]), ("PROCESSED_IMAGE_INFO", [2, 4]), ("SCALE_FACTOR", [0.1, 0.1])):
        filled = Filled([slots[0], slot(1, 2, name="s")], specs([{"name": "s", "type": kind}]), None)
        found = filled.feeds([Image("a", PIXELS, Meta(size=(20, 40), steps=(step,)))])["s"]
        np.testing.assert_allclose(found, [values], rtol=1e-6)


def test_several_arrays_of_a_sample_go_to_inputs_by_name_or_pattern() -> None:
    slots = [slot(1, 2, name="ids"), slot(1, 2, name="mask")]
    data = {"ids": np.array([1, 2]), "mask": np.array([3, 4])}
    feeds = Filled(slots, [], None).feeds([sample(data)])
    assert feeds["mask"].tolist() == [[3, 4]]
    other = {"input_ids": np.array([1, 2]), "attention": np.array([3, 4])}
    wanted = specs([{"name": "ids", "value": "_ids$"}, {"name": "mask", "value": "^att"}])
    assert Filled(slots, wanted, None).feeds([sample(other)])["mask"].tolist() == [[3, 4]]
    with pytest.raises(VinocError, match="no arrays of the sample fit 'ids'"):
        Filled(slots, [], None).feeds([sample({"a": np.zeros(2)})])
    with pytest.raises(VinocError, match="2 inputs take data, the sample has one array"):
        Filled(slots, [], None).feeds([sample(np.zeros(2))])


def test_wrong_inputs_are_told_together() -> None:
    with pytest.raises(VinocError) as caught:
        specs([{"name": "a", "type": "CONST"}, {"typ": "INPUT"}, 5])
    told = str(caught.value)
    for part in ("option 'type' cannot be 'CONST'", "did you mean 'type'", "option 'name' is missing", "is 5: a block"):
        assert part in told
    with pytest.raises(VinocError, match="did you mean 'image'"):
        Filled([slot(1, 2, name="image")], specs([{"name": "imag"}]), None)
    wanted = specs([{"name": "x", "type": "CONST_INPUT", "value": "1,2,3"}])
    with pytest.raises(VinocError, match="3 numbers do not fill input 'x'"):
        Filled([slot(2, name="x"), slot(1, 2, name="y")], wanted, None).feeds([sample(np.zeros(2))])


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = 2 x for images [1, 3, 4, 6]."""
    path = tmp_path_factory.mktemp("launchers") / "doubled.onnx"
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    save_model(path, nodes, [("x", [1, 3, 4, 6])], [("y", [None, 3, None, None])])
    return path


@pytest.mark.parametrize("name", LAUNCHERS)
def test_each_engine_gives_named_outputs(name: str, doubled: Path) -> None:
    running = launcher.make(name, {"model": doubled, "device": "cpu"}).start()
    assert (running.batch, running.size) == (1, (4, 6))
    feeds = running.filled.feeds([sample(np.ones((4, 6, 3)))])
    (found,) = running.loaded.request()(feeds)
    np.testing.assert_array_equal(found, np.full((1, 3, 4, 6), 2, np.float32))
    assert "y" in running.outputs[0]


@pytest.mark.parametrize("name", ["vinoc", "openvino"])
def test_models_take_another_batch_or_the_size_of_the_data(name: str, doubled: Path) -> None:
    running = launcher.make(name, {"model": doubled, "batch": 4}).start()
    (found,) = running.loaded.request()(running.filled.feeds([sample(np.ones((4, 6, 3)))] * 3))
    assert (running.batch, np.shape(found)) == (4, (4, 3, 4, 6))
    free = launcher.make(name, {"model": doubled, "allow_reshape_input": True}).start()
    assert free.size is None
    request = free.loaded.request()
    for size in ((5, 7), (8, 3)):
        (found,) = request(free.filled.feeds([sample(np.ones((*size, 3)))]))
        assert np.shape(found) == (1, 3, *size)


@pytest.mark.parametrize("name", ["vinoc", "openvino"])
def test_weights_that_are_not_beside_the_model(name: str, doubled: Path, tmp_path: Path) -> None:
    import vinoc

    nodes = [helper.make_node("Mul", ["x", "k"], ["y"])]
    constants = {"k": np.arange(24, dtype=np.float32).reshape(1, 1, 4, 6)}
    save_model(tmp_path / "m.onnx", nodes, [("x", [1, 3, 4, 6])], [("y", [1, 3, 4, 6])], constants)
    vinoc.save_model(vinoc.Core().read_model(tmp_path / "m.onnx"), tmp_path / "m.xml")
    (tmp_path / "w").mkdir()
    (tmp_path / "m.bin").rename(tmp_path / "w" / "other.bin")
    running = launcher.make(name, {"model": tmp_path / "m.xml", "weights": tmp_path / "w" / "other.bin"}).start()
    (found,) = running.loaded.request()(running.filled.feeds([sample(np.ones((4, 6, 3)))]))
    np.testing.assert_allclose(found[0, 0], constants["k"][0, 0])


def test_a_batch_is_no_matter_of_constants(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mul", ["x", "k"], ["y"])]
    save_model(tmp_path / "m.onnx", nodes, [("x", [1, 3]), ("k", [1])], [("y", [None, 3])])
    inputs = [{"name": "k", "type": "CONST_INPUT", "value": 4}]
    running = launcher.make("vinoc", {"model": tmp_path / "m.onnx", "batch": 3, "inputs": inputs}).start()
    (found,) = running.loaded.request()(running.filled.feeds([sample(np.full(3, i)) for i in range(3)]))
    assert np.asarray(found)[:, 0].tolist() == [0, 4, 8]


def test_onnxruntime_says_that_it_cannot(doubled: Path) -> None:
    with pytest.raises(VinocError, match=r"another shape: x \[2, 3, 4, 6\]"):
        launcher.make("onnx_runtime", {"model": doubled, "batch": 2}).start()
    with pytest.raises(VinocError) as caught:
        launcher.make("onnx_runtime", {"model": doubled, "device": "GPU", "device_config": {"A": 1}}).start()
    assert "on the processor only" in str(caught.value)
    assert "no property A" in str(caught.value)


def test_a_model_as_an_object(doubled: Path) -> None:
    import vinoc

    model = vinoc.Core().read_model(doubled)
    running = launcher.make("vinoc", {"batch": 2}).start(model)
    assert running.batch == 2
    assert list(model.input().shape) == [1, 3, 4, 6], "the model itself stays as it is"
    with pytest.raises(VinocError, match="no model is given"):
        launcher.make("vinoc", {}).start()


def test_a_state_goes_from_one_inference_to_the_next(tmp_path: Path) -> None:
    """s' = s + x: the adapter sees the running sum."""
    from vinoc.tools.accuracy.adapters.base import adapter
    from vinoc.tools.accuracy.base import data_reader, metric, reader
    from vinoc.tools.accuracy.evaluation import Evaluation, Source
    from vinoc.tools.accuracy.results import Wanted

    nodes = [helper.make_node("Add", ["x", "s"], ["t"]), helper.make_node("Identity", ["t"], ["y"])]
    save_model(tmp_path / "sum.onnx", nodes, [("x", [1, 2]), ("s", [1, 2])], [("y", [1, 2]), ("t", [1, 2])])
    values = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    np.savez(tmp_path / "data.npz", images=values, labels=np.cumsum(values, axis=0))
    source = Source(
        reader.make("npz", {"annotation_file": tmp_path / "data.npz", "kind": "regression"}),
        data_reader.make("numpy_reader", {}),
    )
    runs = launcher.make("vinoc", {"model": tmp_path / "sum.onnx", "async_mode": True, "num_requests": 2,
                                   "inputs": [{"name": "s", "type": "LSTM_INPUT", "value": "t"}]})  # fmt: skip
    mae = Wanted("mae", metric.make("mae", {}))
    found = Evaluation("sum", "data", runs, source, adapter.make("regression", {"output": "y"}), (mae,)).run()
    assert found.values == {"mae": 0.0}


def test_integers_of_a_model(tmp_path: Path) -> None:
    made = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)], "g",
        [helper.make_tensor_value_info("x", TensorProto.INT64, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
    )  # fmt: skip
    import onnx

    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    running = launcher.make("vinoc", {"model": tmp_path / "m.onnx"}).start()
    (found,) = running.loaded.request()(running.filled.feeds([sample(np.array([1.4, 2.6, -3.0]))]))
    assert np.asarray(found).tolist() == [[1, 3, -3]]
