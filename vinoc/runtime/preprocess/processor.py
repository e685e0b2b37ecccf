"""`PrePostProcessor`: steps before a model and behind it, built into its graph."""

from __future__ import annotations

from ...ir.errors import ArgumentTypeError, UsageError
from ..model import Model
from ..nodes.kinds import Result
from ..ports import find_port, ports_of
from .apply import Trace, before, behind, label
from .dump import input_text, output_text
from .info import InputInfo, OutputInfo
from .journal import Journal


class PrePostProcessor:
    """Collects what is said of a model's inputs and outputs; `build` puts the steps into the model.

    `str` shows the steps and what becomes of the tensors, the steps that are added by themselves included.
    """

    def __init__(self, model: Model) -> None:
        if not isinstance(model, Model):
            raise ArgumentTypeError(f"PrePostProcessor: expected a Model, got {type(model).__name__}")
        self._model = model
        self._inputs: dict[int, InputInfo] = {}
        self._outputs: dict[int, OutputInfo] = {}
        self._built = False

    def input(self, key: int | str | None = None, **named: int | str) -> InputInfo:
        """An input by number (`input_index`) or name (`tensor_name`); without either the only one."""
        return self._inputs.setdefault(self._index(True, key, named), InputInfo())

    def output(self, key: int | str | None = None, **named: int | str) -> OutputInfo:
        """An output by number (`output_index`) or name (`tensor_name`); without either the only one."""
        return self._outputs.setdefault(self._index(False, key, named), OutputInfo())

    def _index(self, is_input: bool, key: int | str | None, named: dict[str, int | str]) -> int:
        """Which port is meant. Raises UsageError that lists what there is."""
        side = "input" if is_input else "output"
        if set(named) - {"tensor_name", f"{side}_index"} or len(named) + (key is not None) > 1:
            raise ArgumentTypeError(f"{side}: expected a tensor_name or {side}_index, got {', '.join(named) or key}")
        if self._built:
            raise UsageError("the steps are in the model already", help="make another PrePostProcessor for more")
        wanted = next(iter(named.values()), key)
        if not isinstance(wanted, str | None) and (not hasattr(wanted, "__index__") or int(wanted) < 0):
            raise ArgumentTypeError(f"{side}: expected a name or a number from 0 on, got {wanted!r}")
        ports = ports_of(self._model.graph)[not is_input]
        if wanted is None and len(ports) != 1:
            raise UsageError(f"the model has {len(ports)} {side}s", help=f"say which: {side}(0), or {side}(name)")
        return find_port(ports, 0 if wanted is None else wanted, side).index

    def build(self) -> Model:
        """The model with all steps in it: the same object, changed; after an error it is as it was.

        Raises UsageError for steps that cannot be made, naming the input or output and the step.
        """
        if self._built:
            raise UsageError("the steps are in the model already", help="make another PrePostProcessor for more")
        graph = self._model.graph
        traces: dict[int, Trace] = {}
        with Journal(graph) as journal:
            noted = [p.get_layout() for p in self._model.parameters]
            made = [(i, before(graph, i, info, noted[i], journal, Trace())) for i, info in sorted(self._inputs.items())]
            for i, value in made:
                where = f"input {label(graph.inputs[i], graph.input_names[i], i)}"
                journal.replace_uses(graph.inputs[i], value, where)
            for i, info in sorted(self._outputs.items()):
                known, traces[i] = Result.of(graph, i).get_layout(), Trace()
                journal.set_output(i, behind(graph, i, info, known, traces[i]))
            journal.place_inputs()
        for i, trace in traces.items():
            if not trace.layout.empty:
                Result.of(graph, i).set_layout(trace.layout)
        self._built = True
        return self._model

    def __str__(self) -> str:
        graph, model = self._model.graph, self._model
        ins = [
            input_text(graph.clone(), i, info, model.parameters[i].get_layout())
            for i, info in sorted(self._inputs.items())
        ]
        outs = [
            output_text(graph.clone(), i, info, model.results[i].get_layout())
            for i, info in sorted(self._outputs.items())
        ]
        return "".join([*ins, *outs])

    def __repr__(self) -> str:
        return f"<PrePostProcessor: {self}>"
