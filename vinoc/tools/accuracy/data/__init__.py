"""Data readers: files of samples become arrays."""
