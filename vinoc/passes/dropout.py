"""Removes what does something only in training, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence

from .base import graph_pass
from .rewrite import Group, Rewrite
from .rules import eliminate as e


@graph_pass("dropout")
class Dropout(Group):
    """Removes Dropout, Identity and other operations that change nothing at inference."""

    def rules(self) -> Sequence[Rewrite]:
        return (
            e.EliminateDropout(),
            e.EliminateIdentity(),
            e.EliminateConvert(),
            e.EliminateAddZero(),
            e.EliminateMultiplyOne(),
            e.EliminatePad(),
            e.EliminateTranspose(),
            e.EliminateReshape(),
            e.EliminateSlice(),
            e.EliminateConcat(),
            e.EliminateNoAxes(),
        )
