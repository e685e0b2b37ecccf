"""Factories of nodes of OpenVINO's opset 2."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(2, globals())
