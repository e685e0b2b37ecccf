"""Preprocessing that becomes part of the model, under OpenVINO's names.

from vinoc.preprocess import ColorFormat, PrePostProcessor, ResizeAlgorithm
"""

from __future__ import annotations

from .runtime.preprocess.formats import ColorFormat, PaddingMode, ResizeAlgorithm
from .runtime.preprocess.info import (
    InputInfo,
    InputTensorInfo,
    ModelInfo,
    OutputInfo,
    OutputTensorInfo,
    PostProcessSteps,
    PreProcessSteps,
)
from .runtime.preprocess.processor import PrePostProcessor

InputModelInfo = OutputModelInfo = ModelInfo

__all__ = [
    "ColorFormat",
    "InputInfo",
    "InputModelInfo",
    "InputTensorInfo",
    "OutputInfo",
    "OutputModelInfo",
    "OutputTensorInfo",
    "PaddingMode",
    "PostProcessSteps",
    "PrePostProcessor",
    "PreProcessSteps",
    "ResizeAlgorithm",
]
