"""The native side of the engine: a function that walks a table of kernel calls, and the loop of a worker thread.

The units of every entry are shared out evenly. A thread takes its share in parts, then what is left of the shares of
others: one that is slow, or that the system has put aside for another process, is helped, and one that is late finds
nothing left to do. An entry is over when its units are computed, whoever did it; nobody waits for threads that have no
part in it. `control` tells what lies where.

Entries are numbered, and what is noted of an entry holds its number. So notes need not be cleared, and who comes late
sees that they are of a later entry. The caller may return while a worker still walks the table: `Pool` keeps tables for
as long as that may be.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.emit import I1, I32, I64, KERNEL, VOID, Emitter
from ..codegen.target import Target
from .control import DONE, ENTRY_BYTES, EPOCH, LINE, NEXT, READS, SERIAL, SLEEPERS, STOP, TABLE, TAKEN, THREADS

SPINS = 4000
"""Rounds of waiting for work before a worker sleeps: about 50 us."""

PATIENCE = 256
"""Rounds of waiting before the processor is offered to others: the thread waited for may need it."""

PARTS = 8
"""A thread takes half of what is left of a share, but no less than this part of the whole share."""

_FUTEX = {"x86_64": 202, "aarch64": 98}
_WAIT, _WAKE = 128, 129  # private futexes

RUN = ir.FunctionType(VOID, [I64, I64])
WORK = ir.FunctionType(VOID, [I64, I64])
WALK = ir.FunctionType(I64, [I64, I64, I64, I64])


def build(module: ir.Module, target: Target) -> None:
    """Emits `engine_run(control, table)`, for the caller, and `engine_work(control, thread)`, for workers."""
    walk = _walk(module, target)
    _run(module, target, walk, _walk_alone(module, target))
    _work(module, target, walk)


class _Sync(Emitter):
    """An emitter with the words of the control block."""

    def word(self, offset: int | Any) -> Any:
        return self.b.inttoptr(self.add(self.function.args[0], offset), I64.as_pointer())

    def get(self, offset: int | Any) -> Any:
        return self.b.load_atomic(self.word(offset), "seq_cst", 8)

    def put(self, offset: int | Any, value: Any) -> None:
        self.b.store_atomic(self.i64(value), self.word(offset), "seq_cst", 8)

    def increase(self, offset: int, by: int = 1) -> Any:
        """Returns the value before."""
        return self.b.atomic_rmw("add", self.word(offset), self.i64(by), "seq_cst")

    def replace(self, offset: int | Any, old: Any, new: Any) -> Any:
        """Puts a word in place of another; whether that one was still there."""
        return self.b.extract_value(self.b.cmpxchg(self.word(offset), old, new, "seq_cst", "seq_cst"), 1)

    def ticks(self) -> Any:
        """A counter that grows steadily."""
        if self.target.triple.startswith("x86"):
            return self.call("llvm.readcyclecounter", I64, [], [])
        register = self.module.add_metadata(["cntvct_el0"])  # llvm.readsteadycounter would be 0
        return self.call("llvm.read_volatile_register.i64", I64, [ir.MetaDataType()], [register])

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


def _walk_alone(module: ir.Module, target: Target) -> ir.Function:
    """walk_alone(control, table): for one thread."""
    e = _Sync(module, "engine_walk_alone", target, RUN)

    def visit(entry: Any, number: Any) -> None:
        kernel, block, units = _entry(e, entry)
        e.b.call(kernel, [block, e.i64(0), units])

    _entries(e, e.function.args[1], e.i64(0), visit, ir.Constant(I1, 1))
    e.finish()
    return e.function


def _walk(module: ir.Module, target: Target) -> ir.Function:
    """walk(control, thread, table, serial): a thread's part in every entry. Returns the number behind the last one."""
    take = _take(module, target)
    e = _Sync(module, "engine_walk", target, WALK)
    control, thread, table, serial = e.function.args

    def visit(entry: Any, number: Any) -> None:
        units = e.load(e.add(entry, 16), I64, 8)

        def is_open() -> Any:
            return _is_open(e, number, units)

        with e.when(is_open()):
            e.b.call(take, [control, thread, entry, number])
            _spin_while(e, is_open)

    last = _entries(e, table, serial, visit, e.b.icmp_signed("==", thread, e.i64(0)))
    e.b.ret(last)
    return e.function


