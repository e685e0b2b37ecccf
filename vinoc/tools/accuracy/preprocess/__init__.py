"""Preprocessors: images become what a model takes."""
