"""Factories of nodes of OpenVINO's opset 12."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(12, globals())
