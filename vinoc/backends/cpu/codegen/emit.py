"""Emitting vector code: arithmetic, memory and loops over llvmlite's IR builder.

All kernels are `void kernel(i64* args, i64 begin, i64 end)`: an argument block of addresses and sizes, and a range
of units of work. Values of loops are SSA values (phi nodes), never memory, so accumulators stay in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from llvmlite import ir

from .target import Target

Value: TypeAlias = Any
"""A value of llvmlite's IR."""

I1, I8, I16, I32, I64 = (ir.IntType(n) for n in (1, 8, 16, 32, 64))
F16, F32, F64 = ir.HalfType(), ir.FloatType(), ir.DoubleType()
PTR = ir.PointerType()
VOID = ir.VoidType()
KERNEL = ir.FunctionType(VOID, [PTR, I64, I64])


class Emitter:
    """One function under construction, with the vector type of a target."""

    def __init__(self, module: ir.Module, name: str, target: Target, type: ir.FunctionType = KERNEL) -> None:
        self.module = module
        self.target = target
        self.lanes = target.lanes
        self.V = ir.VectorType(F32, target.lanes)
        self.VI = ir.VectorType(I32, target.lanes)
        self.function = ir.Function(module, type, name)
        self.function.attributes.add("nounwind")
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))

    # Constants and conversions

    def i64(self, n: int | Value) -> Value:
        return ir.Constant(I64, n) if isinstance(n, int) else n

    def i32(self, n: int) -> Value:
        return ir.Constant(I32, n)

    def f32(self, x: float) -> Value:
        return ir.Constant(F32, x)

    def splat(self, x: float | Value, type: ir.VectorType | None = None) -> Value:
        """A vector with one scalar in all lanes."""
        type = type or self.V
        if isinstance(x, int | float):
            return ir.Constant(type, [type.element(x)] * type.count)
        undefined = ir.Constant(type, ir.Undefined)
        first = self.b.insert_element(undefined, x, self.i32(0))
        return self.b.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, type.count), [0] * type.count))

    # Arithmetic on integers: enough for addresses

    def add(self, a: Value, n: int | Value) -> Value:
        return self.b.add(a, self.i64(n))

    def mul(self, a: Value, n: int | Value) -> Value:
        return self.b.mul(a, self.i64(n))

    def div(self, a: Value, n: int | Value) -> Value:
        return self.b.udiv(a, self.i64(n))

    def rem(self, a: Value, n: int | Value) -> Value:
        return self.b.urem(a, self.i64(n))

    def min(self, a: Value, n: int | Value) -> Value:
        n = self.i64(n)
        return self.b.select(self.b.icmp_signed("<", a, n), a, n)

    def max(self, a: Value, n: int | Value) -> Value:
        n = self.i64(n)
        return self.b.select(self.b.icmp_signed(">", a, n), a, n)

    # Memory. Addresses are i64, offsets are bytes.

    def arg(self, index: int) -> Value:
        """Entry `index` of the argument block, as i64."""
        return self.b.load(self.b.gep(self.function.args[0], [self.i64(index)], source_etype=I64), typ=I64)

    def at(self, address: Value) -> Value:
        return self.b.inttoptr(address, PTR)

    def load(self, address: Value, type: ir.Type | None = None, align: int = 4) -> Value:
        """A vector of f32, or a value of another type."""
        return self.b.load(self.at(address), typ=type or self.V, align=align)

    def store(self, value: Value, address: Value, align: int = 4) -> None:
        self.b.store(value, self.at(address), align=align)

    def broadcast(self, address: Value) -> Value:
        """The f32 at an address, in all lanes."""
        return self.splat(self.load(address, F32))

    def broadcasts(self, address: Value, count: int) -> Iterator[Value]:
        """Adjacent f32, each in all lanes, where it is asked for."""
        together = self.load(address, ir.VectorType(F32, count)) if self.target.element else None
        for k in range(count):
            if together is None:
                yield self.broadcast(self.add(address, 4 * k))
            else:
                yield self.b.shuffle_vector(together, together, ir.Constant(self.VI, [k] * self.lanes))

    def mask(self, n: Value, first: int = 0) -> Value:
        """Lanes first, first+1, ... below n, as a vector of i1."""
        lanes = ir.Constant(ir.VectorType(I32, self.lanes), [I32(first + k) for k in range(self.lanes)])
        limit = self.splat(self.b.trunc(n, I32), self.VI)
        return self.b.icmp_signed("<", lanes, limit)

    def masked_load(self, address: Value, mask: Value, other: Value | None = None) -> Value:
        other = other if other is not None else self.splat(0.0)
        args = [self.at(address), self.i32(4), mask, other]
        types = [PTR, I32, ir.VectorType(I1, self.lanes), self.V]
        return self.call(f"llvm.masked.load.v{self.lanes}f32.p0", self.V, types, args)

    def masked_store(self, value: Value, address: Value, mask: Value) -> None:
        types = [self.V, PTR, I32, ir.VectorType(I1, self.lanes)]
        self.call(f"llvm.masked.store.v{self.lanes}f32.p0", VOID, types, [value, self.at(address), self.i32(4), mask])

    def scratch(self, floats: int) -> Value:
        """The address of a 64-byte aligned array on the stack."""
        with self.b.goto_entry_block():
            array = self.b.alloca(ir.ArrayType(F32, floats))
            array.align = 64
            return self.b.ptrtoint(array, I64)

    def prefetch(self, address: Value, write: bool = False) -> None:
        args = [self.at(address), self.i32(int(write)), self.i32(3), self.i32(1)]
        self.call("llvm.prefetch.p0", VOID, [PTR, I32, I32, I32], args)

    def settle(self) -> None:
        """What is loaded behind this is not loaded before it: LLVM takes loads ahead until registers run out."""
        self.b.asm(ir.FunctionType(VOID, []), "", "", [], True)

    # Arithmetic on floats, scalar or vector

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, in one rounding where the target can."""
        if not self.target.fma:
            return self.b.fadd(self.b.fmul(a, b), c)
        return self._intrinsic("fma", a, b, c)

    def scaled(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, product and sum rounded apart: as by nodes of a graph, on all targets."""
        return self.b.fadd(self.b.fmul(a, b), c)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger; NaN in `a` stays."""
        return self.b.select(self.b.fcmp_ordered("<", a, b), b, a)

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller; NaN in `a` stays."""
        return self.b.select(self.b.fcmp_ordered(">", a, b), b, a)

    def sqrt(self, a: Value) -> Value:
        return self._intrinsic("sqrt", a)

    def abs(self, a: Value) -> Value:
        return self._intrinsic("fabs", a)

    def floor(self, a: Value) -> Value:
        return self._intrinsic("floor", a)

    def ceil(self, a: Value) -> Value:
        return self._intrinsic("ceil", a)

    def rint(self, a: Value) -> Value:
        return self._intrinsic("nearbyint", a)

    def reduce(self, combine: Callable[[Value, Value], Value], a: Value) -> Value:
        """All lanes of a vector combined into a scalar, by halves (the order is fixed)."""
        n = self.lanes
        undefined = ir.Constant(self.V, ir.Undefined)
        while n > 1:
            n //= 2
            order = [*range(n, 2 * n), *[0] * (self.lanes - n)]
            high = self.b.shuffle_vector(a, undefined, ir.Constant(self.VI, order))
            a = combine(a, high)
        return self.b.extract_element(a, self.i32(0))

    def _intrinsic(self, name: str, *args: Value) -> Value:
        type = args[0].type
        suffix = f"v{type.count}f32" if isinstance(type, ir.VectorType) else "f32"
        return self.call(f"llvm.{name}.{suffix}", type, [a.type for a in args], args)

    def call(self, name: str, result: ir.Type, types: Sequence[ir.Type], args: Sequence[Value]) -> Value:
        """A call of a function by name, declared on first use."""
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(result, list(types)), name)
        return self.b.call(function, list(args))

    # Control flow

    def fold(
        self,
        begin: int | Value,
        end: int | Value,
        step: int,
        carried: Sequence[Value],
        body: Callable[..., Sequence[Value]],
    ) -> list[Value]:
        """for i in range(begin, end, step): carried = body(i, *carried). Returns the last `carried`."""
        before = self.b.block
        head, inside, after = (self.function.append_basic_block(n) for n in ("head", "body", "after"))
        end = self.i64(end)
        self.b.branch(head)
        self.b.position_at_end(head)
        i = self.b.phi(I64)
        phis = [self.b.phi(v.type) for v in carried]
        i.add_incoming(self.i64(begin), before)
        for phi, v in zip(phis, carried, strict=True):
            phi.add_incoming(v, before)
        self.b.cbranch(self.b.icmp_signed("<", i, end), inside, after)
        self.b.position_at_end(inside)
        results = body(i, *phis)
        for phi, v in zip(phis, results, strict=True):
            phi.add_incoming(v, self.b.block)
        i.add_incoming(self.add(i, step), self.b.block)
        self.b.branch(head)
        self.b.position_at_end(after)
        return phis

    @contextmanager
    def loop(self, begin: int | Value, end: int | Value, step: int = 1) -> Iterator[Value]:
        """with e.loop(0, n) as i: ..., for loops that carry nothing."""
        before = self.b.block
        head, inside, after = (self.function.append_basic_block(n) for n in ("head", "body", "after"))
        end = self.i64(end)
        self.b.branch(head)
        self.b.position_at_end(head)
        i = self.b.phi(I64)
        i.add_incoming(self.i64(begin), before)
        self.b.cbranch(self.b.icmp_signed("<", i, end), inside, after)
        self.b.position_at_end(inside)
        yield i
        i.add_incoming(self.add(i, step), self.b.block)
        self.b.branch(head)
        self.b.position_at_end(after)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        with self.b.if_then(condition):
            yield

    def switch(self, value: Value, cases: dict[int, Callable[[], None]]) -> None:
        """Runs the case of a value; no other value may occur."""
        after = self.function.append_basic_block("after")
        nowhere = self.function.append_basic_block("nowhere")
        table = self.b.switch(value, nowhere)
        for number, emit in cases.items():
            block = self.function.append_basic_block(f"case{number}")
            table.add_case(self.i64(number), block)
            self.b.position_at_end(block)
            emit()
            self.b.branch(after)
        self.b.position_at_end(nowhere)
        self.b.unreachable()
        self.b.position_at_end(after)

    def finish(self) -> None:
        self.b.ret_void()
