"""Which keys the configuration files of POT (OpenVINO 2020 to 2023) have, and which algorithms.

Names, choices and defaults are those of its documentation: "Configuration File Description", "DefaultQuantization
Parameters", "AccuracyAwareQuantization Parameters".
"""

from __future__ import annotations

from typing import NamedTuple

from .kinds import Anything, Fields, Flag, Key, Keys, Many, Number, Text

SINGLE = "samples are taken one by one"
SEARCH = "no parameters are searched for: those given are taken"
TRAINING = "no layer is trained: this is of layer-wise tuning"

COUNT = Number(0, whole=True)
SHARE = Number(0, 1)

DEVICES = ("ANY", "CPU", "CPU_SPR", "GPU", "VPU", "NPU", "GNA", "GNA3", "GNA3.5")

MODES = ("symmetric", "asymmetric")
PRESETS = {"performance": "performance", "mixed": "mixed", "accuracy": "accuracy", "symmetric": "performance",
           "asymmetric": "accuracy"}  # fmt: skip
"""What POT calls presets, and what they are here."""

ESTIMATORS = ("min", "max", "abs_max", "quantile", "abs_quantile")
AGGREGATORS = ("mean", "max", "min", "median", "mean_no_outliers", "median_no_outliers", "hl_estimator")

BOUND: Keys = {
    "type": Key(Text(ESTIMATORS)),
    "outlier_prob": Key(Number(0, 0.5)),
    "clipping_value": Key(Number()),
    "granularity": Key(Text(("pertensor", "perchannel"))),
    "aggregator": Key(Text(AGGREGATORS)),
}
RANGE: Keys = {"preset": Key(Text(("default", "quantile"))), "min": Key(Fields(BOUND)), "max": Key(Fields(BOUND))}
SCHEME: Keys = {
    "bits": Key(Number(2, 8, whole=True)),
    "mode": Key(Text(MODES)),
    "level_low": Key(Number(-128, 0, whole=True)),
    "level_high": Key(Number(1, 255, whole=True)),
    "granularity": Key(Text(("pertensor", "perchannel"))),
    "range_estimator": Key(Fields(RANGE)),
}
OPERATION: Keys = {"type": Key(Text()), "attributes": Key(Anything())}
IGNORED: Keys = {
    "scope": Key(Many(Text())),
    "operations": Key(Many(Fields(OPERATION))),
    "skip_model": Key(Flag()),
}

DATA: Keys = {
    "stat_subset_size": Key(COUNT),
    "stat_batch_size": Key(COUNT, SINGLE),
    "shuffle_data": Key(Flag()),
    "seed": Key(COUNT),
    "ignored": Key(Fields(IGNORED, others=Fields(IGNORED))),
    "target_device": Key(Text(DEVICES)),
    "inplace_statistics": Key(Flag(), "statistics always take bounded memory"),
    "inplace_statistic": Key(Flag(), "statistics always take bounded memory"),
    "model_type": Key(Text(("none", "transformer"))),
    "model type": Key(Text(("none", "transformer"))),
    "dump_intermediate_model": Key(Flag(), "there are no intermediate models"),
}
MIN_MAX: Keys = DATA | {
    "preset": Key(Text(tuple(PRESETS))),
    "range_estimator": Key(Fields(RANGE)),
    "weights": Key(Fields(SCHEME)),
    "activations": Key(Fields(SCHEME)),
}
BIAS: Keys = DATA | {
    "apply_for_all_nodes": Key(Flag(), "biases of all products are corrected where it lessens the error"),
    "threshold": Key(Number(), "a bias is corrected where it lessens the error"),
}
TUNING: Keys = {
    name: Key(Anything(), TRAINING)
    for name in (
        "num_samples_for_tuning", "batch_size", "optimizer", "loss", "tuning_iterations", "random_seed",
        "use_ranking_subset", "calibration_indices_pool", "calculate_grads_on_loss_increase_only", "weight_decay",
    )
}  # fmt: skip
DEFAULT: Keys = MIN_MAX | BIAS | TUNING | {
    "use_fast_bias": Key(Flag()),
    "use_layerwise_tuning": Key(Flag(), TRAINING),
}  # fmt: skip
METRIC: Keys = {"name": Key(Text()), "type": Key(Text()), "baseline_value": Key(Number())}
AWARE: Keys = DEFAULT | {
    "maximal_drop": Key(Number(0)),
    "drop_type": Key(Text(("absolute", "relative"))),
    "max_iter_num": Key(COUNT),
    "ranking_subset_size": Key(COUNT),
    "base_algorithm": Key(Text(("DefaultQuantization", "MinMaxQuantization"))),
    "use_prev_if_drop_increase": Key(Flag()),
    "convert_to_mixed_preset": Key(Flag()),
    "metrics": Key(Many(Fields(METRIC))),
    "metric_subset_ratio": Key(SHARE, "layers are ranked by the error of the outputs, on the ranking subset"),
    "annotation_free": Key(Flag()),
    "annotation_conf_threshold": Key(SHARE),
    "tune_hyperparams": Key(Flag(), SEARCH),
}
TUNABLE: Keys = MIN_MAX | {
    name: Key(Anything(), SEARCH) for name in ("tuning_scope", "estimator_tuning_scope", "outlier_prob_choices")
}


