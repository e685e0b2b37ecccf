"""Vectors of any element type: what they are in memory and in registers, loads, stores and conversions.

In registers booleans are i1, and f16 and bf16 are f32 that the narrower type can hold.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from llvmlite import ir

from ....ir import dtype as dt
from ....ir.dtype import DType
from .emit import F16, F32, F64, I1, I8, I16, I32, I64, PTR, VOID, Emitter
from .math import bits, clamp, floats, is_nan, number, whole

Value: TypeAlias = Any

NARROW = (dt.f16, dt.bf16)
FLOATS = (dt.f32, dt.f64, *NARROW)
INTEGERS = (dt.i8, dt.i16, dt.i32, dt.i64, dt.u8, dt.u16, dt.u32, dt.u64)


def element(type: DType) -> ir.Type:
    """Of a register."""
    if type is dt.f64:
        return F64
    if type.is_float:
        return F32
    return I1 if type is dt.boolean else ir.IntType(type.bits)


def stored(type: DType) -> ir.Type:
    """Of memory."""
    if type in NARROW:
        return I16
    return I8 if type is dt.boolean else element(type)


class Typed:
    """Writes code over vectors of `count` elements of any type."""

    def __init__(self, e: Emitter, count: int) -> None:
        self.e = e
        self.b = e.b
        self.count = count
        self.wide: dict[Any, Any] = {}
        """Of bytes that were rounded here: the i32 that they were cut from."""

    def vector(self, type: DType) -> ir.VectorType:
        return ir.VectorType(element(type), self.count)

    def constant(self, type: DType, x: float) -> Value:
        """A number in all lanes."""
        held = element(type)
        exact = held(float(x)) if type.is_float else held(int(x) % (1 << held.width))
        return ir.Constant(self.vector(type), [exact] * self.count)

    def splat(self, scalar: Value) -> Value:
        return self.e.splat(scalar, ir.VectorType(scalar.type, self.count))

    # Memory

    def mask(self, first: Value, end: Value) -> Value:
        """Lanes k with first + k < end."""
        rest = self.b.trunc(self.e.min(self.b.sub(end, first), self.count), I32)
        lanes = ir.Constant(ir.VectorType(I32, self.count), [I32(k) for k in range(self.count)])
        return self.b.icmp_signed("<", lanes, self.splat(rest))

    def load(self, type: DType, address: Value, mask: Value | None = None) -> Value:
        """Adjacent elements."""
        memory = ir.VectorType(stored(type), self.count)
        size = type.numpy.itemsize
        if mask is None:
            return self.widened(type, self.e.load(address, memory, size))
        zero = ir.Constant(memory, None)
        args = [self.e.at(address), self.e.i32(size), mask, zero]
        name = f"llvm.masked.load.{_suffix(memory)}.p0"
        return self.widened(type, self.e.call(name, memory, [a.type for a in args], args))

    def gather(self, type: DType, address: Value, first: Value, end: Value, stride: Value) -> Value:
        """Elements `stride` bytes apart, one by one; behind the end the last one again."""
        memory = ir.VectorType(stored(type), self.count)
        found: Value = ir.Constant(memory, ir.Undefined)
        last = self.e.add(end, -1)
        for k in range(self.count):
            at = self.e.add(address, self.e.mul(self.e.min(self.e.add(first, k), last), stride))
            found = self.b.insert_element(found, self.e.load(at, memory.element, type.numpy.itemsize), self.e.i32(k))
        return self.widened(type, found)

    def broadcast(self, type: DType, address: Value) -> Value:
        """One element in all lanes."""
        return self.widened(type, self.splat(self.e.load(address, stored(type), type.numpy.itemsize)))

    def immediate(self, type: DType, word: Value) -> Value:
        """An element of the argument block, as `stored` has it, in all lanes."""
        held = stored(type)
        if held == F64:
            scalar = self.b.bitcast(word, F64)
        elif held == F32:
            scalar = self.b.bitcast(self.b.trunc(word, I32), F32)
        else:
            scalar = word if held == I64 else self.b.trunc(word, held)
        return self.widened(type, self.splat(scalar))

    def store(self, type: DType, value: Value, address: Value, mask: Value | None = None) -> None:
        """Adjacent elements."""
        value = self.narrowed(type, value)
        size = type.numpy.itemsize
        if mask is None:
            self.e.store(value, address, size)
            return
        args = [value, self.e.at(address), self.e.i32(size), mask]
        name = f"llvm.masked.store.{_suffix(value.type)}.p0"
        self.e.call(name, VOID, [value.type, PTR, I32, mask.type], args)

    # Between memory and registers

    def widened(self, type: DType, x: Value) -> Value:
        if type is dt.boolean:
            return self.b.icmp_signed("!=", x, ir.Constant(x.type, None))
        if type is dt.bf16:
            return floats(self.e, self.b.shl(self.b.zext(x, self._words), whole(self.e, x, 16)))
        return self._from_half(x) if type is dt.f16 else x

    def narrowed(self, type: DType, x: Value) -> Value:
        if type is dt.boolean:
            return self.b.zext(x, ir.VectorType(I8, self.count))
        if type is dt.bf16:
            return self._to_bfloat(x)
        return self._to_half(x) if type is dt.f16 else x

    def rounded(self, type: DType, x: Value) -> Value:
        """A result in f32 as the type holds it."""
        return self.widened(type, self.narrowed(type, x)) if type in NARROW else x

    @property
    def _words(self) -> ir.VectorType:
        return ir.VectorType(I32, self.count)

    def _to_bfloat(self, x: Value) -> Value:
        """To the nearest, halves to even; NaN stays one."""
        word = bits(self.e, x)
        odd = self.b.and_(self.b.lshr(word, whole(self.e, x, 16)), whole(self.e, x, 1))
        near = self.b.add(self.b.add(word, odd), whole(self.e, x, 0x7FFF))
        kept = self.b.select(is_nan(self.e, x), self.b.or_(word, whole(self.e, x, 0x400000)), near)
        return self.b.trunc(self.b.lshr(kept, whole(self.e, x, 16)), ir.VectorType(I16, self.count))

    def _from_half(self, x: Value) -> Value:
        if self.e.target.half:
            return self.b.fpext(self.b.bitcast(x, ir.VectorType(F16, self.count)), self.vector(dt.f32))
        # The exponent is rebased by a product, which makes denormal numbers normal; infinity and NaN get theirs.
        e, b = self.e, self.b
        word = b.zext(x, self._words)
        size = b.shl(b.and_(word, whole(e, x, 0x7FFF)), whole(e, x, 13))
        value = bits(e, b.fmul(floats(e, size), number(e, floats(e, size), 2.0**112)))
        special = b.icmp_signed(">=", size, whole(e, x, 0x7C00 << 13))
        value = b.select(special, b.or_(size, whole(e, x, 0x7F800000)), value)
        sign = b.shl(b.and_(word, whole(e, x, 0x8000)), whole(e, x, 16))
        return floats(e, b.or_(value, sign))

    def _to_half(self, x: Value) -> Value:
        """To the nearest, halves to even."""
        short = ir.VectorType(I16, self.count)
        if self.e.target.half:
            return self.b.bitcast(self.b.fptrunc(x, ir.VectorType(F16, self.count)), short)
        e, b = self.e, self.b
        word = bits(e, x)
        sign = b.and_(word, whole(e, x, -0x80000000))
        size = b.xor(word, sign)
        # Denormal results: a sum with 1/2 leaves their bits at the end.
        magic = whole(e, x, 126 << 23)
        small = b.sub(bits(e, b.fadd(floats(e, size), floats(e, magic))), magic)
        odd = b.and_(b.lshr(size, whole(e, x, 13)), whole(e, x, 1))
        normal = b.lshr(b.add(b.add(size, whole(e, x, 0xFFF - (112 << 23))), odd), whole(e, x, 13))
        half = b.select(b.icmp_signed("<", size, whole(e, x, 113 << 23)), small, normal)
        ends = b.select(b.icmp_signed(">", size, whole(e, x, 255 << 23)), whole(e, x, 0x7E00), whole(e, x, 0x7C00))
        half = b.select(b.icmp_signed(">=", size, whole(e, x, 143 << 23)), ends, half)
        return b.trunc(b.or_(half, b.lshr(sign, whole(e, x, 16))), short)

    # Between types

    def convert(self, x: Value, source: DType, to: DType) -> Value:
        """By the rules of Convert: see ir/ops/convert.py."""
        b, held = self.b, self.vector(to)
        if source is to:
            return x
        if to is dt.boolean:
            zero = ir.Constant(x.type, None)
            return b.fcmp_unordered("une", x, zero) if source.is_float else b.icmp_signed("!=", x, zero)
        if source.is_float and to.is_float:
            return self._float_to_float(x, held)
        if source.is_float and to.bits <= 16:
            return self._to_short(x, to)
        if source.is_float:
            sign = "u" if to.kind == "u" else "s"
            name = f"llvm.fpto{sign}i.sat.{_suffix(held)}.{_suffix(x.type)}"
            return self.e.call(name, held, [x.type], [x])
        unsigned = source.kind in "ub"
        if to.is_float:
            return b.uitofp(x, held) if unsigned else b.sitofp(x, held)
        if held.element.width < x.type.element.width:
            return b.trunc(x, held)
        if held.element.width == x.type.element.width:
            return x
        return b.zext(x, held) if unsigned else b.sext(x, held)

    def _to_short(self, x: Value, to: DType) -> Value:
        """Limited to the range, NaN as 0; by way of i32."""
        least, most = (0, 2**to.bits - 1) if to.kind == "u" else (-(2 ** (to.bits - 1)), 2 ** (to.bits - 1) - 1)
        x = self.b.select(self.b.fcmp_ordered("ord", x, x), x, number(self.e, x, 0.0))
        limited = clamp(self.e, x, least, most)
        return self.b.trunc(self.b.fptosi(limited, self._words), self.vector(to))

    def _float_to_float(self, x: Value, held: ir.VectorType) -> Value:
        if x.type.element == held.element:
            return x
        return self.b.fpext(x, held) if held.element == F64 else self.b.fptrunc(x, held)


def _suffix(type: ir.VectorType) -> str:
    part = type.element
    name = {F32: "f32", F64: "f64"}.get(part) or f"i{part.width}"
    return f"v{type.count}{name}"
