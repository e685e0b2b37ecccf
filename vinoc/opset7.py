"""Factories of nodes of OpenVINO's opset 7."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(7, globals())
