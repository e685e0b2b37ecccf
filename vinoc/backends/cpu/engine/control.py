"""What threads that walk a schedule have in common: the table, and a control block in which they meet.

A schedule is a table of entries [kernel, argument block, units, ticks], ended by a kernel of 0. Entries are numbered
from run to run. The control block is of i64 words, a cache line each, so that waiting does not disturb:

    THREADS   how many there are
    EPOCH     grows by two with every run; idle workers watch it, and sleep on it; odd while a run is being announced
    TABLE     the schedule of the run
    SERIAL    the number of its first entry
    NEXT      the number of the next run's first entry; the caller's alone
    DONE      an entry's number << 32 | how many of its units are computed
    STOP      not 0: workers return
    SLEEPERS  workers that sleep, or are about to

and a line for each thread:

    TAKEN     an entry's number << 32 | the first unit of the thread's share that nobody has taken
    READS     the table that the worker may be reading, or 0
"""

from __future__ import annotations

LINE = 64
THREADS, EPOCH, TABLE, SERIAL, NEXT, DONE, STOP, SLEEPERS, TAKEN = (LINE * k for k in range(9))
READS = 8
"""Behind TAKEN, in the same line."""
ENTRY_BYTES = 32


def control_bytes(threads: int) -> int:
    """The size of the control block of so many threads."""
    return TAKEN + LINE * threads
