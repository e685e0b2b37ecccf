"""What a ranges file may say; all faults of it are told at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.ir.errors import UsageError, VinocError
from vinoc.passes import parse
from vinoc.passes.quantize import Quantize, Ranges, RangesError

FULL = {
    "version": 1,
    "defaults": {"activations": {"mode": "symmetric", "bits": 8}, "weights": {"bits": 4, "granularity": "tensor"}},
    "values": {
        "x": {"min": -1.5, "max": 2.25, "mode": "asymmetric"},
        "y": {"min": [0.0, -1.0], "max": [1.0, 0.0], "axis": -1, "levels": 255},
    },
    "weights": {"w": {"bits": 8, "levels": 127}, "v": {"min": -1.0, "max": 1.0, "mode": "asymmetric"}},
    "ignored": {"names": ["a"], "patterns": ["^b.*"], "types": ["Add"]},
}


def test_a_file_says_all(tmp_path: Path) -> None:
    path = tmp_path / "ranges.json"
    path.write_text(json.dumps(FULL))
    found = Ranges.load(path)
    assert found.source == str(path)
    assert found.values["x"].setting.mode == "asymmetric"
    assert found.values["y"].channels == 2
    assert found.values["y"].axis == -1
    np.testing.assert_array_equal(found.values["y"].low, [0, -1])
    assert found.weights["w"].low is None
    assert found.weights["w"].setting.levels == 127
    assert found.ignored.patterns == ("^b.*",)


def test_ranges_are_written_as_they_are_read(tmp_path: Path) -> None:
    text = Ranges.of(FULL).text()
    path = tmp_path / "ranges.json"
    path.write_text(text)
    assert json.loads(text) == {k: v for k, v in FULL.items() if k != "version"}
    assert Ranges.load(path).text() == text
    assert json.loads(Ranges().text()) == {}


def test_python_gives_arrays() -> None:
    found = Ranges.of({"values": {"x": {"min": np.float32(-1), "max": np.array(2)}, "y": {"min": [0], "max": (1,)}}})
    assert found.values["x"].channels is None
    assert found.values["y"].channels == 1


CASES: list[tuple[Any, list[str]]] = [
    ([], ["the ranges: is [], expected names with their values"]),
    ({"value": {}}, ["there is no 'value' (did you mean 'values'?)"]),
    ({"version": 2}, ["'version': is 2, expected 1"]),
    ({"values": {"x": {"min": 1}}}, ["'x': has no max"]),
    ({"values": {"x": {"mode": "symmetric"}}}, ["'x': has no min and no max"]),
    ({"values": {"x": 3}}, ["'x': is 3, expected names"]),
    ({"values": {"x": {"min": 2, "max": 1}}}, ["'x': min is 2, more than max, which is 1"]),
    ({"values": {"x": {"min": [0, 3], "max": [1, 1]}}}, ["'x': min of channel 1 is 3, more than max, which is 1"]),
    ({"values": {"x": {"min": float("nan"), "max": 1}}}, ["'x': min is nan, expected a finite number"]),
    ({"values": {"x": {"min": 0, "max": 1e300}}}, ["'x': max is 1e+300, expected a finite number"]),
    ({"values": {"x": {"min": 0, "max": [1, float("inf")]}}}, ["'x': max of channel 1 is inf"]),
    ({"values": {"x": {"min": [0], "max": [1, 2]}}}, ["'x': min has 1 numbers, max 2 numbers"]),
    ({"values": {"x": {"min": "0", "max": [[1]]}}}, ["min is '0'", "max is [[1]], expected a number, or one for each"]),
    ({"values": {"x": {"min": True, "max": []}}}, ["min is True", "max is []"]),
    ({"values": {"x": {"min": [0, [1]], "max": 10**400}}}, ["min is [0, [1]]", "max is 1000"]),
    ({"values": {"x": {"min": 0, "max": 1, "mod": 1}}}, ["'x': there is no 'mod' (did you mean 'mode'?)"]),
    (
        {"values": {"x": {"min": 0, "max": 1, "mode": "symetric"}}},
        ["mode is 'symetric', expected symmetric or asymmetric (did you mean 'symmetric'?)"],
    ),
    ({"values": {"x": {"min": 0, "max": 1, "mode": 3, "axis": "1"}}}, ["mode is 3", "axis is '1', expected an int"]),
    ({"values": {"x": {"min": 0, "max": 1, "bits": 9}}}, ["bits is 9, expected 2 to 8"]),
    ({"values": {"x": {"min": 0, "max": 1, "granularity": "channel"}}}, ["there is no 'granularity'"]),
    ({"weights": {"w": {"bits": 5}}}, ["'w': bits is 5, expected 4 or 8"]),
    ({"weights": {"w": {"bits": 4, "levels": 17}}}, ["'w': levels is 17, expected 3 to 16"]),
    ({"weights": {"w": {"max": 4}}}, ["'w': has no min"]),
    ({"defaults": {"activation": {}}}, ["'defaults': there is no 'activation' (did you mean 'activations'?)"]),
    ({"defaults": {"weights": {"granularity": "row"}}}, ["granularity is 'row', expected channel or tensor"]),
    ({"ignored": {"names": "conv"}}, ["'ignored': names is 'conv', expected a list of texts"]),
    ({"ignored": {"patterns": ["("]}}, ["pattern '(' is no regular expression"]),
    ({"ignored": []}, ["'ignored': is []"]),
]


@pytest.mark.parametrize(("data", "wanted"), CASES, ids=[w[0][:40] for _, w in CASES])
def test_faults(data: Any, wanted: list[str]) -> None:
    with pytest.raises(RangesError) as caught:
        Ranges.of(data, "r.json")
    assert caught.value.where == "r.json"
    assert len(caught.value.problems) == len(wanted)
    for text, problem in zip(wanted, caught.value.problems, strict=True):
        assert text in str(problem)


def test_all_faults_come_at_once() -> None:
    data: dict[str, Any] = {}
    for case, _ in CASES[4:20]:
        for i, entry in enumerate(case.get("values", {}).values()):
            data[f"v{len(data)}_{i}"] = entry
    with pytest.raises(RangesError) as caught:
        Ranges.of({"values": data, "weights": {"w": {"bits": 5}}})
    assert len(caught.value.problems) > len(data)
    assert f"{len(caught.value.problems)} problems\n" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"values": {"x": {"min": 1,}}}', "line 1, column"),
        ('{"values": {"x": {"min": 0, "max": 1}, "x": {"min": 0, "max": 1}}}', "'x': stands twice in the same block"),
        ("[" * 100_000, "nests too deeply"),
    ],
)
def test_files_that_are_no_json(text: str, wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "ranges.json"
    path.write_text(text)
    with pytest.raises(RangesError, match=wanted):
        Ranges.load(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(VinocError, match=r"the ranges cannot be read: No such file"):
        Ranges.load(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(VinocError, match="it is not UTF-8"):
        Ranges.load(tmp_path / "bytes.json")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("quantize", "needs the ranges of values"),
        ("quantize{weight-bits=5,activations=false}", "expected 4 or 8"),
        ("quantize{ranges=r,unify=[Split]}", "expected Concat, Add or Multiply"),
        ("quantize{ranges=r,form=float}", "expected one of auto, scale, fake-quantize"),
        ("quantize{ranges=3}", "expected a file or Ranges"),
    ],
)
def test_options(text: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted):
        parse(text)


def test_a_pipeline_prints_and_parses_back() -> None:
    text = 'fuse,quantize{ranges="a/b.json",weight-bits=4,unify=[Concat,Add]}'
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)
    assert "2 values" in str(Quantize(ranges=Ranges.of({"values": FULL["values"]})))
