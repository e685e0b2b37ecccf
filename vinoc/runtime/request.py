"""Requests: inferences of one model one after the other, at once or in the background."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any
from warnings import warn

from ..ir.errors import ArgumentTypeError, UsageError, VinocError
from .arguments import Binder
from .both import Both
from .engines import Engine, submitter
from .ports import Port, Ported, find_port
from .profiling import ProfilingInfo
from .results import Results, TextForms
from .slots import Inputs, Outputs
from .states import VariableState
from .tensor import Tensor

if TYPE_CHECKING:
    from .compiled import CompiledModel

Callback = Callable[[Any], Any]
Finished = Callable[["InferRequest", BaseException | None], None]
"""Is told that a background inference is over, with what went wrong."""


class CancelledError(VinocError):
    """An inference was cancelled before it was over."""


class InferRequest(Ported):
    """One sequence of inferences: it keeps its inputs, the state of stateful models and the last results.

    While an inference runs in the background, the request is busy: all but `wait`, `wait_for` and `cancel` is refused.
    """

    def __init__(self, model: CompiledModel) -> None:
        self._model = model
        self._inputs, self._outputs = model._inputs, model._outputs
        self._engine: Engine = model._start()
        self._in, self._out = Inputs(self._inputs), Outputs(self._outputs)
        self._bind = Binder(self._inputs, self._in.stands)
        self._texts = TextForms(self._outputs)
        self._results: Results | None = None
        self._callback: Callback | None = None
        self._userdata: Any = None
        self._finished: Finished | None = None
        self._values: list[Any] = []
        self._cancelled = False
        self._guard = threading.Lock()
        """Held while an inference uses the memory of the request."""
        self._done: threading.Lock | None = None
        """Held until the end of the callback that follows the inference in the background."""
        self._process = os.getpid()
        self._error: BaseException | None = None
        self._seconds = self._began = 0.0
        self._submit = submitter(self._engine)

    # Running

    def infer(
        self,
        inputs: Any = None,
        share_inputs: bool = False,
        share_outputs: bool = False,
        *,
        decode_strings: bool = True,
    ) -> Results:
        """Runs the model. Inputs: a dict (keys: names, indices or ports), a list, or one array; values are arrays,
        Tensors, or what NumPy makes arrays of. An input that is not given stays as it was.

        Inputs are copied to memory of the request; with `share_inputs` they are read where they are. The results are
        the caller's own; with `share_outputs` they are the memory of the output tensors, which the next inference
        overwrites. Strings come as arrays of kind U, or, without `decode_strings`, of kind S.
        Sequences are lists of arrays, an empty optional is None. Raises UsageError for inputs that do not fit,
        EvaluationError when an operation cannot be computed.
        """
        alone = not share_inputs or share_outputs or self._in.has_tensors or self._out.wanted
        if alone:
            self._take_over()
        else:  # nothing of the request is written to: calls from several threads do not disturb each other
            self._check_idle()
        began = perf_counter()
        try:
            given, plain = self._bind(inputs)
            arrays = self._engine.run(self._in.take(given, share_inputs, plain))
            if alone or self._texts:
                arrays = self._handed(arrays, share_outputs, decode_strings)
            self._results = results = Results(self._outputs, arrays)
            self._seconds = perf_counter() - began
        finally:
            if alone:
                self._guard.release()
        return results

    def _handed(self, arrays: list[Any], share: bool, decode: bool) -> list[Any]:
        """The results in the form that is asked for, given to the output tensors as well."""
        if self._out.wanted:
            self._out.receive(arrays)
        if share:
            arrays = self._out.shared(arrays)
        return self._texts.given(arrays, decode) if self._texts else arrays

    def start_async(self, inputs: Any = None, userdata: Any = None, share_inputs: bool = False) -> None:
        """Begins an inference in the background. Inputs as for `infer`; `wait` waits for its end.

        `userdata` is what the callback gets. Raises UsageError for inputs that do not fit; what goes wrong later is
        raised by `wait`.
        """
        if userdata is not None and self._callback is None and self._finished is None:
            warn("there is no callback that gets `userdata`", RuntimeWarning, stacklevel=2)
        self._take_over()
        try:
            given, plain = self._bind(inputs)
            self._values = self._in.take(given, share_inputs, plain)
            self._userdata = self._userdata if userdata is None else userdata
            self._cancelled, self._error = False, None
            self._done = threading.Lock()
            self._done.acquire()
            self._began = perf_counter()
            if self._submit is None:
                self._model.workers.run(self._run)
            else:
                self._submit(self._values, self._end)
        except BaseException:  # inputs do not fit, or no thread could be started
            self._done = None
            self._guard.release()
            raise

    def _run(self) -> None:
        """The inference, on a thread of the model."""
        self._began = perf_counter()
        arrays: list[Any] = []
        error: BaseException | None = None
        try:
            if not self._cancelled:
                arrays = self._engine.run(self._values)
        except BaseException as fault:
            error = fault
        self._end(arrays, error)

    def _end(self, arrays: list[Any], error: BaseException | None) -> None:
        """What follows the inference, on the thread that computed: results, callbacks. It raises nothing."""
        done = self._done
        assert done is not None
        try:
            if error is None and not self._cancelled:
                if self._texts or self._out.wanted:
                    arrays = self._handed(arrays, False, True)
                self._results = Results(self._outputs, arrays)
        except BaseException as fault:
            error = fault
        if self._cancelled and error is None:
            error = CancelledError("the inference was cancelled")
        self._seconds = perf_counter() - self._began
        self._values = []
        self._error = error
        self._guard.release()
        try:
            if self._finished is not None:
                self._finished(self, error)
            elif self._callback is not None and error is None:
                self._callback(self._userdata)
        except BaseException as fault:
            if self._done is done:
                self._error = callback_error(fault)
        finally:
            done.release()

    def wait(self) -> None:
        """Waits for the end of the inference in the background, and of its callback. Raises what went wrong there."""
        self._wait_for(-1)
        if self._error is not None:
            raise self._error

    def wait_for(self, timeout: float) -> bool:
        """The same, for so many milliseconds at most. Returns whether it has ended; False when none was begun."""
        if self._done is None or not self._wait_for(max(timeout, 0) / 1000):
            return False
        if self._error is not None:
            raise self._error
        return True

    def _wait_for(self, seconds: float) -> bool:
        self._is_busy()
        ended: threading.Lock | None = None
        while self._done is not None and self._done is not ended:  # a callback may have begun the next one
            ended = self._done
            if not ended.acquire(timeout=seconds):
                return False
            ended.release()
        return True

    def cancel(self) -> None:
        """Gives the inference in the background up: `wait` raises CancelledError, there are no results, no callback.

        What a device has begun it ends; what it computes is dropped. Does nothing when none runs.
        """
        if self._is_busy():
            self._cancelled = True

    def set_callback(self, callback: Callback, userdata: Any = None) -> None:
        """What is called, with `userdata`, at the end of every inference in the background that went well."""
        self._check_idle()
        if not callable(callback):
            raise ArgumentTypeError(f"a callback is a function, not a {type(callback).__name__}")
        self._callback, self._userdata = callback, userdata

    def _take_over(self) -> None:
        """The memory of the request is the caller's until the guard is released."""
        if not self._guard.acquire(blocking=False):
            self._check_idle()
            self._guard.acquire()
        self._process = os.getpid()

    def _check_idle(self) -> None:
        if self._guard.locked() and self._is_busy():
            raise UsageError(
                "the request is busy: an inference runs", help="call `wait` before, or use another request"
            )

    def _is_busy(self) -> bool:
        """Whether an inference runs. In the child of a fork none does: the threads are the parent's."""
        if not self._guard.locked():
            return False
        if self._process != os.getpid():
            self._process = os.getpid()
            self._guard, self._done = threading.Lock(), None
            self._error = VinocError("the inference runs in the process that this one was forked from")
            return False
        return True

    # Tensors

    def get_tensor(self, name: Any) -> Tensor:
        """The tensor of an input or output, by name or port: its memory is what inferences read or write."""
        self._check_idle()
        port = self._port(name)
        return self._in.tensor(port.index) if port.is_input else self._output_tensor(port.index)

    def get_input_tensor(self, index: int | None = None) -> Tensor:
        """The tensor of an input, by index; without one, of the only input."""
        self._check_idle()
        return self._in.tensor(self.input(index).index)

    def get_output_tensor(self, index: int | None = None) -> Tensor:
        """The tensor of an output, by index; without one, of the only output."""
        self._check_idle()
        return self._output_tensor(self.output(index).index)

    def _output_tensor(self, index: int) -> Tensor:
        return self._out.tensor(index, None if self._results is None else self._results._values[index])

    @property
    def input_tensors(self) -> list[Tensor]:
        self._check_idle()
        return [self._in.tensor(p.index) for p in self._inputs]

    @property
    def output_tensors(self) -> list[Tensor]:
        self._check_idle()
        return [self._output_tensor(p.index) for p in self._outputs]

    def set_tensor(self, name: Any, tensor: Tensor) -> None:
        """Inferences read or write the memory of a tensor, for an input or output by name or port.

        Raises UsageError where element type or shape do not fit.
        """
        self._check_idle()
        port = self._port(name)
        (self._in if port.is_input else self._out).set(port.index, tensor)

    def set_tensors(self, inputs: Any, tensors: Iterable[Tensor] | None = None) -> None:
        """`set_tensors({name: tensor})` for several names or ports; `set_tensors(name, tensors)` for the parts of one
        input, which are joined along its first dimension when they are read."""
        if tensors is not None:
            self._check_idle()
            self._in.set_parts(self._port(inputs).index, list(tensors))
            return
        for name, tensor in inputs.items():
            self.set_tensor(name, tensor)

    def set_input_tensor(self, index: Any, tensor: Tensor | None = None) -> None:
        """`set_input_tensor(tensor)` for the only input, `set_input_tensor(index, tensor)` for one of several."""
        self._set(self._in, *_split(index, tensor), self.input)

    def set_output_tensor(self, index: Any, tensor: Tensor | None = None) -> None:
        """`set_output_tensor(tensor)` for the only output, `set_output_tensor(index, tensor)` for one of several."""
        self._set(self._out, *_split(index, tensor), self.output)

    def set_input_tensors(self, inputs: Any, tensors: Iterable[Tensor] | None = None) -> None:
        """`set_input_tensors({index: tensor})`; or a list: the parts of the only input, or, behind its index,
        of one of several: they are joined along its first dimension when they are read."""
        self._check_idle()
        if isinstance(inputs, Mapping):
            for index, tensor in inputs.items():
                self._set(self._in, index, tensor, self.input)
            return
        index, parts = (None, inputs) if tensors is None else (inputs, tensors)
        self._in.set_parts(self.input(index).index, list(parts))

    def set_output_tensors(self, outputs: Mapping[Any, Tensor]) -> None:
        """Tensors for outputs, by index, name or port."""
        for index, tensor in outputs.items():
            self._set(self._out, index, tensor, self.output)

    def _set(self, side: Inputs | Outputs, key: Any, tensor: Any, find: Callable[[Any], Port]) -> None:
        self._check_idle()
        side.set(find(key).index, tensor)

    def _port(self, name: Any) -> Port:
        if isinstance(name, str | Port):
            return find_port([*self._inputs, *self._outputs], name, "input or output")
        raise ArgumentTypeError(f"a tensor is found by name or port, not by {type(name).__name__}")

    # What was

    model_inputs, model_outputs = Ported.inputs, Ported.outputs

    @property
    def results(self) -> Results:
        """What the last inference gave; empty before the first."""
        self._check_idle()
        return self._results if self._results is not None else Results([], [])

    @property
    def userdata(self) -> Any:
        return self._userdata

    @property
    def latency(self) -> float:
        """Milliseconds that the last inference took."""
        return self._seconds * 1000

    def get_compiled_model(self) -> CompiledModel:
        return self._model

    def get_profiling_info(self) -> list[ProfilingInfo]:
        """What the last inference spent its time on, step by step. Raises UsageError without PERF_COUNT."""
        self._check_idle()
        return self._engine.times()

    profiling_info = Both(get_profiling_info)

    # State

    def query_state(self) -> list[VariableState]:
        """The variables of a stateful model, to be read, set and reset."""
        self._check_idle()
        declared = self._model.variables
        names = [*declared, *(n for n in self._engine.variables() if n not in declared)]
        return [VariableState(n, self._engine, declared.get(n)) for n in names]

    def reset_state(self) -> None:
        """Forgets what a stateful model remembers."""
        self._check_idle()
        self._engine.reset()

    def __repr__(self) -> str:
        return described("InferRequest", self._inputs, self._outputs)


def described(what: str, inputs: Iterable[Port], outputs: Iterable[Port]) -> str:
    """Something with inputs and outputs, as OpenVINO prints it."""
    sides = (("inputs", inputs), ("outputs", outputs))
    return f"<{what}:" + "".join(f"\n{s}[\n" + ",\n".join(map(repr, p)) + "\n]" for s, p in sides) + ">"


def callback_error(fault: BaseException) -> BaseException:
    """The error about a callback that failed."""
    error = VinocError(f"the callback failed: {type(fault).__name__}: {fault}")
    error.__cause__ = fault
    return error


def _split(index: Any, tensor: Tensor | None) -> tuple[Any, Any]:
    return (None, index) if tensor is None else (index, tensor)
