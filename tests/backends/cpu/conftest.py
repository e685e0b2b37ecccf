"""VINOC_EMULATED=neondot: every test here runs with that target as this machine's, its code under qemu."""

from __future__ import annotations

import os

import pytest

if os.environ.get("VINOC_EMULATED"):
    from .emulated.engine import install

    install(pytest.MonkeyPatch(), os.environ["VINOC_EMULATED"])
    # Code of this machine's processor by numba or placed by hand, and processes of their own.
    collect_ignore = [
        "test_custom.py",
        "test_lifecycle.py",
        "test_neon.py",
        "test_objects.py",
        "test_parallel.py",
        "test_sharing.py",
    ]
