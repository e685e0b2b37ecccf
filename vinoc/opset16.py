"""Factories of nodes of OpenVINO's opset 16."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(16, globals())