NONE: Keys = {}


class Known(NamedTuple):
    """An algorithm of POT: its parameters, and what it is here.

    steps   names of vinoc's algorithms; none: nothing is done
    remark  what is said where it is asked for
    refused why it cannot be had
    """

    keys: Keys = NONE
    steps: tuple[str, ...] = ()
    remark: str = ""
    refused: str = ""


ALIGNMENT, CORRECTION, FAST = "channel-alignment", "bias-correction", "fast-bias-correction"
RANGES, ESTIMATED = "min-max", "estimators"
"""Names of algorithms of vinoc."""

SPARSE = "it makes weights sparse, which is no quantization"

ALGORITHMS: dict[str, Known] = {
    "DefaultQuantization": Known(DEFAULT),
    "AccuracyAwareQuantization": Known(AWARE),
    "MinMaxQuantization": Known(MIN_MAX, (RANGES,)),
    "ActivationChannelAlignment": Known(DATA, (ALIGNMENT,)),
    "FastBiasCorrection": Known(BIAS, (FAST,)),
    "BiasCorrection": Known(BIAS, (CORRECTION,)),
    "TunableQuantization": Known(TUNABLE, (RANGES,)),
    "OverflowCorrection": Known(DATA, remark="sums do not overflow: weights have seven bits where they would"),
    "QuantNoiseEstimator": Known(
        DATA | {n: Key(Anything()) for n in ("mode", "type", "results_dump_filename")},
        remark="the report tells the noise of each layer",
    ),
    "LayerwiseModelFinetuning": Known(DATA | TUNING, remark=TRAINING),
    "DataFreeQuantization": Known(MIN_MAX, (RANGES,)),
    "RangeOptimization": Known(refused="a search of ranges is not done"),
    "QuantileTuningAlgorithm": Known(refused="a search of quantiles is not done"),
    "ParamsTuningSearch": Known(refused="a search of parameters is not done"),
    "ParamsGridSearchAlgorithm": Known(refused="a search of parameters is not done"),
    "INT4MixedQuantization": Known(refused="activations of four bits are not chosen by layer"),
    "Ranger": Known(refused="it guards against faults of hardware, which is no quantization"),
    "OutlierChannelSplitting": Known(refused="channels are not split"),
    "WeightSparsity": Known(refused=SPARSE),
    "MagnitudeSparsity": Known(refused=SPARSE),
    "BaseWeightSparsity": Known(refused=SPARSE),
}

CASCADE: Keys = {"name": Key(Text()), "model": Key(Text()), "weights": Key(Text())}
MODEL: Keys = {
    "model_name": Key(Text()),
    "name": Key(Text()),
    "model": Key(Text()),
    "weights": Key(Text()),
    "cascade": Key(Many(Fields(CASCADE))),
    "output_dir": Key(Text()),
    "direct_dump": Key(Flag()),
    "keep_uncompressed_weights": Key(Flag(), "weights are stored as integers"),
    "model_log_dir": Key(Text(), "no logs are written"),
    "exec_log_dir": Key(Text(), "no logs are written"),
}

CHECKER = ("name", "launchers", "datasets", "module", "module_config")
"""Keys of the accuracy checker that may stand in the engine's block."""

REQUESTS = "samples are run one by one"
ENGINE: Keys = {
    "type": Key(Text(("accuracy_checker", "simplified", "data_free"))),
    "config": Key(Text()),
    "data_source": Key(Text()),
    "layout": Key(Text(("NCHW", "NHWC", "CHW", "HWC", "CWH"))),
    "central_fraction": Key(Number(0, 1)),
    "generate_data": Key(Flag()),
    "data_type": Key(Text(("image",))),
    "shape": Key(Text(), "shapes are those of the model"),
    "device": Key(Text(), "statistics are collected on the CPU"),
    "evaluate": Key(Flag()),
    "stat_requests_number": Key(COUNT, REQUESTS),
    "eval_requests_number": Key(COUNT, REQUESTS),
    **{name: Key(Anything()) for name in CHECKER},
}

ALGORITHM: Keys = {"name": Key(Text()), "params": Key(Anything())}
COMPRESSION: Keys = {
    "target_device": Key(Text(DEVICES)),
    "model_type": Key(Text(("none", "transformer"))),
    "dump_intermediate_model": Key(Flag(), "there are no intermediate models"),
    "inplace_statistics": Key(Flag(), "statistics always take bounded memory"),
    "inplase_statistics": Key(Flag(), "statistics always take bounded memory"),  # as the published file has it
    "algorithms": Key(Many(Fields(ALGORITHM))),
}
TOP: Keys = {
    "model": Key(Fields(MODEL)),
    "engine": Key(Fields(ENGINE)),
    "compression": Key(Fields(COMPRESSION)),
    "optimizer": Key(Anything(), SEARCH),
}
