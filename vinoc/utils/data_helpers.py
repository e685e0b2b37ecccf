"""Results and tensors, by the names that OpenVINO's helpers have."""

from ..runtime.results import Results as OVDict
from ..runtime.tensor import tensor_from_file

__all__ = ["OVDict", "tensor_from_file"]
