"""Data that are unreadable, of one color, copies, or of another order are named."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f32, i64
from vinoc.ir.errors import VinocError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.tools.quantize.data import Preparation, open_data
from vinoc.tools.quantize.options import Options
from vinoc.tools.quantize.quantize import quantize_model
from vinoc.tools.quantize.screen import screened
from vinoc.tools.quantize.suspicion import contradictions, suspicions
from vinoc.tools.quantize.watch import Watch

from .models import arrays, network, pictures


def screen(source, graph=None):
    told: list[str] = []
    watch = Watch(warn=told.append)
    graph = graph or network()
    kept = screened(open_data(source, graph), watch, graph)
    return kept, watch, told


def test_good_data_pass_without_a_word(tmp_path):
    kept, watch, told = screen(pictures(tmp_path, 12))
    assert (len(kept), watch.skipped, told) == (12, {}, [])


def test_samples_of_sizes_that_the_model_does_not_take_are_left_out():
    """y = x + repeat(x[:, :, ::2]): sizes have to be even."""
    graph = Graph("even")
    x = graph.add_input(TensorType(f32, (1, 3, symbol("H"), 8)), "image")
    b = Builder(graph)
    numbers = (b.const(np.array(n, np.int64)) for n in ([0, 0, 0, 0], [9, 9, 1 << 40, 9], [1, 1, 2, 1]))
    half = b.StridedSlice(
        x, *numbers, begin_mask=(), end_mask=(), new_axis_mask=(), shrink_axis_mask=(), ellipsis_mask=()
    )
    graph.add_output(b.Add(x, b.Concat(half, half, axis=2)), "y")
    draw = np.random.default_rng(0)
    samples = [draw.standard_normal((1, 3, 16 + (k == 5), 8)).astype(np.float32) for k in range(12)]
    kept, watch, _ = screen(samples, graph)
    assert len(kept) == 11
    assert "the model does not take 'image' [1, 3, 17, 8]" in watch.skipped["sample 5"]


def test_samples_on_which_the_model_fails_are_left_out():
    graph = Graph("table")
    b = Builder(graph)
    ids = graph.add_input(TensorType(i64, (1, 4)), "ids")
    table = b.const(np.random.default_rng(0).standard_normal((10, 8)).astype(np.float32))
    rows = b.Gather(table, ids, b.const(np.int64(0)), batch_dims=0)
    w = b.const(np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32))
    graph.add_output(b.MatMul(rows, w), "y")
    samples = [np.array([[k, 1, 2, 3]]) for k in range(10)]
    samples[4][0, 0] = 10
    told: list[str] = []
    watch = Watch(warn=told.append)
    result = quantize_model(graph, samples, Options(integers="always"), watch=watch)
    assert [n.kind for n in result.graph].count("FakeQuantize") == 1
    assert list(watch.skipped) == ["sample 4"]
    assert "index 10 is out of bounds" in watch.skipped["sample 4"]
    with pytest.raises(VinocError, match="6 of 10 samples cannot be used"):
        quantize_model(graph, [s + 6 for s in samples])


def test_what_was_left_out_counts_where_it_was():
    watch = Watch(skipped={f"bad {k}": "broken" for k in range(4)})
    watch.check(["good", "bad 0"])
    with pytest.raises(VinocError, match=r"2 of 3 samples cannot be used\n  bad 0: broken\n  bad 1: broken"):
        watch.check(["good", "bad 0", "bad 1"])


def test_unreadable_images_constant_ones_and_others_shapes_are_left_out_by_name(tmp_path):
    from PIL import Image

    pictures(tmp_path, 12)
    (tmp_path / "003.png").write_bytes(b"no image")
    Image.new("RGB", (16, 16), (5, 6, 7)).save(tmp_path / "005.png")
    kept, watch, told = screen(tmp_path)
    assert len(kept) == 10
    assert "003.png" not in kept.names
    assert watch.skipped["005.png"] == "all its pixels are the same"
    assert "cannot be" in watch.skipped["003.png"]
    assert told[0].startswith("003.png is left out: ")


def test_nan_in_the_data(tmp_path):
    data = arrays(12)
    data[4, 0, 3, 3] = np.nan
    data[7, 1, 0, 0] = np.inf
    data[8] *= 1e25  # large, but finite
    kept, watch, told = screen(data)
    assert watch.skipped == dict.fromkeys(("data[4]", "data[7]"), "input 'image' holds NaN or infinity")
    assert len(kept) == 10
    assert "1 samples have values of another order than the others (scaled otherwise?): data[8]" in told


def test_most_of_the_data_must_be_good():
    data = arrays(12)
    data[:8] = np.nan
    with pytest.raises(VinocError, match="8 of 12 samples cannot be used\n  data\\[0\\]: input 'image' holds NaN"):
        screen(data)


def test_copies_few_samples_and_one_color_alone():
    assert "all 12 samples are the same: they count as one" in screen(np.repeat(arrays(1), 12, 0))[2]
    assert "10 of 20 samples are copies of others" in screen(np.repeat(arrays(10), 2, 0))[2]
    assert screen(arrays(3))[2] == [
        "3 samples to calibrate on: ranges depend on chance; 10 or more that differ are enough as a rule"
    ]
    constant = np.broadcast_to(np.linspace(0, 1, 12, dtype=np.float32)[:, None, None, None], (12, 3, 16, 16))
    kept, _, told = screen(constant)
    assert len(kept) == 12
    assert told == ["all images have one color alone: ranges of these say nothing about pictures"]


def test_a_state_of_zeros_beside_a_signal_is_no_image():
    """As models of streams get it with the first part of each."""
    graph = Graph("stream")
    signal, state = (graph.add_input(TensorType(f32, s), n) for n, s in (("x", (1, 4)), ("state", (2, 1, 4))))
    graph.add_output(Builder(graph).Add(signal, state), "y")
    draw = np.random.default_rng(0)
    samples = [{"x": draw.standard_normal((1, 4)), "state": draw.standard_normal((2, 1, 4))} for _ in range(12)]
    samples[3]["state"] *= 0
    kept, watch, told = screen([{n: a.astype(np.float32) for n, a in s.items()} for s in samples], graph)
    assert (len(kept), watch.skipped, told) == (12, {}, [])


# Scaling


def suspected(graph, source, preparation=None):
    samples = open_data(source, graph, preparation)
    return list(suspicions(graph, graph, samples, preparation))


def test_bytes_where_the_biases_say_signed(tmp_path):
    pictures(tmp_path, 8)
    graph = network()
    assert suspected(graph, tmp_path, Preparation(mean=(127.5,), scale=(127.5,))) == []
    (told,) = suspected(graph, tmp_path)
    assert told.startswith("values of 0 to 255 are perhaps to be scaled (--normalize unit, signed, imagenet)")
    (told,) = suspected(graph, tmp_path, Preparation(mean=(127.5,), scale=(127.5e4,)))
    assert "perhaps too small" in told


def test_batch_normalization_tells_the_scaling_of_training(tmp_path):
    """Its mean and variance are those of signed images: others fit less, by how much is said."""
    pictures(tmp_path, 16)
    graph = network(norm=True)
    signed = Preparation(mean=(127.5,), scale=(127.5,))
    norm = next(n for n in graph if n.kind == "BatchNormInference")
    from vinoc.tools.quantize.collect import Runner

    run = Runner(graph, [norm.operand(0)])
    seen = np.concatenate([np.array(run(a)[0]) for _, a in open_data(tmp_path, graph, signed)])
    for port, array in ((3, seen.mean((0, 2, 3))), (4, seen.var((0, 2, 3)))):
        from vinoc.ir import Builder

        graph.set_input(norm, port, Builder(graph, before=norm).const(array.astype(np.float32)))
    assert suspected(graph, tmp_path, signed) == []
    (told,) = suspected(graph, tmp_path)
    assert told.endswith("with --normalize signed")
    (told,) = suspected(graph, tmp_path, Preparation(scale=(255.0,)))
    assert told.endswith("with --normalize signed")


def test_what_a_model_file_says_of_its_images():
    info = {"model_info": {"reverse_input_channels": "NO", "mean_values": "123 117 104"}}
    told = list(contradictions(info, Preparation()))
    assert told[0] == "the model file says that it takes BGR images: --color bgr"
    assert "mean_values [123.0, 117.0, 104.0]" in told[1]
    from vinoc.tools.inputs.fill import Look

    assert list(contradictions(info, Preparation(Look(bgr=True), mean=(123.0, 117.0, 104.0)))) == []
    assert list(contradictions({}, Preparation())) == []
