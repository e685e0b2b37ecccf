"""Vectors of bytes: interleaving within 128-bit lanes, sums of products, rounding and packing with saturation.

Unpacking and packing go by lanes of 16 bytes, as the instructions of x86 do. Four quarters of a vector of bytes,
widened to i32, hold of lane l the elements 16 l + 4 q .. 16 l + 4 q + 3 in quarter q; `packed` puts them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from llvmlite import ir

from .emit import F32, I8, I16, I32, VOID, Emitter

Value: TypeAlias = Any

LANE = 16
"""Bytes of a lane."""


def unpacked(e: Emitter, x: Value, y: Value) -> tuple[Value, Value]:
    """The low halves of the lanes of two vectors interleaved, and the high ones: punpckl, punpckh."""
    count, size = x.type.count, x.type.element.width // 8
    lane = LANE // size
    halves = []
    for half in (0, lane // 2):
        order = [k + half + i for k in range(0, count, lane) for i in range(lane // 2)]
        index = [n for k in order for n in (k, k + count)]
        halves.append(e.b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, count), index)))
    return halves[0], halves[1]


def recast(e: Emitter, x: Value, element: ir.IntType) -> Value:
    """The same bits as elements of another size."""
    count = x.type.count * x.type.element.width // element.width
    return e.b.bitcast(x, ir.VectorType(element, count))


def quads(e: Emitter, pixels: Sequence[Value]) -> list[Value]:
    """Four vectors of bytes -> their quarters, whose i32 elements hold four bytes each, one of every vector."""
    low = [unpacked(e, *pixels[:2]), unpacked(e, *pixels[2:])]
    halves = [[recast(e, half, I16) for half in pair] for pair in low]
    parts = [*unpacked(e, halves[0][0], halves[1][0]), *unpacked(e, halves[0][1], halves[1][1])]
    return [recast(e, part, I8) for part in parts]


def dot_quads(e: Emitter, total: Value, x: Value, weights: Value) -> Value:
    """total + sums of four products of u8 and i8, by the instruction for it; of i8 where data come with an offset."""
    if e.target.offset:
        types = [total.type, x.type, x.type]
        return e.call("llvm.aarch64.neon.sdot.v4i32.v16i8", total.type, types, [total, recast(e, weights, I8), x])
    name = f"llvm.x86.avx512.vpdpbusd.{32 * total.type.count}"
    return e.call(name, total.type, [total.type] * 3, [total, recast(e, x, I32), recast(e, weights, I32)])


def dot_data(e: Emitter, x: Value) -> Value:
    """Data of u8 as dot_quads takes them."""
    if not e.target.offset:
        return x
    return e.b.xor(x, ir.Constant(x.type, [-e.target.offset] * x.type.count))


def dot_pairs(e: Emitter, total: Value, x: Value, weights: Value) -> Value:
    """total + sums of two products of i16."""
    name = _X86_PAIRS.get(x.type.count)
    if name and e.target.triple.startswith("x86"):
        return e.b.add(total, e.call(f"llvm.x86.{name}", total.type, [x.type, x.type], [x, weights]))
    if x.type.count == 8 and not e.target.triple.startswith("x86"):
        halves = []
        for k in (0, 4):
            parts = (e.b.sext(permuted(e, v, range(k, k + 4)), total.type) for v in (x, weights))
            halves.append(e.b.mul(*parts))
        name = "llvm.aarch64.neon.addp.v4i32"
        return e.b.add(total, e.call(name, total.type, [total.type] * 2, halves))
    products = []
    for k in range(2):
        order = ir.Constant(ir.VectorType(I32, total.type.count), [2 * i + k for i in range(total.type.count)])
        wide = [e.b.sext(e.b.shuffle_vector(v, v, order), total.type) for v in (x, weights)]
        products.append(e.b.mul(*wide))
    return e.b.add(total, e.b.add(*products))


_X86_PAIRS = {8: "sse2.pmadd.wd", 16: "avx2.pmadd.wd", 32: "avx512.pmaddw.d.512"}


def nearest(e: Emitter, x: Value) -> Value:
    """f32 or f64 to the nearest i32, halves to even. What is not within i32 gives anything."""
    count = x.type.count
    name = f"llvm.lrint.v{count}i32.v{count}{'f32' if x.type.element == F32 else 'f64'}"
    return e.call(name, ir.VectorType(I32, count), [x.type], [x])


def packed(e: Emitter, parts: Sequence[Value], signed: bool = False) -> Value:
    """Four quarters of i32 -> one vector of u8, or i8, limited to its range."""
    low, high = _narrowed(e, parts[0], parts[1], True), _narrowed(e, parts[2], parts[3], True)
    return _narrowed(e, low, high, signed)


_PACKS = {
    (4, True): "sse2.packssdw.128", (8, True): "avx2.packssdw", (16, True): "avx512.packssdw.512",
    (-8, True): "sse2.packsswb.128", (-16, True): "avx2.packsswb", (-32, True): "avx512.packsswb.512",
    (-8, False): "sse2.packuswb.128", (-16, False): "avx2.packuswb", (-32, False): "avx512.packuswb.512",
}  # fmt: skip
"""By the elements of an operand, negative ones of i16, and whether the result has a sign."""


def _narrowed(e: Emitter, x: Value, y: Value, signed: bool) -> Value:
    """Two vectors in one of elements of half the size, limited to their range, lane by lane: pack."""
    count, bits = x.type.count, x.type.element.width // 2
    result = ir.VectorType(ir.IntType(bits), 2 * count)
    name = _PACKS.get((count if bits == 16 else -count, signed))
    if name and e.target.triple.startswith("x86"):
        return e.call(f"llvm.x86.{name}", result, [x.type, y.type], [x, y])
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    limited = [_limited(e, v, least, most) for v in (x, y)]
    lane = LANE // (2 * bits // 8)
    index = [base + k + i for k in range(0, count, lane) for base in (0, count) for i in range(lane)]
    order = ir.Constant(ir.VectorType(I32, 2 * count), index)
    return e.b.trunc(e.b.shuffle_vector(*limited, order), result)


def _limited(e: Emitter, x: Value, least: int, most: int) -> Value:
    low, high = (ir.Constant(x.type, [n] * x.type.count) for n in (least, most))
    x = e.b.select(e.b.icmp_signed("<", x, low), low, x)
    return e.b.select(e.b.icmp_signed(">", x, high), high, x)


def spread_order(width: int) -> list[int]:
    """The order of dwords in which a vector of bytes is brought so that its quarters hold adjacent elements."""
    lanes = width // LANE
    return [lanes * j + lane for lane in range(lanes) for j in range(4)]


def permuted(e: Emitter, x: Value, order: Sequence[int]) -> Value:
    return e.b.shuffle_vector(x, x, ir.Constant(ir.VectorType(I32, len(order)), list(order)))


def part_of(e: Emitter, x: Value, number: int) -> Value:
    """Of a vector of bytes that was packed from four: the elements of one of them."""
    quarter = x.type.count // 4
    order = [LANE * lane + 4 * number + i for lane in range(quarter // 4) for i in range(4)]
    return e.b.shuffle_vector(x, x, ir.Constant(ir.VectorType(I32, quarter), order))


def gathered(e: Emitter, x: Value) -> Value:
    """Of a vector of bytes that was packed from four: the elements of the first, then of the second, and so on."""
    quarter = x.type.count // 4
    if quarter == 4:
        return x
    order = [LANE * lane + 4 * number + i for number in range(4) for lane in range(quarter // 4) for i in range(4)]
    return e.b.shuffle_vector(x, x, ir.Constant(ir.VectorType(I32, x.type.count), order))


# Parts of vectors in memory


def load_bytes(e: Emitter, address: Value, count: int, left: Value | None = None) -> Value:
    """Adjacent bytes: `count` of them, or the first `left`, fewer than that; the others are anything."""
    type = ir.VectorType(I8, count)
    if left is None:
        return e.load(address, type, 1)
    if e.target.lanes == 16:
        args = [e.at(address), e.i32(1), _mask(e, count, left), ir.Constant(type, None)]
        return e.call(f"llvm.masked.load.v{count}i8.p0", type, [a.type for a in args], args)
    found: Value = ir.Constant(type, None)

    def one(k: Value, vector: Value) -> Sequence[Value]:
        return [e.b.insert_element(vector, e.load(e.add(address, k), I8, 1), e.b.trunc(k, I32))]

    return e.fold(0, left, 1, [found], one)[0]


def store_bytes(e: Emitter, value: Value, address: Value, left: Value | None = None) -> None:
    """Adjacent bytes, all or the first `left`."""
    count = value.type.count
    if left is None:
        return e.store(value, address, 1)
    if e.target.lanes == 16:
        args = [value, e.at(address), e.i32(1), _mask(e, count, left)]
        e.call(f"llvm.masked.store.v{count}i8.p0", VOID, [a.type for a in args], args)
        return None
    if count <= 8:
        return _store_halves(e, value, address, left)
    with e.loop(0, left) as k:
        e.store(e.b.extract_element(value, e.b.trunc(k, I32)), e.add(address, k), 1)
    return None


def _store_halves(e: Emitter, value: Value, address: Value, left: Value) -> None:
    """The first `left` of up to eight bytes: four of them, then two, then one, as far as they are among these."""
    count = value.type.count
    whole = e.b.bitcast(value, ir.IntType(8 * count))
    while count > 1:
        done, count = e.b.and_(left, e.i64(-count)), count // 2
        with e.when(e.b.icmp_unsigned("!=", e.b.and_(left, e.i64(count)), e.i64(0))):
            shift = e.mul(done, 8)
            rest = e.b.lshr(whole, shift if whole.type.width == 64 else e.b.trunc(shift, whole.type))
            e.store(e.b.trunc(rest, ir.IntType(8 * count)), e.add(address, done), 1)


def _mask(e: Emitter, count: int, left: Value) -> Value:
    """Lanes below `left`."""
    type = ir.VectorType(I8, count)
    limit = e.splat(e.b.trunc(left, I8), type)
    return e.b.icmp_unsigned("<", ir.Constant(type, list(range(count))), limit)
