"""Tools around the runtime, each a verb of the command line: `bench`, `crosscheck`, `quantize`, `accuracy`, `run`."""
