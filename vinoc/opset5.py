"""Factories of nodes of OpenVINO's opset 5."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(5, globals())
