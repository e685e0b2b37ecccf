"""What threads that walk a schedule have in common: the table, and a control block in which they meet.

A schedule is a table of entries [kernel, argument block, units, ticks], ended by a kernel of 0. The control block is of
i64 words, a cache line each, so that waiting does not disturb:

    ARRIVED   threads that have finished the current entry
    PASSED    number of barriers passed; waiters watch it
    EPOCH     number of runs begun; idle workers watch it, and sleep on it
    TABLE     the schedule of the current run
    THREADS   how many take part
    STOP      not 0: workers return
    SLEEPERS  workers that sleep, or are about to
"""

from __future__ import annotations

LINE = 64
ARRIVED, PASSED, EPOCH, TABLE, THREADS, STOP, SLEEPERS = (LINE * k for k in range(7))
CONTROL_BYTES = LINE * 7
ENTRY_BYTES = 32
