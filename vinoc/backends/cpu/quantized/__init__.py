"""Integers of eight bits on the CPU device: the operations of lowered graphs, and the passes that make them."""
