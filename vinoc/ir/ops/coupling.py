"""Probabilities of classes from those of pairs of classes, for which OpenVINO has no operation."""

from __future__ import annotations

from ..dim import unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import coupling
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import floating


@op(internal=True)
class CoupleProbabilities(Op):
    """Probabilities [N, classes] that fit best to those of the pairs (0, 1), (0, 2), .., (1, 2), .. [N, pairs].

    They make the sum of (r_ji p_i - r_ij p_j)^2 over all pairs least, where r_ij is the probability of i among i and j,
    and r_ji is 1 - r_ij (Wu, Lin and Weng 2004, the second method). As LIBSVM does, from equal ones on, until no
    condition is off by 0.005 / classes, at most a hundred rounds.
    """

    classes: int

    def validate(self) -> None:
        if self.classes < 1:
            raise VinocError(f"attribute `classes` of {self.kind} is {self.classes}, expected a positive number")

    def infer(self, pairs: Operand) -> TensorType:
        kind = floating(pairs, "the probabilities").dtype
        count = self.classes * (self.classes - 1) // 2
        if pairs.shape is None:
            return TensorType(kind, (unknown(), self.classes))
        if len(pairs.shape) != 2 or (isinstance(pairs.shape[1], int) and pairs.shape[1] != count):
            raise InferenceError(f"the probabilities are {pairs.type}, expected a row of {count}")
        return TensorType(kind, (pairs.shape[0], self.classes))

    def evaluate(self, pairs: Array) -> Array:
        return coupling.couple(pairs, self.classes)
