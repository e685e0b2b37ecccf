"""Factories of nodes of OpenVINO's opset 3."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(3, globals())
