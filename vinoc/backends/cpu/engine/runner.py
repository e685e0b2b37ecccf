"""The native side of the engine: a function that walks a table of kernel calls, and the loop of a worker thread.

Every thread walks the table, takes its share of the units of each entry, and waits for the others before the next. The
first thread adds the ticks of the processor's clock that an entry took. `control` tells what lies where.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.emit import I32, I64, KERNEL, VOID, Emitter
from ..codegen.target import Target
from .control import ARRIVED, ENTRY_BYTES, EPOCH, PASSED, SLEEPERS, STOP, TABLE, THREADS

SPINS = 4000
"""Rounds of waiting for work before a worker sleeps: about 50 us."""

PATIENCE = 256
"""Rounds of waiting at a barrier before the processor is offered to others: the thread waited for may need it."""

_FUTEX = {"x86_64": 202, "aarch64": 98}
_WAIT, _WAKE = 128, 129  # private futexes

RUN = ir.FunctionType(VOID, [I64])
WORK = ir.FunctionType(VOID, [I64, I64])


def build(module: ir.Module, target: Target) -> None:
    """Emits `engine_run(control)`, for the caller, and `engine_work(control, thread)`, for workers."""
    walk = _walk(module, target)
    _run(module, target, walk)
    _work(module, target, walk)


class _Sync(Emitter):
    """An emitter with the words of the control block."""

    def word(self, offset: int) -> Any:
        return self.b.inttoptr(self.add(self.function.args[0], offset), I64.as_pointer())

    def get(self, offset: int) -> Any:
        return self.b.load_atomic(self.word(offset), "seq_cst", 8)

    def put(self, offset: int, value: Any) -> None:
        self.b.store_atomic(self.i64(value), self.word(offset), "release", 8)

    def increase(self, offset: int, by: int = 1) -> Any:
        """Returns the value before."""
        return self.b.atomic_rmw("add", self.word(offset), self.i64(by), "seq_cst")

    def ticks(self) -> Any:
        """A counter that grows steadily."""
        x86 = self.target.triple.startswith("x86")
        return self.call("llvm.readcyclecounter" if x86 else "llvm.readsteadycounter", I64, [], [])

    def pause(self) -> None:
        if self.target.triple.startswith("x86"):
            self.call("llvm.x86.sse2.pause", VOID, [], [])
        else:
            self.call("llvm.aarch64.hint", VOID, [I32], [self.i32(1)])

    def futex(self, operation: int, value: Any) -> None:
        """Sleeps while the epoch is `value`, or wakes so many; yields where there are no futexes."""
        number = _FUTEX.get(self.target.triple.partition("-")[0]) if "linux" in self.target.triple else None
        if number is None:
            self.call("sched_yield", I32, [], [])
            return
        word = self.add(self.function.args[0], EPOCH)
        zero = self.i64(0)
        self.call("syscall", I64, [I64] * 7, [self.i64(number), word, self.i64(operation), value, zero, zero, zero])


def _walk(module: ir.Module, target: Target) -> ir.Function:
    """walk(control, thread): the thread's share of every entry."""
    e = _Sync(module, "engine_walk", target, WORK)
    thread = e.function.args[1]
    threads, start = e.get(THREADS), e.get(TABLE)
    head, inside, after = (e.function.append_basic_block(n) for n in ("entry_head", "entry_body", "done"))
    before = e.b.block
    first = e.load(start, I64, 8)
    e.b.branch(head)
    e.b.position_at_end(head)
    entry, kernel = e.b.phi(I64), e.b.phi(I64)
    entry.add_incoming(start, before)
    kernel.add_incoming(first, before)
    e.b.cbranch(e.b.icmp_signed("==", kernel, e.i64(0)), after, inside)
    e.b.position_at_end(inside)
    began = e.ticks()
    units = e.load(e.add(entry, 16), I64, 8)
    begin, end = (_share(e, units, t, threads) for t in (thread, e.add(thread, 1)))
    with e.when(e.b.icmp_signed("<", begin, end)):
        block = e.at(e.load(e.add(entry, 8), I64, 8))
        e.b.call(e.b.inttoptr(kernel, KERNEL.as_pointer()), [block, begin, end])
    # What comes next is read before the barrier: behind the last one the caller may let go of the table.
    following = e.load(e.add(entry, ENTRY_BYTES), I64, 8)
    with e.when(e.b.and_(e.b.icmp_signed(">", threads, e.i64(1)), _must_meet(e, entry, units, following))):
        _barrier(e, threads)
    with e.when(e.b.icmp_signed("==", thread, e.i64(0))):
        taken = e.add(entry, 24)
        e.store(e.b.add(e.load(taken, I64, 8), e.b.sub(e.ticks(), began)), taken, 8)
    entry.add_incoming(e.add(entry, ENTRY_BYTES), e.b.block)
    kernel.add_incoming(following, e.b.block)
    e.b.branch(head)
    e.b.position_at_end(after)
    e.finish()
    return e.function


