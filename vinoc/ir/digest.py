"""Hashes that names and keys are made of.

`hashlib` loads all of OpenSSL, which takes longer than reading a small model. BLAKE2 is a module of Python's own.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # a Python that takes it from elsewhere
    from hashlib import blake2b

__all__ = ["blake2b", "digest"]


def digest(data: bytes) -> str:
    """160 bits of a hash, as 40 digits."""
    return blake2b(data, digest_size=20).hexdigest()
