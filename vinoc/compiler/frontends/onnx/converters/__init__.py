"""The converters, a family a module. Importing this package registers them all."""

from . import (  # noqa: F401  # importing registers them
    activation,
    attention,
    control_flow,
    convolution,
    detection,
    elementwise,
    gather,
    matrix,
    microsoft,
    misc,
    normalization,
    pooling,
    quantization,
    recurrent,
    reduction,
    resize,
    sequence,
    shape,
    slicing,
)
