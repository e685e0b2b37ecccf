"""Memory of graphs and programs that are done with, given back while others are made.

Recipes are tried one after another, each with graphs and programs of its own. Graphs are full of cycles: what they hold
stays until the collector comes, and what the C library is given back it keeps.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from ...ir import freed


@contextmanager
def apart() -> Iterator[None]:
    """Sets aside what is there already, so that the collector walks over what is made within alone."""
    if gc.get_freeze_count():  # somebody has set objects aside, and `unfreeze` would bring them back
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def give_back() -> None:
    """Gives the memory back of what is done with."""
    gc.collect()
    freed.give_back()
