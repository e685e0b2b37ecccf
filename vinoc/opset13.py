"""Factories of nodes of OpenVINO's opset 13."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(13, globals())