def _entries(e: _Sync, table: Any, serial: Any, visit: Any, timed: Any) -> Any:
    """Visits the entries of a table, with their numbers; counts their ticks where `timed`. Returns the next number."""
    before = e.b.block
    head, inside, after = (e.function.append_basic_block(n) for n in ("entry_head", "entry_body", "done"))
    e.b.branch(head)
    e.b.position_at_end(head)
    entry, number = e.b.phi(I64), e.b.phi(I64)
    entry.add_incoming(table, before)
    number.add_incoming(serial, before)
    e.b.cbranch(e.b.icmp_signed("==", e.load(entry, I64, 8), e.i64(0)), after, inside)
    e.b.position_at_end(inside)
    began = e.ticks()
    visit(entry, number)
    with e.when(timed):
        taken = e.add(entry, 24)
        e.store(e.b.add(e.load(taken, I64, 8), e.b.sub(e.ticks(), began)), taken, 8)
    entry.add_incoming(e.add(entry, ENTRY_BYTES), e.b.block)
    number.add_incoming(e.add(number, 1), e.b.block)
    e.b.branch(head)
    e.b.position_at_end(after)
    return number


def _entry(e: _Sync, entry: Any) -> tuple[Any, Any, Any]:
    """Kernel, argument block and units."""
    kernel, block, units = (e.load(e.add(entry, 8 * k), I64, 8) for k in range(3))
    return e.b.inttoptr(kernel, KERNEL.as_pointer()), e.at(block), units


def _grains(e: _Sync, units: Any) -> tuple[Any, Any]:
    """Units that are counted as one, and how many of those there are: notes have 32 bits for them."""
    size = e.add(e.b.lshr(units, e.i64(31)), 1)
    return size, e.div(e.add(units, e.b.sub(size, e.i64(1))), size)


def _age(e: _Sync, note: Any, number: Any) -> Any:
    """By how much the entry of a note comes behind a numbered one: numbers of 32 bits that begin again at 0."""
    return e.b.sub(e.b.trunc(e.b.lshr(note, e.i64(32)), I32), e.b.trunc(number, I32))


def _low(e: _Sync, note: Any) -> Any:
    return e.b.and_(note, e.i64((1 << 32) - 1))


def _note(e: _Sync, number: Any, low: Any) -> Any:
    return e.b.or_(e.b.shl(number, e.i64(32)), low)


def _is_open(e: _Sync, number: Any, units: Any) -> Any:
    """Whether units of an entry are not computed yet."""
    done = e.get(DONE)
    age = _age(e, done, number)
    less = e.b.icmp_signed("<", _low(e, done), _grains(e, units)[1])
    return e.b.or_(e.b.icmp_signed("<", age, e.i32(0)), e.b.and_(e.b.icmp_signed("==", age, e.i32(0)), less))


def _take(module: ir.Module, target: Target) -> ir.Function:
    """take(control, thread, entry, number): computes parts of the thread's share, then of others'."""
    e = _Sync(module, "engine_take", target, ir.FunctionType(VOID, [I64] * 4))
    _, thread, entry, number = e.function.args
    threads = e.get(THREADS)
    kernel, block, units = _entry(e, entry)
    size, grains = _grains(e, units)
    least = e.max(e.div(grains, e.mul(threads, PARTS)), 1)

    def of_share(k: Any, computed: Any) -> list[Any]:
        owner = e.b.select(e.b.icmp_signed("<", k, threads), k, e.b.sub(k, threads))
        begin, end = (_share(e, grains, t, threads) for t in (owner, e.add(owner, 1)))
        word = e.add(e.mul(owner, LINE), TAKEN)
        before = e.b.block
        head, some, mine, none, over = (
            e.function.append_basic_block(n) for n in ("look", "some", "mine", "none", "over")
        )
        e.b.branch(head)
        e.b.position_at_end(head)
        count = e.b.phi(I64)
        count.add_incoming(computed, before)
        found = e.get(word)
        age = _age(e, found, number)
        current = e.b.icmp_signed("==", age, e.i32(0))
        first = e.b.select(current, _low(e, found), begin)
        left = e.b.select(e.b.icmp_signed(">", age, e.i32(0)), e.i64(0), e.b.sub(end, first))
        e.b.cbranch(e.b.icmp_signed(">", left, e.i64(0)), some, none)
        e.b.position_at_end(some)
        part = e.min(e.max(e.div(left, 2), least), left)
        last = e.add(first, part)
        e.b.cbranch(e.replace(word, found, _note(e, number, last)), mine, head)
        e.b.position_at_end(mine)
        e.b.call(kernel, [block, e.b.mul(first, size), e.min(e.b.mul(last, size), units)])
        count.add_incoming(e.add(count, part), e.b.block)
        count.add_incoming(count, some)
        e.b.branch(head)
        e.b.position_at_end(none)
        # The note of an empty share is renewed, lest it be so old that it looks new.
        with e.when(e.b.icmp_signed("<", age, e.i32(0))):
            e.replace(word, found, _note(e, number, end))
        e.b.branch(over)
        e.b.position_at_end(over)
        return [count]

    (computed,) = e.fold(thread, e.add(thread, threads), 1, [e.i64(0)], of_share)
    with e.when(e.b.icmp_signed(">", computed, e.i64(0))):
        _report(e, number, computed)
    e.finish()
    return e.function


