"""The CPU device: kernels generated for the processor at hand."""

from .backend import CpuBackend

__all__ = ["CpuBackend"]
