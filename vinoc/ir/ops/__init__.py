"""The operations, a family a module. Importing this package declares them all."""

from . import activation, bitwise, comparison, convert, elementwise, generate, logical, lookup, quantize, reduction, unary
