"""Factories of nodes of OpenVINO's opset 9."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(9, globals())
