"""The walk over a model: every node through its converter, every problem noted, nothing stops at the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ....ir.buffer import Buffer
from ....ir.constant import Constant
from ....ir.dtype import Array
from ....ir.errors import ConversionError, ModelError, Problem, VinocError, did_you_mean
from ....ir.graph import Graph, Value
from ....ir.loc import Loc
from ....ir.types import Type
from ..base import Inputs
from . import registry
from .arity import check_inputs
from .context import Body, NodeContext
from .functions import Key, Sizes
from .scopes import POISON, Named, Scope, Tensors, sweep
from .structure import CONTROL, Entry, arrange, reader_of, subgraphs, undefined
from .symbols import Symbols
from .tensors import TensorReader, sparse_array

MAX_DEPTH = 48
"""Subgraphs and function calls within one another."""
MAX_NODES = 1_000_000
"""Nodes converted, those of functions at every call."""
ADVICE = "correct the node in the model, or cut the model before it with --output"
MAX_HINTS = 3

NCHWC = "com.microsoft.nchwc"
"""The domain of what ONNX Runtime's optimizer arranges for the vectors of the processor that it runs on."""
"""Undefined names for which the nearest known one is looked up: it takes time in large models."""

FAULTS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, MemoryError)
"""What a converter may run into where a node breaks the rules of its operator in a way that it does not check."""


Stored: TypeAlias = tuple[Any, memoryview | None, bool]
"""An initializer, its bytes where they were taken out of the message, and whether it is sparse."""


class PoisonedError(Exception):
    """A subgraph lacks an output because of a problem that is reported already."""


