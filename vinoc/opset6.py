"""Factories of nodes of OpenVINO's opset 6."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(6, globals())