def _share(e: _Sync, units: Any, thread: Any, threads: Any) -> Any:
    """Where a thread's share begins. A single unit is the first thread's."""
    return e.div(e.add(e.mul(units, thread), e.b.sub(threads, e.i64(1))), threads)


def _must_meet(e: _Sync, entry: Any, units: Any, following: Any) -> Any:
    """Threads need not meet between entries of one unit: the first thread does both. They meet at the end."""
    last = e.b.icmp_signed("==", following, e.i64(0))
    following_units = e.load(e.add(entry, ENTRY_BYTES + 16), I64, 8)
    return e.b.or_(last, e.b.icmp_signed(">", e.max(units, following_units), e.i64(1)))


def _barrier(e: _Sync, threads: Any) -> None:
    """The last to arrive lets all go on."""
    passed = e.get(PASSED)
    last = e.b.icmp_signed("==", e.increase(ARRIVED), e.b.sub(threads, e.i64(1)))
    with e.b.if_else(last) as (release, wait):
        with release:
            e.put(ARRIVED, 0)
            e.put(PASSED, e.add(passed, 1))
        with wait:
            _spin_while(e, lambda: e.b.icmp_signed("==", e.get(PASSED), passed))


def _spin_while(e: _Sync, condition: Any) -> None:
    """Waits; now and then the processor is offered to others, who may hold the thread that is waited for."""
    before = e.b.block
    head, inside, after = (e.function.append_basic_block(n) for n in ("wait", "pause", "go"))
    e.b.branch(head)
    e.b.position_at_end(head)
    n = e.b.phi(I64)
    n.add_incoming(e.i64(1), before)
    e.b.cbranch(condition(), inside, after)
    e.b.position_at_end(inside)
    e.pause()
    with e.when(e.b.icmp_signed("==", e.rem(n, PATIENCE), e.i64(0))):
        e.call("sched_yield", I32, [], [])
    n.add_incoming(e.add(n, 1), e.b.block)
    e.b.branch(head)
    e.b.position_at_end(after)


def _run(module: ir.Module, target: Target, walk: ir.Function) -> None:
    e = _Sync(module, "engine_run", target, RUN)
    with e.when(e.b.icmp_signed(">", e.get(THREADS), e.i64(1))):
        e.increase(EPOCH)
        with e.when(e.b.icmp_signed(">", e.get(SLEEPERS), e.i64(0))):
            e.futex(_WAKE, e.i64(1 << 20))
    e.b.call(walk, [e.function.args[0], e.i64(0)])
    e.finish()


def _work(module: ir.Module, target: Target, walk: ir.Function) -> None:
    """A worker begins at epoch 0, waits for the next one, works, until it is told to stop."""
    e = _Sync(module, "engine_work", target, WORK)
    before = e.b.block
    head, work, done = (e.function.append_basic_block(n) for n in ("idle", "work", "done"))
    e.b.branch(head)
    e.b.position_at_end(head)
    seen = e.b.phi(I64)
    seen.add_incoming(e.i64(0), before)
    _await_work(e, seen)
    e.b.cbranch(e.b.icmp_signed("==", e.get(STOP), e.i64(0)), work, done)
    e.b.position_at_end(work)
    e.b.call(walk, [e.function.args[0], e.function.args[1]])
    seen.add_incoming(e.add(seen, 1), e.b.block)
    e.b.branch(head)
    e.b.position_at_end(done)
    e.finish()


def _await_work(e: _Sync, seen: Any) -> None:
    """Spins for a while, then sleeps, while the epoch is the one that was seen."""
    before = e.b.block
    names = ("await", "spin", "sleep", "again", "woken")
    head, inside, sleep, again, after = (e.function.append_basic_block(n) for n in names)
    e.b.branch(head)
    e.b.position_at_end(head)
    n = e.b.phi(I64)
    n.add_incoming(e.i64(0), before)
    e.b.cbranch(e.b.icmp_signed("==", e.get(EPOCH), seen), inside, after)
    e.b.position_at_end(inside)
    e.pause()
    e.b.cbranch(e.b.icmp_signed("<", n, e.i64(SPINS)), again, sleep)
    e.b.position_at_end(sleep)
    e.increase(SLEEPERS)
    e.futex(_WAIT, seen)
    e.increase(SLEEPERS, -1)
    e.b.branch(again)
    e.b.position_at_end(again)
    n.add_incoming(e.add(n, 1), again)
    e.b.branch(head)
    e.b.position_at_end(after)
