"""What a model is worth on labelled data: readers, preprocessing, adapters, metrics, launchers, and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .judge import Config

__all__ = ["evaluate"]


def evaluate(config: Config, model: Any = None, **more: Any) -> dict[str, float]:
    """What each metric of a configuration comes to for a model, by the metric's name.

    `config`: a file of Accuracy Checker's form, what one would hold, or an Evaluation; with one data set.
    `model`: a file, or a vinoc Model; without it the one that the configuration names.
    `more`: `launcher` (vinoc, onnx_runtime, openvino), and options of `vinoc accuracy` (source, subsample_size ...).
    To judge several models on the same data, take `judge.Judge`, which reads them once. Raises VinocError.
    """
    from .judge import Judge

    return Judge(config, **more)(model)
