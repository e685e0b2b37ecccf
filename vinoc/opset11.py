"""Factories of nodes of OpenVINO's opset 11."""

from .runtime.opsets.module import opset

__getattr__, __dir__ = opset(11, globals())
