"""The executable of a graph: plans for the shapes that come, kept in a bounded cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ...ir.constant import Constant
from ...ir.errors import EvaluationError, InferenceError, UsageError, VinocError
from ...ir.graph import Graph, Value
from ...ir.record import record
from ...ir.types import TensorType, static_shape
from ...passes.base import Context
from ...passes.manager import PassManager
from ..memory import LARGE, bytes_of, check_room
from .codegen.library import Library, library
from .codegen.target import Target
from .cores import cores
from .engine.image import Image
from .engine.islands import LOOPS, Runner, State
from .engine.locks import Lock
from .engine.packer import FEW_BYTES, Packer
from .engine.pool import Pool
from .engine.profile import Profile
from .engine.program import Program
from .engine.stages import Staged, is_static
from .lowering.packed import Packed
from .lowering.plan import Array, Mode, Plan
from .lowering.regions import CpuRegions
from .quantized.lower import integers

if TYPE_CHECKING:
    from .blob import Blob

SPECIALIZE = "fold,dropout,cse,dce"
"""What a graph goes through once its shapes are known."""

UNROLL = "unroll{limit=256,size=2000},fold,dropout,cse,dce"
"""What loops go through whose number of iterations is known: written out they are one schedule, without a return to
Python for each iteration. They run as loops where that would be many nodes, which take some 50 us each to plan."""

PLANS = 8
"""Plans that are kept, one for each set of input shapes."""

COUNTED_PLANS, ROOM = 64, 1 << 24
"""Of a stage behind what is counted (boxes that are chosen, elements that are not zero), which has another shape with
each input: so many, as long as their arenas together take no more bytes."""


class Executable:
    """A model on the CPU, for inputs of any shapes that it takes. Calls from several threads wait for each other."""

    def __init__(
        self,
        graph: Graph,
        threads: int = 0,
        kernels: Target | None = None,
        parent: Executable | None = None,
        accuracy: bool = False,
        owned: bool = False,
        timed: bool = False,
        integers: bool = True,
        exact: bool = False,
        plans: int = PLANS,
    ) -> None:
        """`owned`: the graph is nobody else's; its large constants are given up once they are packed.
        `timed`: every run leaves the times of its steps in `profile`. `accuracy`, `integers`, `exact`: see
        Mode. `plans`: how many are kept.

        A stream is another executable of the same graph, with `parent`, and has threads and memory of its own.
        """
        self.graph = graph
        self.library: Library = parent.library if parent else library(kernels.name if kernels else "host")
        self.pool: Pool = parent.pool if parent and not threads else Pool(self.library, threads or cores())
        self.packed: Packed = parent.packed if parent else self._new_packed()
        self.mode: Mode = parent.mode if parent else Mode(self.pool.threads, accuracy, integers, exact)
        stream_of = parent if parent is not None and parent.graph is graph else None
        self.owned: bool = stream_of.owned if stream_of else owned and all(_static(v) for v in graph.inputs)
        shared = parent.profile if parent else None
        self.profile: Profile | None = shared if shared and not threads else Profile() if shared or timed else None
        self.plans: int = plans
        self._images: OrderedDict[Any, Image] = stream_of._images if stream_of else OrderedDict()
        self._planning: Any = stream_of._planning if stream_of else Lock(again=True)
        self._runners: OrderedDict[Any, Program | Staged] = OrderedDict()
        self._lock = Lock(again=True)
        self._takes_objects = any(not isinstance(v.type, TensorType) for v in graph.inputs)
        self._last: _Last | None = None

    def _new_packed(self) -> Packed:
        constants = sum(n.op.value.nbytes for g in self.graph.walk() for n in g if type(n.op) is Constant)
        is_open = not all(map(_static, self.graph.inputs))
        return Packed(Packer(self.library, self.pool, FEW_BYTES), constants, is_open)

    def program(self, shapes: Sequence[tuple[int, ...]]) -> Program | Staged:
        """The runner for inputs of given shapes, made where it is not kept. Raises UsageError for what does not fit."""
        key = tuple(shapes)
        with self._lock:
            found = self._runners.get(key)
            if found is None:
                found = self._runners[key] = self._for_shapes(key)
                _keep_few(self._runners, self.plans)
            self._runners.move_to_end(key)
            return found

    def prepare(self) -> None:
        """Makes the runner at once where the shapes of all inputs are known."""
        if all(_static(v) for v in self.graph.inputs):
            self.program([static_shape(v.tensor.shape) or () for v in self.graph.inputs])

    def current(self) -> Program | None:
        """The schedule that ran last, or was made last; None where there is none, or it has stages."""
        found = self._last.runner if self._last else next(reversed(self._runners.values()), None)
        return found if isinstance(found, Program) else None

    def blob(self) -> Blob:
        """What a file holds of the compiled model. Raises VinocError where it needs more than generated code."""
        from .blob import blob_of

        self.prepare()
        what = "cannot be stored: its schedule is made when shapes are known that now are open"
        values = zip(self.graph.inputs, self.graph.input_names, strict=True)
        if names := [f"'{next(iter(n), v.name)}'" for v, n in values if not _static(v)]:
            raise VinocError(
                what, self.graph.name, f"give input {', '.join(names)} a shape, by --input_shape or `reshape`"
            )
        if len(self._images) != 1:
            unknown = next(n.where for n in self.graph if not all(map(_static, n.outputs)))
            raise VinocError(what, self.graph.name, f"the first is that of {unknown}: cut the model there, by --output")
        sides = ((self.graph.inputs, self.graph.input_names), (self.graph.outputs, self.graph.output_names))
        ports = [[(list(names), v.tensor) for v, names in zip(*side, strict=True)] for side in sides]
        return blob_of(next(iter(self._images.values())), (ports[0], ports[1]), self.pool.threads, self.library)

    def _for_shapes(self, key: tuple[tuple[int, ...], ...]) -> Program | Staged:
        with self._planning:
            image = self._images.get(key)
            if image is None:
                graph = self.graph if self.owned else specialize(self.graph, key)
                if any(node.kind in LOOPS for node in graph):
                    PassManager(UNROLL).run(graph)
                if not is_static(graph):
                    if any(node.kind == "NonMaxSuppression" for node in graph):
                        from .bounded import CpuBoundSuppression  # few models have it

                        CpuBoundSuppression().run(graph, Context())
                    return self._make(graph)
                image = self._images[key] = self._plan(graph)
                _keep_few(self._images, self.plans)
        return self._program(image)

    def _program(self, image: Image) -> Program:
        program = Program(image, self.library, self.pool, self.child)
        if self.profile is not None:
            self.profile.add(program)
        return program

    def _plan(self, graph: Graph) -> Image:
        for node in graph:
            if type(node.op) is not Constant and (size := bytes_of([v.type for v in node.outputs])) >= LARGE:
                check_room(size, f"the result of '{node.label}' ({node.kind})")
        if any(node.kind == "DeformableConvolution" for node in graph):
            from .deformed import CpuSampleDeformed  # few models have it

            CpuSampleDeformed().run(graph, Context())
        remarks = integers(graph, self.library.target.name, self.mode)
        CpuRegions().run(graph, Context())  # not its bodies: each is lowered when it is made ready to run
        plan = Plan(graph, self.library.target, self.packed, self.mode, self.owned)
        plan.remarks = remarks
        return Image.of(plan.build())

    def _make(self, graph: Graph) -> Program | Staged:
        if is_static(graph):
            return self._program(self._plan(graph))
        return Staged(graph, lambda part: self._make(part).run, self.rest, self.child)

    def child(self, graph: Graph, plans: int = PLANS) -> Runner:
        """A body, or a later stage: it shares kernels, threads and packed constants."""
        if any(not isinstance(v.type, TensorType) for v in graph.inputs):
            return _interpreted(graph)
        return Executable(graph, parent=self, plans=plans).execute

    def rest(self, graph: Graph) -> Runner:
        """What follows a stage that counts."""
        return self.child(graph, COUNTED_PLANS)

    def execute(self, inputs: Sequence[Any], state: State) -> list[Any]:
        """The outputs for arrays of the graph's types; sequences are lists."""
        if len(inputs) != len(self.graph.inputs):
            raise UsageError(f"{len(inputs)} inputs are given, the model has {len(self.graph.inputs)}", self.graph.name)
        last = self._last
        if last is not None and last.takes(inputs):
            return last.runner.run(inputs, state)
        arrays = [_native(a, value) for a, value in zip(inputs, self.graph.inputs, strict=True)]
        runner = self.program([a.shape for a in arrays])
        self._last = _Last(runner, [(a.dtype, a.shape) for a in arrays])
        return runner.run(arrays, state)

    def run(self, inputs: Sequence[Array], state: State | None = None) -> list[Any]:
        """The outputs; a stateful model reads and leaves its variables in `state`."""
        state = state or State()
        if self._takes_objects:
            return _interpreted(self.graph)(inputs, state)
        try:
            results = self.execute(inputs, state)
        except MemoryError as error:
            raise EvaluationError(f"there is not enough memory: {error}", self.graph.name) from error
        state.commit()
        return results


