"""Preprocessing that becomes part of the model: `from vinoc.preprocess import PrePostProcessor`."""

from __future__ import annotations

from .formats import ColorFormat, PaddingMode, ResizeAlgorithm
from .info import (
    InputInfo,
    InputTensorInfo,
    ModelInfo,
    OutputInfo,
    OutputTensorInfo,
    PostProcessSteps,
    PreProcessSteps,
)
from .processor import PrePostProcessor

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
