"""`vinoc crosscheck`: two runs of a model compared layer by layer."""
