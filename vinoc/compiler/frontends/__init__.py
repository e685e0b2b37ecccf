"""Frontends: readers of model formats. Each turns a file into a Graph of vinoc's operations."""

from .base import Frontend, Inputs, find_frontend, frontend_for, frontends, load

__all__ = ["Frontend", "Inputs", "find_frontend", "frontend_for", "frontends", "load"]
