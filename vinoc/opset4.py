"""Factories of nodes of OpenVINO's opset 4."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(4, globals())