class Conversion:
    """One model on its way to a Graph."""

    def __init__(self, file: str, folder: Path | None, functions: Sequence[Any] = ()) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.symbols = Symbols()
        self.tensors = TensorReader(folder)
        self._functions: dict[Key, Any] = {(_domain(f.domain), f.name, f.overload): f for f in functions}
        self._sizes = Sizes(self._functions, MAX_NODES)
        self._arranged: dict[int, tuple[list[Entry], set[str]]] = {}
        self._kept: list[Any] = []
        self._reported: set[tuple[str, str, str]] = set()
        self._raw: Mapping[int, memoryview] = {}
        self._nodes = 0
        self._hints = 0

    # The main graph

    def model(
        self,
        proto: Any,
        opsets: Mapping[str, int],
        raw: Mapping[int, memoryview],
        inputs: Inputs,
        outputs: Sequence[str],
    ) -> Graph:
        """The graph of a GraphProto, cut at the tensors `inputs` and `outputs`; contents given for one are a constant.

        `raw` holds the bytes of initializers, by position, that were taken out of the message.
        Raises ConversionError with everything that is wrong.
        """
        graph = Graph(proto.name or "graph")
        protos = self._initializers(proto, raw)
        scope = Scope(graph, None, opsets, Tensors(self._buffer, protos, self.file))
        self._inputs(scope, proto, inputs, protos)
        wanted = [*outputs] or [v.name for v in proto.output]
        if not wanted:
            raise ModelError("the model has no outputs", self.file, "name one with --output")
        given = {**scope.values, **protos}
        entries, lost = arrange(proto.node, wanted, given, self._report, inputs)
        scope.values.update(dict.fromkeys(lost - given.keys(), POISON))
        self._nodes_of(scope, entries, given)
        for name in wanted:
            value = self._output(scope, name)
            if isinstance(value, Value):
                graph.add_output(value, name)
        if self.problems or len(graph.outputs) != len(wanted):
            raise ConversionError(self.file, self.problems)
        self._drop_unused(graph, inputs)
        sweep(graph)
        return graph

    def _inputs(self, scope: Scope, proto: Any, inputs: Inputs, protos: Mapping[str, Any]) -> None:
        declared = {v.name: v for v in (*proto.value_info, *proto.output)} if inputs else {}
        declared.update((v.name, v) for v in proto.input)
        names = [v.name for v in proto.input if v.name not in protos or v.name in inputs]
        for name in dict.fromkeys([*names, *inputs]):
            type = inputs.get(name)
            if isinstance(type, Buffer):
                scope.values[name] = scope.graph.insert(Constant(type), (), name=name).outputs[0]
                continue
            try:
                if type is None and name not in declared:
                    raise ModelError(
                        f"the model does not say the type of '{name}'", help=f"give it: --input '{name}[1,3]{{f32}}'"
                    )
                scope.values[name] = scope.graph.add_input(type or self.symbols.type(declared[name].type, name), name)
            except VinocError as error:
                self._report(Problem("input", "", error.what, help=error.help))
                scope.values[name] = POISON
        if len(names) != len(set(names)):
            twice = next(n for n in names if names.count(n) > 1)
            self._report(Problem("input", "", f"two inputs are named '{twice}'", help="rename one of them"))

    def _drop_unused(self, graph: Graph, inputs: Inputs) -> None:
        """Where a cut makes an input of the model superfluous, it goes."""
        for i in reversed(range(len(graph.inputs))):
            if inputs and graph.inputs[i].name not in inputs and not graph.inputs[i].n_uses:
                graph.remove_input(i)

    def _output(self, scope: Scope, name: str) -> Named:
        try:
            return scope.find(name)
        except KeyError:
            _, help = undefined(name, scope.names())
            self._report(Problem("output", "", f"no node computes the output '{name}'", help=help))
        except VinocError as error:
            self._report(Problem("output", "", error.what, help=error.help))
        return POISON

    def _initializers(self, proto: Any, raw: Mapping[int, memoryview]) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        stored = [(t.name, (t, raw.get(i), False)) for i, t in enumerate(proto.initializer)]
        stored += [(t.values.name, (t, None, True)) for t in proto.sparse_initializer]
        for name, tensor in stored:
            if name in found:
                self._report(
                    Problem("initializer", name, f"two initializers are named '{name}'", help="rename one of them")
                )
            found[name] = tensor
        return found

    def _buffer(self, name: str, stored: Stored) -> Buffer:
        proto, raw, sparse = stored
        if sparse:
            return Buffer.of(sparse_array(proto, self.tensors, name))
        return self.tensors.buffer(proto, name, raw)

    # Nodes

    def _nodes_of(self, scope: Scope, entries: Sequence[Entry], given: Mapping[str, Any]) -> None:
        if scope.depth > MAX_DEPTH:
            raise ModelError(
                f"subgraphs or functions are nested more than {MAX_DEPTH} deep",
                self.file,
                "simplify the model before converting it",
            )
        self._nodes += len(entries)
        if self._nodes > MAX_NODES:
            raise ModelError(
                f"the model has more than {MAX_NODES:,} nodes when its functions and loops are written out",
                self.file,
                "simplify the model before converting it",
            )
        values = scope.values
        for entry in entries:
            results = self._node(scope, entry)
            for i, name in enumerate(entry.outputs):
                if not name or name in given:
                    continue
                if results is None:
                    values[name] = POISON
                elif i < len(results) and (value := results[i]) is not None:
                    if isinstance(value, Value) and not value.name:
                        value.name = name
                    values[name] = value
                else:
                    values[name] = POISON
                    what = f"output {i} ('{name}') is not computed by this converter"
                    self._report(self._problem(entry, what, "drop the output if it is not used"))

    def _node(self, scope: Scope, entry: Entry) -> Sequence[Named] | None:
        """The outputs of a node; None when there are none, which is reported where it is not a consequence."""
        proto = entry.proto
        domain = _domain(proto.domain)
        function = self._functions.get((domain, entry.op_type, proto.overload)) if self._functions else None
        opset = scope.opsets.get(domain, 1)
        convert = registry.find(domain, entry.op_type, opset) if function is None else None
        if function is None and convert is None:
            self._unknown(entry, domain)
        inputs = self._operands(scope, entry)
        if inputs is None or (function is None and convert is None):
            self._survey(scope, entry)
            return None
        builder, outer = scope.builder, scope.builder.loc
        builder.loc = Loc(self.file, entry.label, entry.op_type)
        ctx = NodeContext(self, scope, entry, domain, opset, inputs)
        try:
            if convert is None:
                return self._call(scope, ctx, function)
            check_inputs(ctx)
            result = convert(ctx)
            return (result,) if isinstance(result, Value) else result
        except PoisonedError:
            return None
        except VinocError as error:
            if error.where == self.file:  # a limit of the whole model
                raise
            self._report(self._problem(entry, error.what, error.help, inputs))
        except FAULTS as error:
            self._stumbled(entry, error, domain, opset, inputs)
        finally:
            builder.loc = outer
        return None

    def _stumbled(
        self, entry: Entry, error: Exception, domain: str, opset: int, inputs: Sequence[Value | None]
    ) -> None:
        """Reports a node on which its converter failed, by the rule it breaks where one is known."""
        what: str | None = "it needs more memory than there is" if isinstance(error, MemoryError) else None
        help = f"the file breaks the rules of {entry.op_type}; export the model again"
        if what is None:
            from .diagnosis import broken_rule

            what = broken_rule(entry.proto, domain, opset, inputs)
        if what is None:
            what = f"{type(error).__name__}: {error}"
            help = f"the node breaks the rules of {entry.op_type}, or its converter is at fault: please report it"
        self._report(self._problem(entry, what, help, inputs))

    def _operands(self, scope: Scope, entry: Entry) -> list[Value | None] | None:
        """The inputs of a node; None when one of them, or of the values its subgraphs read, is not computed."""
        values, good = scope.values, True
        inputs: list[Named] = []
        for name in entry.inputs:
            if not name:
                inputs.append(None)
                continue
            found = values.get(name)
            if found is None:
                found = self._find(scope, entry, name)
            if found is POISON:
                good = False
            inputs.append(found)
        if entry.captures:
            good = good and POISON not in [self._find(scope, entry, name, inner=True) for name in entry.captures]
        return inputs if good else None  # type: ignore[return-value]  # POISON is not among them

    def _find(self, scope: Scope, entry: Entry, name: str, inner: bool = False) -> Named:
        try:
            return scope.find(name)
        except KeyError:
            self._hints += 1
            what, help = undefined(name, scope.names() if self._hints <= MAX_HINTS else ())
        except VinocError as error:
            what, help = error.what, error.help or ""
        self._report(self._problem(reader_of(entry, name) if inner else entry, what, help))
        scope.values[name] = POISON
        return POISON

    # Functions

    def _call(self, scope: Scope, ctx: NodeContext, function: Any) -> list[Named]:
        """The body of a function in place of the node that calls it."""
        key = (_domain(function.domain), function.name, function.overload)
        self._sizes.check(key, scope.calls)
        inner = Scope(
            scope.graph, None, opsets_of(function.opset_import) or scope.opsets, Tensors(self._buffer, {}, self.file)
        )
        inner.calls = scope.calls | {key}
        inner.depth = scope.depth + 1
        attributes = {a.name: a for a in function.attribute_proto}
        attributes.update(ctx._all())
        inner.attributes = attributes
        for i, name in enumerate(function.input):
            inner.values[name] = ctx.inputs[i] if i < len(ctx.inputs) else None
        self._nodes_of(inner, self._arrange(function, inner, function.output), {})
        outputs = [self._output(inner, name) for name in function.output]
        for name, value in zip(ctx.entry.outputs, outputs, strict=False):
            if isinstance(value, Value) and value not in ctx.inputs and name:
                value.name = name
        return [v if isinstance(v, Value) else POISON for v in outputs]

    # Subgraphs

    def body(self, outer: Scope, proto: Any, inputs: Sequence[Type | Array]) -> Body:
        """A subgraph as a graph of its own, for `NodeContext.make_body`."""
        if len(inputs) != len(proto.input):
            raise ModelError(f"subgraph '{proto.name}' has {len(proto.input)} inputs, expected {len(inputs)}")
        scope = self._enter(Graph(proto.name or "body"), outer, proto)
        scope.builder.loc = outer.builder.loc
        for declared, given in zip(proto.input, inputs, strict=True):
            if isinstance(given, np.ndarray):
                scope.values[declared.name] = scope.builder.const(given, name=declared.name)
            else:
                scope.values[declared.name] = scope.graph.add_input(given, declared.name)
        own = len(scope.graph.inputs)
        for declared, value in zip(proto.output, self._subgraph(scope, proto), strict=True):
            scope.graph.add_output(value, declared.name)
        sweep(scope.graph)
        captures = []
        for at, value in reversed([*enumerate(scope.captures, own)]):
            if scope.graph.inputs[at].n_uses:
                captures.append(value)
            else:
                scope.graph.remove_input(at)
        return Body(scope.graph, tuple(reversed(captures)))

    def inline(self, outer: Scope, proto: Any, inputs: Sequence[Value] = ()) -> list[Value]:
        """A subgraph, converted into the graph around it."""
        if inputs and len(inputs) != len(proto.input):
            raise ModelError(f"subgraph '{proto.name}' has {len(proto.input)} inputs, expected {len(inputs)}")
        scope = self._enter(outer.graph, outer, proto)
        scope.values.update((v.name, given) for v, given in zip(proto.input, inputs, strict=False))
        return self._subgraph(scope, proto)

    def _enter(self, graph: Graph, outer: Scope, proto: Any) -> Scope:
        return Scope(graph, outer, outer.opsets, Tensors(self._buffer, self._initializers(proto, {}), self.file))

    def _subgraph(self, scope: Scope, proto: Any) -> list[Value]:
        entries = self._arrange(proto, scope, [v.name for v in proto.output])
        self._nodes_of(scope, entries, {})
        outputs = [self._output(scope, v.name) for v in proto.output]
        if not all(isinstance(v, Value) for v in outputs):
            raise PoisonedError
        return outputs  # type: ignore[return-value]  # checked above

    def _arrange(self, proto: Any, scope: Scope, outputs: Sequence[str]) -> list[Entry]:
        found = self._arranged.get(id(proto))
        if found is None:
            given = {**scope.values, **scope.tensors.protos}
            found = self._arranged[id(proto)] = arrange(proto.node, outputs, given, self._report)
            self._kept.append(proto)  # so that its id stays its own
        scope.values.update(dict.fromkeys(found[1], POISON))
        return found[0]

    # Problems

    def _unknown(self, entry: Entry, domain: str) -> None:
        known = [op for d, op in registry.table() if d == domain]
        hint = did_you_mean(entry.op_type, known)
        if not known:
            hint = f"no operator of domain '{domain}' is known;"
        at = next(filter(None, entry.outputs), "")
        advice = "cut the model before it (--output takes the name of any tensor), or add a converter with --plugin"
        if domain == NCHWC:
            hint, advice = "", "it is for one processor: optimize the model at level ORT_ENABLE_EXTENDED, or lower"
        name = entry.op_type if not domain else f"{domain}.{entry.op_type}"
        what = f"operator '{name}' is not supported" + (f" (it computes '{at}')" if at and at != entry.label else "")
        self._report(self._problem(entry, what, f"{hint} {advice}".strip()))

    def _survey(self, scope: Scope, entry: Entry) -> None:
        """Reports the unknown operators within the subgraphs of a node that is not converted."""
        stack = list(subgraphs(entry.proto)) if entry.op_type in CONTROL else []
        while stack:
            for proto in stack.pop().node:
                domain = _domain(proto.domain)
                if (domain, proto.op_type, proto.overload) in self._functions:
                    continue
                if registry.find(domain, proto.op_type, scope.opsets.get(domain, 1)) is None:
                    self._unknown(Entry(proto), domain)
                if proto.op_type in CONTROL:
                    stack.extend(subgraphs(proto))

    def _problem(self, entry: Entry, what: str, help: str | None, inputs: Sequence[Value | None] = ()) -> Problem:
        from .diagnosis import listed_types

        types = "" if "[inputs:" in what else listed_types(inputs)
        return Problem(entry.op_type, entry.label, what, types, help or ADVICE)

    def _report(self, problem: Problem) -> None:
        key = (problem.op, problem.node, problem.what)
        if key not in self._reported:  # a function's node is met at every call
            self._reported.add(key)
            self.problems.append(problem)

    def forget(self, mark: int) -> None:
        """Takes back the problems reported since there were `mark`."""
        for p in self.problems[mark:]:
            self._reported.discard((p.op, p.node, p.what))
        del self.problems[mark:]


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def opsets_of(imports: Sequence[Any]) -> dict[str, int]:
    """Domain -> version; the newest where a domain is imported twice."""
    out: dict[str, int] = {}
    for o in imports:
        domain = _domain(o.domain)
        out[domain] = max(out.get(domain, 0), int(o.version))
    return out
