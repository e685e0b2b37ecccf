"""Factories of nodes of OpenVINO's opset 1."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(1, globals())
