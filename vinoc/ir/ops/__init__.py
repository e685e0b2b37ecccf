"""The operations, a family a module. Importing this package declares them all."""

from . import activation, bitwise, comparison, convert, elementwise, generate, logical, lookup, quantize, reduction, unary
from . import control_flow, gather, movement, scatter, sequence, shape, slicing, sort, state
from . import blocks, convolution, fourier, matrix, normalization, pooling, recurrent, resize, vision
