"""Vectors of f32 in numba functions: a type, and what LLVM does with its values in registers.

numba leaves it to LLVM to find vectors in loops over numbers, which it does not where sums must stay in registers from
one step of an outer loop to the next: in products of matrices. So the inner loops say what is a vector. How many
numbers it has follows from `like`, another vector, made by `zeros`. Places are counted in elements from the first of a
contiguous array, whatever its shape, and are not checked.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, register_model

# Numbers in a vector: two registers with AVX-512, else one; and in the short ones of what is left over.
_FEATURES = cpu_target.target_context.codegen().magic_tuple()[2]
WIDE = 32 if "+avx512f" in _FEATURES else 8 if "+avx," in _FEATURES else 4
SHORT = max(WIDE // 2, 4)
HALF = max(SHORT // 2, 4)


class VectorModel(models.PrimitiveModel):  # type: ignore[misc]  # numba has no annotations
    """How LLVM holds a vector."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(ir.FloatType(), kind.lanes))


def modelled(cls):
    """Tells numba how values of a class of types are held."""
    register_model(cls)(VectorModel)
    return cls


@modelled
class Vector(types.Type):  # type: ignore[misc]
    """The type of a vector of so many numbers."""

    def __init__(self, lanes):
        self.lanes = lanes
        super().__init__(name=f"vector of {lanes}")


def address(context, builder, signature, arguments, kind):
    """Where element `arguments[1]` of an array lies, as an address of LLVM's type `kind`."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), kind.as_pointer())


def repeated(builder, value, kind):
    """A number in all places of a vector; a vector as it is."""
    if value.type == kind:
        return value
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return shuffled(builder, first, first, [0] * kind.count)


def shuffled(builder, a, b, places):
    """The elements of a and b, one behind the other, at those places."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places))


def call(builder, name, result, arguments):
    """Calls an LLVM function, `{}` in whose name stands for the number of places of a vector."""
    count = next(a.type.count for a in arguments[::-1] if isinstance(a.type, ir.VectorType))
    kind = ir.FunctionType(result, [a.type for a in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, name.format(count))
    return builder.call(function, arguments)


def first_places(builder, kind, count):
    """A mask of the first `count` places."""
    numbers = ir.VectorType(ir.IntType(32), kind.count)
    places = ir.Constant(numbers, list(range(kind.count)))
    return builder.icmp_signed("<", places, repeated(builder, builder.trunc(count, ir.IntType(32)), numbers))


@intrinsic(prefer_literal=True)
def zeros(typing, lanes):
    """A vector of zeros; `lanes` is a constant."""

    def code(context, builder, signature, arguments):
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Vector(lanes.literal_value)(lanes), code


@intrinsic
def splat(typing, number, like):
    """A number in all places."""

    def code(context, builder, signature, arguments):
        return repeated(builder, arguments[0], arguments[1].type)

    return like(types.float32, like), code


@intrinsic
def element(typing, array, at):
    """array[at]"""

    def code(context, builder, signature, arguments):
        return builder.load(address(context, builder, signature, arguments, ir.FloatType()))

    return types.float32(array, types.intp), code


@intrinsic
def load(typing, array, at, like):
    """array[at], array[at + 1], ..."""

    def code(context, builder, signature, arguments):
        return builder.load(address(context, builder, signature, arguments, arguments[2].type), align=4)

    return like(array, types.intp, like), code


@intrinsic
def load_some(typing, array, at, count, like):
    """The first `count` places from array[at] on; zeros behind."""

    def code(context, builder, signature, arguments):
        kind = arguments[3].type
        place = address(context, builder, signature, arguments, kind)
        given = [place, ir.IntType(32)(4), first_places(builder, kind, arguments[2]), ir.Constant(kind, None)]
        return call(builder, "llvm.masked.load.v{0}f32.p0", kind, given)

    return like(array, types.intp, types.intp, like), code


@intrinsic
def load_second(typing, array, at, like):
    """Every second element from array[at] on; nothing behind the last of them is read."""

    def code(context, builder, signature, arguments):
        array, at, like = arguments
        kind = like.type
        last = builder.add(at, at.type(kind.count - 1))
        first, second = (
            builder.load(address(context, builder, signature, [array, place], kind), align=4) for place in (at, last)
        )
        places = [*range(0, kind.count, 2), *range(kind.count + 1, 2 * kind.count, 2)]
        return shuffled(builder, first, second, places)

    return like(array, types.intp, like), code


def asks(builder, place, to_write):
    """Asks for a cache line that will be read or written, which may lie behind an array's end."""
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [place, number(to_write), number(3), number(1)])


@intrinsic
def prefetch(typing, array, at):
    """Asks for the cache line of array[at]."""

    def code(context, builder, signature, arguments):
        asks(builder, address(context, builder, signature, arguments, ir.IntType(8)), 0)

    return types.void(array, types.intp), code


def asks_for_vector(context, builder, signature, arguments, to_write):
    """Asks for the cache lines of a vector from array[at] on."""
    array, at, like = arguments
    for more in range(0, like.type.count, 16):
        place = address(context, builder, signature, [array, builder.add(at, at.type(more))], ir.IntType(8))
        asks(builder, place, to_write)


