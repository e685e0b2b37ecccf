"""Factories of nodes of OpenVINO's opset 10."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(10, globals())
