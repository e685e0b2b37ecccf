"""Models, as programs see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..ir.errors import ArgumentTypeError, UsageError
from ..ir.graph import Graph
from ..ir.types import TensorType
from ..ir.verify import verify
from . import changes
from .anyvalue import OVAny, RTMap, look_up, put
from .both import Both
from .element import Type
from .nodes.assemble import model_graph
from .nodes.kinds import Parameter, Result
from .nodes.listing import NodeLists
from .nodes.node import Node
from .nodes.ports import Output
from .ports import Port, Ported, one_of, ports_of
from .request import described
from .reshape import batch_of, read_shape, reshape, set_batch_of
from .shapes import Dimension, PartialShape
from .states import Variable, variables_of
from .tensor import Tensor
from .vectors import Shape


class Model(Ported, NodeLists):
    """A model that was read, or made of nodes: its ports, and the graph below them."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """`Model(results, [sinks,] parameters, [variables,] name="")` of nodes; `Model(model)`: a copy.

        Results are nodes, outputs or one of them; what they depend on becomes the model's own. Raises UsageError for
        Parameters that are used and not listed. A Graph alone is taken over as it is.
        """
        first = args[0] if args else None
        if isinstance(first, Graph | Model) and len(args) == 1 and not named:
            graph = first if isinstance(first, Graph) else first.graph.clone()
        else:
            graph = model_graph(args, named)
        self.graph: Graph = graph

    # Names and facts

    def get_friendly_name(self) -> str:
        return self.graph.name

    def set_friendly_name(self, name: str) -> None:
        self.graph.name = name

    def get_name(self) -> str:
        """The model's name; where OpenVINO has a second, unchangeable one, it is the same here."""
        return self.graph.name

    friendly_name, name = Both(get_friendly_name, set_friendly_name), Both(get_name)

    def is_dynamic(self) -> bool:
        """Whether the shape of anything in it is open."""
        values = [*self.graph.inputs, *(v for n in self.graph for v in n.outputs)]
        return any(not isinstance(v.type, TensorType) or not v.type.is_static for v in values)

    dynamic = Both(is_dynamic)

    # Inputs and outputs

    @property
    def inputs(self) -> list[Output]:  # type: ignore[override]
        return [p.output(0) for p in self.parameters]

    @property
    def outputs(self) -> list[Output]:  # type: ignore[override]
        return [r.output(0) for r in self.results]

    def input(self, key: Any = None) -> Output:
        """An input by name or index; without either the only one. Raises UsageError."""
        return one_of(self.inputs, key, "input")

    def output(self, key: Any = None) -> Output:
        """An output by name or index; without either the only one. Raises UsageError."""
        return one_of(self.outputs, key, "output")

    def add_outputs(self, outputs: Any) -> list[Output]:
        """Makes tensors outputs: by name, as (name of a node, index), as Outputs, or a list of these.

        Those that are outputs already stay what they are. Returns the outputs. Raises UsageError for unknown names.
        """
        return [changes.add_output(self.graph, o) for o in (outputs if isinstance(outputs, list) else [outputs])]

    def add_results(self, results: Iterable[Result]) -> None:
        changes.add_results(self.graph, results)

    def remove_result(self, result: Result) -> None:
        changes.remove_result(self.graph, result)

    def add_sinks(self, sinks: Iterable[Node]) -> None:
        """Adds nodes that set variables, with what they depend on."""
        changes.add_sinks(self.graph, sinks)

    def remove_sink(self, sink: Node) -> None:
        changes.remove_sink(self.graph, sink)

    def get_sink_index(self, sink: Node) -> int:
        return changes.sink_index(self.graph, sink)

    def add_parameters(self, parameters: Iterable[Parameter]) -> None:
        changes.add_parameters(self.graph, parameters)

    def remove_parameter(self, parameter: Parameter) -> None:
        """Raises UsageError while something reads it."""
        changes.remove_parameter(self.graph, parameter)

    def replace_parameter(self, parameter_index: int, parameter: Parameter) -> None:
        """What reads an input reads another Parameter, which takes its place; types are inferred again."""
        changes.replace_parameter(self.graph, parameter_index, parameter)

    def get_parameter_index(self, parameter: Parameter) -> int:
        """Which input it is; -1: none."""
        return changes.parameter_index(self.graph, parameter)

    def get_result_index(self, value: Result | Output) -> int:
        return changes.result_index(self.graph, value)

    def get_result(self) -> Result:
        """The only one. Raises UsageError when there are several."""
        if len(self.results) != 1:
            raise UsageError(f"the model has {len(self.results)} outputs", help="use `results`")
        return self.results[0]

    result = Both(get_result)

    def get_output_size(self) -> int:
        return len(self.graph.outputs)

    def get_output_op(self, index: int) -> Result:
        return self.results[index]

    def get_output_shape(self, index: int) -> Shape:
        return self.output(index).shape

    def get_output_partial_shape(self, index: int) -> PartialShape:
        return self.output(index).partial_shape

    def get_output_element_type(self, index: int) -> Type:
        return self.output(index).element_type

    # Shapes

    def reshape(self, partial_shape: Any, variables_shapes: Mapping[str, Any] | None = None) -> None:
        """Gives inputs other shapes; all that depends on them is inferred again.

        A shape (PartialShape, list, tuple or text) for the only input, or a dict of shapes by name, index or port.
        `variables_shapes`: of variables, by name. Raises UsageError for shapes that the model cannot take.
        """
        by_key = partial_shape if isinstance(partial_shape, Mapping) else {None: partial_shape}
        read = {key: read_shape(shape) for key, shape in by_key.items()}
        reshape(self.graph, {self._input_index(key): s for key, s in read.items()}, variables_shapes)

    def _input_index(self, key: Any) -> int:
        if key is not None and not isinstance(key, str | int | Port):
            raise ArgumentTypeError(f"an input is named by a name, an index or a port, not by {type(key).__name__}")
        return one_of(ports_of(self.graph)[0], key, "input").index

    def get_batch(self) -> Dimension:
        """The batch of the inputs whose layout has one. Raises UsageError where none has."""
        return batch_of(self.graph)

    def set_batch(self, batch_size: Any = -1) -> None:
        """Gives all inputs whose layout has a batch another one; -1: an open one."""
        set_batch_of(self.graph, batch_size)

    def validate_nodes_and_infer_types(self) -> None:
        """Compares all types with what is inferred again, and all links. Raises VerificationError.

        Types follow every change at once, so there is nothing else to do.
        """
        verify(self.graph)

    # Variables

    def get_variables(self) -> list[Variable]:
        """What a stateful model remembers from one inference to the next."""
        return variables_of(self.graph)

    variables = Both(get_variables)

    def get_variable_by_id(self, variable_id: str) -> Variable | None:
        return next((v for v in self.variables if v.info.variable_id == variable_id), None)

    # Runtime information

    @property
    def rt_info(self) -> RTMap:
        """What programs note at the model; it is saved with it."""
        return RTMap(self.graph.rt_info)

    def get_rt_info(self, path: Any = None) -> Any:
        """All of it; or what stands at a name, or at the names of nested maps. Raises UsageError where nothing does."""
        return self.rt_info if path is None else OVAny(look_up(self.graph.rt_info, path))

    def set_rt_info(self, obj: Any, path: Any) -> None:
        """Notes something under a name, or under the names of nested maps."""
        put(self.graph.rt_info, path, obj)

    def has_rt_info(self, path: Any) -> bool:
        try:
            look_up(self.graph.rt_info, path)
        except UsageError:
            return False
        return True

    # The whole

    def clone(self) -> Model:
        """A copy that can be changed on its own."""
        copy = Model(self.graph.clone())
        pairs = [*zip(self.parameters, copy.parameters), *zip(self.results, copy.results)]
        for mine, other in pairs:
            other.rt_info.update(mine.rt_info)
            if other.friendly_name != mine.friendly_name:
                other.set_friendly_name(mine.friendly_name)
        return copy

    def evaluate(
        self, output_tensors: Sequence[Tensor], input_tensors: Sequence[Tensor], evaluation_context: Any = None
    ) -> bool:
        """Computes the model by the definitions of its operations, from tensors into tensors. Raises VinocError."""
        from ..backends.numpy.interpreter import Interpreter

        sides = ((input_tensors, self.graph.inputs, "inputs"), (output_tensors, self.graph.outputs, "outputs"))
        for tensors, values, side in sides:
            if len(tensors) != len(values):
                raise UsageError(f"{len(tensors)} tensors are given, the model has {len(values)} {side}")
        results = Interpreter(self.graph).run([t.elements() for t in input_tensors])
        for tensor, result in zip(output_tensors, results, strict=True):
            tensor.set_elements(result)
        return True

    def __copy__(self) -> Model:
        raise TypeError("a model is not copied in part: use copy.deepcopy, or `clone`")

    def __deepcopy__(self, memo: object) -> Model:
        return self.clone()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        del self.graph

    def __repr__(self) -> str:
        return described(f"Model: '{self.friendly_name}'", *ports_of(self.graph)).replace("':\n", "'\n", 1)


def get_batch(model: Model) -> Dimension:
    """The batch of a model whose inputs' layouts have one. Raises UsageError where none has."""
    return model.get_batch()


def set_batch(model: Model, batch_size: Any = -1) -> None:
    """Gives the inputs of a model whose layouts have a batch another one: a number, a Dimension, -1 for an open one."""
    if isinstance(batch_size, str):
        raise ArgumentTypeError("a batch is a number or a Dimension, not text")
    model.set_batch(batch_size)
