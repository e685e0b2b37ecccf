"""Factories of nodes of OpenVINO's opset 8."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(8, globals())
