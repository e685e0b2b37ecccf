"""The forms of ONNX operators, a table that `test_onnx_forms.py` runs."""

from . import control, elementwise, layers, shape  # noqa: F401  # importing fills the table
from .base import FORMS, Form, Maybe

__all__ = ["FORMS", "Form", "Maybe"]
