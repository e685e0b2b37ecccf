"""Factories of nodes of OpenVINO's opset 15."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(15, globals())