@record()
class _Last:
    """What ran last, and the types of its inputs: most runs are like the one before."""

    runner: Program | Staged
    types: list[tuple[np.dtype[Any], tuple[int, ...]]]

    def takes(self, inputs: Sequence[Any]) -> bool:
        for given, (dtype, shape) in zip(inputs, self.types):
            if type(given) is not np.ndarray or given.dtype is not dtype or given.shape != shape:
                return False
            if not given.flags.carray:
                return False
        return True


def _static(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.type.is_static


def _keep_few(cache: OrderedDict[Any, Any], most: int) -> None:
    """Lets go of what was used longest ago: of images, or of programs and stages."""
    arenas = sum(p.arena_size for p in cache.values() if not isinstance(p, Staged))
    if len(cache) > most or (len(cache) > PLANS and arenas > ROOM):
        cache.popitem(last=False)


def _native(given: Any, value: Value) -> Array:
    """An input as kernels read it: row-major, of the machine's byte order. Raises UsageError for another type."""
    plain = type(given) is np.ndarray and given.flags.carray and given.nbytes < LARGE  # the usual case, at once
    if plain and given.dtype == value.dtype.numpy and (given.shape == value.shape or not _static(value)):
        return cast(Array, given)
    array = np.asarray(given)
    name = f"input '{value.name}'" if value.name else "an input"
    wanted = value.dtype.numpy
    if array.dtype != wanted:
        if array.dtype.newbyteorder("=") != wanted:
            raise UsageError(f"expected {value.type}, got an array of {array.dtype}", name)
        array = array.astype(wanted)
    if _static(value) and array.shape != value.shape:
        raise UsageError(f"expected {value.type}, got an array of shape {list(array.shape)}", name)
    check_room(array.nbytes, name)
    return np.require(array, requirements=("C", "A"))


def _interpreted(graph: Graph) -> Runner:
    """A graph that takes sequences or optionals: all of it runs by definition."""
    from ..numpy.interpreter import Interpreter

    interpreter = Interpreter(graph)

    def run(inputs: Sequence[Any], state: State) -> list[Any]:
        interpreter.variables = state.variables
        return interpreter.run(inputs)

    return run


def specialize(graph: Graph, shapes: Sequence[tuple[int, ...]]) -> Graph:
    """A copy for inputs of given shapes. Raises UsageError when the model cannot take them."""
    copy = Graph(graph.name)
    values = {}
    for value, names, shape in zip(graph.inputs, graph.input_names, shapes, strict=True):
        values[value] = copy.add_input(TensorType(value.dtype, tuple(shape)), value.name, names)
    try:
        for node in graph:
            new = copy.insert(
                node.op, [v and values[v] for v in node.inputs], bodies=[b.clone() for b in node.bodies], loc=node.loc
            )
            for old, made in zip(node.outputs, new.outputs, strict=True):
                made.name = old.name
                values[old] = made
    except InferenceError as error:
        given = ", ".join(str(list(s)) for s in shapes)
        raise UsageError(f"inputs of shapes {given} do not fit: {error.what}", error.where) from error
    for value, names in zip(graph.outputs, graph.output_names, strict=True):
        copy.add_output(values[value], names)
    PassManager(SPECIALIZE).run(copy)
    return copy
