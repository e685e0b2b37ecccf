"""vinoc: a graph compiler for neural networks."""
