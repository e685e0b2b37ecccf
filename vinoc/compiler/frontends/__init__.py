"""Frontends: readers of model formats. Each turns a file into a Graph of vinoc's operations."""
