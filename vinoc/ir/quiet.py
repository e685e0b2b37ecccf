"""Work on many objects without the cyclic garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_gc() -> Iterator[None]:
    """Without the collector, which would walk large graphs again and again and find nothing.

    What was made meanwhile counts as old afterwards: one more walk over all of it would find nothing, either.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # else somebody has set objects aside, and `unfreeze` would bring them back
            gc.freeze()
            gc.unfreeze()
        gc.enable()
