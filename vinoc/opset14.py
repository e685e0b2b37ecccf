"""Factories of nodes of OpenVINO's opset 14."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(14, globals())