@intrinsic
def will_read(typing, array, at, like):
    """Asks for the cache lines of a vector from array[at] on, to read them."""

    def code(context, builder, signature, arguments):
        asks_for_vector(context, builder, signature, arguments, 0)

    return types.void(array, types.intp, like), code


@intrinsic
def will_write(typing, array, at, like):
    """The same, to write them."""

    def code(context, builder, signature, arguments):
        asks_for_vector(context, builder, signature, arguments, 1)

    return types.void(array, types.intp, like), code


@intrinsic
def store(typing, array, at, vector):
    """array[at], array[at + 1], ... = vector"""

    def code(context, builder, signature, arguments):
        place = address(context, builder, signature, arguments, arguments[2].type)
        builder.store(arguments[2], place, align=4)

    return types.void(array, types.intp, vector), code


@intrinsic
def store_some(typing, array, at, vector, count):
    """The first `count` places, from array[at] on."""

    def code(context, builder, signature, arguments):
        vector, count = arguments[2:]
        place = address(context, builder, signature, arguments, vector.type)
        given = [vector, place, ir.IntType(32)(4), first_places(builder, vector.type, count)]
        call(builder, "llvm.masked.store.v{0}f32.p0", ir.VoidType(), given)

    return types.void(array, types.intp, vector, types.intp), code


@intrinsic
def plus_product(typing, total, a, b):
    """total + a * b, rounded once where the processor can; a: a number or a vector."""

    def code(context, builder, signature, arguments):
        total, a, b = arguments
        given = [repeated(builder, a, total.type), b, total]
        return call(builder, "llvm.fmuladd.v{}f32", total.type, given)

    return total(total, a if isinstance(a, Vector) else types.float32, total), code


@intrinsic
def plus(typing, a, b):
    """a + b; b: a number or a vector."""

    def code(context, builder, signature, arguments):
        return builder.fadd(arguments[0], repeated(builder, arguments[1], arguments[0].type))

    return a(a, b if isinstance(b, Vector) else types.float32), code


@intrinsic
def times(typing, v, number):
    """v * number"""

    def code(context, builder, signature, arguments):
        return builder.fmul(arguments[0], repeated(builder, arguments[1], arguments[0].type))

    return v(v, types.float32), code


@intrinsic
def limited(typing, v, low, high):
    """v limited to low..high, numbers or vectors; NaN for NaN."""

    def code(context, builder, signature, arguments):
        v, low, high = (repeated(builder, a, arguments[0].type) for a in arguments)
        v = builder.select(builder.fcmp_ordered("<", v, low), low, v)
        return builder.select(builder.fcmp_ordered(">", v, high), high, v)

    return v(v, types.float32, types.float32), code


@intrinsic
def sloped(typing, v, slope):
    """v where it is not negative, slope * v elsewhere."""

    def code(context, builder, signature, arguments):
        v, slope = arguments[0], repeated(builder, arguments[1], arguments[0].type)
        return builder.select(builder.fcmp_ordered("<", v, ir.Constant(v.type, None)), builder.fmul(v, slope), v)

    return v(v, types.float32), code


@intrinsic
def larger(typing, a, b):
    """The larger of a and b in each place; the other one where one is NaN."""

    def code(context, builder, signature, arguments):
        a, b = arguments
        takes = builder.or_(builder.fcmp_ordered(">", b, a), builder.fcmp_unordered("uno", a, a))
        return builder.select(takes, b, a)

    return a(a, b), code


@intrinsic
def known(typing, v, number):
    """v, with a number in place of NaN."""

    def code(context, builder, signature, arguments):
        v, number = arguments[0], repeated(builder, arguments[1], arguments[0].type)
        return builder.select(builder.fcmp_unordered("uno", v, v), number, v)

    return v(v, types.float32), code


@intrinsic
def load_fourths(typing, array, at, like):
    """Four vectors: of the elements from array[at] on every fourth, beginning with the first, second, third, fourth."""

    def code(context, builder, signature, arguments):
        kind = arguments[2].type
        all_four = ir.VectorType(kind.element, 4 * kind.count)
        loaded = builder.load(address(context, builder, signature, arguments, all_four), align=4)
        fourths = [shuffled(builder, loaded, loaded, list(range(i, 4 * kind.count, 4))) for i in range(4)]
        return context.make_tuple(builder, signature.return_type, fourths)

    return types.UniTuple(like, 4)(array, types.intp, like), code


@intrinsic
def mixed(typing, a, b, c, d):
    """a[0], b[0], c[0], d[0], a[1], ..."""

    def code(context, builder, signature, arguments):
        count = arguments[0].type.count
        in_order = list(range(2 * count))
        first = shuffled(builder, arguments[0], arguments[1], in_order)
        last = shuffled(builder, arguments[2], arguments[3], in_order)
        return shuffled(builder, first, last, [i % 4 * count + i // 4 for i in range(4 * count)])

    return Vector(4 * a.lanes)(a, b, c, d), code
