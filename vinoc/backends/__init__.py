"""Backends: a lowered graph becomes files, or something that runs."""
