"""Annotation converters: files of data sets become annotations."""
