"""The text form of graphs: one node a line, parsed by the same grammar in dumps, tests and `vinoc opt`.

    graph mnist(image: f32[N,1,28,28]) -> (prob) from "mnist.onnx" where N in 1..8 {
      w = Constant() : f32[8,1,5,5] = bin[0:800]
      c = Convolution(image, w) {strides=[1,1], pads_begin=[2,2], ...} : f32[N,8,28,28]  @"conv1"(Conv)
      ...
    }

Attributes at their defaults are left out. Types after `:` may be left out in hand-written text; where they stand
they are compared with what is inferred. Large constants lie in a side file (`bin[offset:bytes]`), small ones in
the text (`[1,2,3]`, `splat(0.5)`); `random(7)` is seeded noise, for tests.
"""

from .parser import parse_graph, read_text
from .printer import print_graph, write_text

__all__ = ["parse_graph", "print_graph", "read_text", "write_text"]
