"""Configuration files of POT: their form, their keys, what is said of faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from vinoc.ir.errors import UsageError
from vinoc.passes.quantize import Setting
from vinoc.tools.quantize.pot import Config, read_config
from vinoc.tools.quantize.pot.commented import parse_commented
from vinoc.tools.quantize.pot.schema import ALGORITHMS
from vinoc.tools.quantize.schemes import Bound

SIMPLE = """/* a comment before everything */
{
    "model": {"model_name": "net", "model": "net.xml", /* one inside */ "weights": "net.bin"},
    "engine": {"type": "simplified", "data_source": "images"}, // one at the end
    "compression": {"target_device": "ANY", "algorithms": [{
        "name": "DefaultQuantization",
        "params": {"preset": "mixed", "stat_subset_size": 40}
    }]}
}
"""

EVERYTHING = """{
    "model": {"model_name": "net", "model": "<MODEL_PATH>", "weights": "<PATH_TO_WEIGHTS>"},
    "engine": {
        "stat_requests_number": 8, "eval_requests_number": 8, "config": "<CONFIG_PATH>",
        "name": "net", "launchers": [{"framework": "dlsdk", "device": "CPU", "adapter": "classification"}],
        "datasets": [{"name": "set", "data_source": "<DATASET_PATH>", "annotation": "<ANNOTATION_PATH>"}],
        "type": "simplified", "data_source": "PATH_TO_SOURCE"
    },
    "compression": {
        "target_device": "ANY", "model_type": "None", "dump_intermediate_model": false, "inplase_statistics": true,
        "algorithms": [{"name": "DefaultQuantization", "params": {
            "ignored": {"scope": ["<NODE_NAME>", "conv1"],
                        "operations": [{"type": "<NODE_TYPE>", "attributes": {"<NAME>": "<VALUE>"}}, {"type": "Add"}]},
            "preset": "mixed", "stat_subset_size": 100, "shuffle_data": false, "seed": 0,
            "weights": {"bits": 8, "mode": "symmetric", "granularity": "perchannel", "level_low": -127,
                        "level_high": 127,
                        "range_estimator": {"max": {"type": "quantile", "outlier_prob": 0.0001}}},
            "activations": {"bits": 8, "mode": "symmetric", "granularity": "pertensor", "range_estimator": {
                "preset": "quantile",
                "min": {"clipping_value": 0, "aggregator": "mean", "type": "quantile", "outlier_prob": 1e-3},
                "max": {"clipping_value": 6, "aggregator": "hl_estimator", "type": "abs_max"}}}
        }}]
    }
}"""

AWARE = """{
    "model": {"model_name": "net", "model": "net.xml", "weights": "net.bin"},
    "engine": {"config": "checker.yml"},
    "compression": {"algorithms": [{"name": "AccuracyAwareQuantization", "params": {
        "ranking_subset_size": 30, "max_iter_num": 20, "maximal_drop": 0.005, "drop_type": "relative",
        "use_prev_if_drop_increase": false, "base_algorithm": "DefaultQuantization", "annotation_free": false,
        "annotation_conf_threshold": 0.6, "convert_to_mixed_preset": true, "metric_subset_ratio": 0.5,
        "metrics": [{"name": "accuracy", "baseline_value": 0.72}], "tune_hyperparams": false,
        "preset": "performance", "stat_subset_size": 100
    }}]}
}"""


def read(folder: Path, text: str) -> Config:
    path = folder / "c.json"
    path.write_text(text)
    return read_config(path)


def faults(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as error:
        read(folder, text)
    return str(error.value).replace(f"{folder}/", "")


def test_simplified_mode(tmp_path: Path) -> None:
    found = read(tmp_path, SIMPLE)
    assert (found.name, found.model, found.weights) == ("net", "net.xml", "net.bin")
    assert (found.engine.kind, found.engine.source) == ("simplified", "images")
    assert (found.options.preset, found.options.subset, found.options.algorithms) == ("mixed", 40, ())
    assert found.remarks == ()


def test_every_documented_key(tmp_path: Path) -> None:
    found = read(tmp_path, EVERYTHING)
    assert (found.model, found.engine.source) == ("", "")
    assert found.scope.names == ("conv1",)
    assert found.scope.operations == (("Add", {}),)
    assert found.options.algorithms == ("channel-alignment", "estimators", "fast-bias-correction")
    schemes = found.options.schemes
    assert schemes is not None
    assert schemes.weights.setting == Setting("symmetric", 8, 255, "channel")
    assert schemes.activations.low == Bound("quantile", "mean", 1e-3, 0.0)
    assert schemes.activations.high == Bound("abs_max", "hl_estimator", 1e-4, 6.0)
    text = "\n".join(found.remarks)
    for key in ("stat_requests_number", "'config'", "'launchers'", "inplase_statistics", "placeholders", "'weights'"):
        assert key in text


def test_accuracy_aware(tmp_path: Path) -> None:
    found = read(tmp_path, AWARE)
    aware = found.aware
    assert aware is not None
    assert (aware.maximal_drop, aware.kind, aware.most, aware.ranking) == (0.005, "relative", 20, 30)
    assert aware.mixed_first
    assert aware.keep_worse
    assert aware.baseline == 0.72
    assert found.metrics == ("accuracy",)
    assert found.engine.checker == Path("checker.yml")
    bare = read(tmp_path, AWARE[: AWARE.index('"ranking_subset')] + "}}]}}").aware
    assert bare is not None
    assert (bare.maximal_drop, bare.kind, bare.baseline) == (0.01, "absolute", None)


def test_steps_by_themselves(tmp_path: Path) -> None:
    both = '"algorithms": [{"name": "MinMaxQuantization", "params": {"stat_subset_size": 9, "preset": "asymmetric"}},'
    both += '{"name": "BiasCorrection", "params": {"stat_subset_size": 70}}]'
    found = read(tmp_path, SIMPLE[: SIMPLE.index('"algorithms"')] + both + "}}")
    assert found.options.algorithms == ("min-max", "bias-correction")
    assert (found.options.preset, found.options.subset) == ("accuracy", 70)


def test_all_faults_at_once_with_their_places(tmp_path: Path) -> None:
    text = faults(
        tmp_path,
        """{
  "model": {"modelname": "x", "model": 3},
  "engine": {"type": "simplify"},
  "compression": {
    "algorithms": [
      {"name": "DefaultQuantisation"},
      {"name": "MinMaxQuantization", "params": {"prest": "mixed", "activations": {"bits": 9, "mode": "symetric"},
       "range_estimator": {"max": {"aggregator": "mode"}}, "stat_subset_size": 1.5, "shuffle_data": "perhaps"}},
      {"name": "WeightSparsity", "params": {"sparsity_level": 0.3}}
    ]
  },
  "engin": {}
}""",
    )
    lines = text.splitlines()
    assert lines[0] == "c.json: 12 problems"
    for place, words in (
        ("2:13", "'modelname'"), ("2:31", "'model' is 3"), ("3:14", "'simplify'"), ("6:8", "'DefaultQuantisation'"),
        ("7:49", "'prest'"), ("7:83", "'bits' is 9"), ("7:94", "'symetric'"), ("8:36", "'mode'"),
        ("8:60", "1.5: a whole number"), ("8:85", "'perhaps'"), ("9:8", "sparse"), ("12:3", "'engin'"),
    ):  # fmt: skip
        assert any(f"c.json:{place}: " in line and words in line for line in lines), (place, words, text)
    for near in ("model_name", "simplified", "DefaultQuantization", "preset", "symmetric", "engine"):
        assert f"did you mean '{near}'?" in text


def test_faults_of_form(tmp_path: Path) -> None:
    assert "c.json:1:2: is no JSON: 'model" in faults(tmp_path, "{model: 1}")
    assert "c.json:2:8: is no JSON: it ends too early" in faults(tmp_path, '{"a": 1,\n "b": 2')
    assert "c.json:2:1: 'a' stands in line 1 already" in faults(tmp_path, '{"a": 1,\n"a": 2}')
    assert "'/* never closed' is not closed" in faults(tmp_path, "{ /* never closed")
    assert "a configuration begins with {" in faults(tmp_path, "[1]")
    assert "there is no 'model'" in faults(tmp_path, "{}")
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.json")


def test_comments_and_texts(tmp_path: Path) -> None:
    found = parse_commented(
        '{"url": "http://a/*b*/", "a": [1, -2.5e3, true, null,], /**/ "b": {"c": "\\u00e9 \\"//"},}', "x"
    )
    assert found == {"url": "http://a/*b*/", "a": [1, -2500.0, True, None], "b": {"c": 'é "//'}}
    assert found.where("b") == "x:1:62"
    assert found["a"].where(1) == "x:1:35"


@pytest.mark.parametrize("name", [n for n, known in ALGORITHMS.items() if known.refused])
def test_refused_algorithms_say_why(tmp_path: Path, name: str) -> None:
    text = faults(tmp_path, SIMPLE.replace("DefaultQuantization", name))
    assert f"'{name}' cannot be had: " in text


def test_what_cannot_go_together(tmp_path: Path) -> None:
    free = AWARE.replace('"config": "checker.yml"', '"type": "data_free"')
    assert "needs labels" in faults(tmp_path, free)
    assert "cascades" in faults(
        tmp_path, SIMPLE.replace('"weights": "net.bin"', '"cascade": [{"name": "a", "model": "b", "weights": "c"}]')
    )
    scopes = SIMPLE.replace('"preset"', '"ignored": {"scopes": ["a"]}, "preset"')
    assert "did you mean 'scope'?" in faults(tmp_path, scopes)
    assert "has no 'data_source'" in faults(tmp_path, SIMPLE.replace(', "data_source": "images"', ""))
    twice = SIMPLE.replace('"params": {"preset"', '"params": {}}, {"name": "DefaultQuantization", "params": {"preset"')
    assert "stands in the list twice" in faults(tmp_path, twice)
    levels = SIMPLE.replace('"preset"', '"activations": {"bits": 4, "level_low": 0, "level_high": 255}, "preset"')
    assert "256 levels are more than 4 bits" in faults(tmp_path, levels)
