"""Rules that write out, for OpenVINO alone, what its operations lack or its CPU device gets wrong."""
