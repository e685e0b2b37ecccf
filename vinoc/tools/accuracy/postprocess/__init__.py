"""Postprocessors: predictions become comparable with annotations."""