def _report(e: _Sync, number: Any, computed: Any) -> None:
    """Counts computed units of an entry."""
    head, after = (e.function.append_basic_block(n) for n in ("report", "reported"))
    e.b.branch(head)
    e.b.position_at_end(head)
    found = e.get(DONE)
    current = e.b.icmp_signed("==", _age(e, found, number), e.i32(0))
    total = e.b.add(e.b.select(current, _low(e, found), e.i64(0)), computed)
    e.b.cbranch(e.replace(DONE, found, _note(e, number, total)), after, head)
    e.b.position_at_end(after)


def _share(e: _Sync, units: Any, thread: Any, threads: Any) -> Any:
    """Where a thread's share begins. A single unit is the first thread's."""
    return e.div(e.add(e.mul(units, thread), e.b.sub(threads, e.i64(1))), threads)


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


def _run(module: ir.Module, target: Target, walk: ir.Function, alone: ir.Function) -> None:
    """Announces a run, and takes the first thread's part in it."""
    e = _Sync(module, "engine_run", target, RUN)
    control, table = e.function.args
    with e.b.if_else(e.b.icmp_signed(">", e.get(THREADS), e.i64(1))) as (several, single):
        with several:
            serial = e.get(NEXT)
            e.increase(EPOCH)
            e.put(TABLE, table)
            e.put(SERIAL, serial)
            e.increase(EPOCH)
            with e.when(e.b.icmp_signed(">", e.get(SLEEPERS), e.i64(0))):
                e.futex(_WAKE, e.i64(1 << 20))
            e.put(NEXT, e.b.call(walk, [control, e.i64(0), table, serial]))
        with single:
            e.b.call(alone, [control, table])
    e.finish()


def _work(module: ir.Module, target: Target, walk: ir.Function) -> None:
    """A worker begins at epoch 0, waits for a later one, takes part, until it is told to stop.

    It says which table it is about to read, and looks whether that is still the run's: else the table may be gone.
    """
    e = _Sync(module, "engine_work", target, WORK)
    control, thread = e.function.args
    reads = e.add(e.mul(thread, LINE), TAKEN + READS)
    before = e.b.block
    names = ("idle", "announced", "look", "work", "done")
    head, announced, look, work, done = (e.function.append_basic_block(n) for n in names)
    e.b.branch(head)
    e.b.position_at_end(head)
    seen = e.b.phi(I64)
    seen.add_incoming(e.i64(0), before)
    _await_work(e, seen)
    e.b.cbranch(e.b.icmp_signed("==", e.get(STOP), e.i64(0)), look, done)
    e.b.position_at_end(look)
    epoch = e.get(EPOCH)
    table, serial = e.get(TABLE), e.get(SERIAL)
    e.put(reads, table)
    even = e.b.icmp_signed("==", e.b.and_(epoch, e.i64(1)), e.i64(0))
    same = e.b.icmp_signed("==", e.get(EPOCH), epoch)
    e.b.cbranch(e.b.and_(even, same), work, announced)
    e.b.position_at_end(announced)
    e.pause()
    seen.add_incoming(seen, announced)
    e.b.branch(head)
    e.b.position_at_end(work)
    e.b.call(walk, [control, thread, table, serial])
    e.put(reads, 0)
    seen.add_incoming(epoch, e.b.block)
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
