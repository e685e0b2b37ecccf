"""From a float model and data to a quantized one: calibration, algorithms, the command `vinoc quantize`."""
