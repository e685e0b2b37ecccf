"""Preprocessing that becomes part of the model. Programs take its names from `vinoc.preprocess`."""
