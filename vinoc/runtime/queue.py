"""A queue of requests that run in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

from ..ir.errors import ArgumentTypeError, UsageError
from .compiled import CompiledModel
from .request import InferRequest, callback_error


class AsyncInferQueue:
    """Requests of one model: `start_async` takes one that is idle, or waits for one.

    The callback gets the request and the `userdata` of `start_async`, on the thread that computed. A request whose
    inference or callback failed is idle again, and the others go on; `wait_all` raises the first error.
    """

    def __init__(self, model: CompiledModel, jobs: int = 0) -> None:
        """`jobs`: how many requests; 0: as many as suit the device. Raises UsageError, TypeError."""
        if not isinstance(model, CompiledModel):
            raise ArgumentTypeError(f"a queue is made of a CompiledModel, not of a {type(model).__name__}")
        if jobs < 0:
            raise ArgumentTypeError(f"a queue has 0 jobs or more, not {jobs}")
        count = jobs or int(model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._requests = [model.create_infer_request() for _ in range(count)]
        self._state = _State(count)
        self._next: list[int] = []
        for i, request in enumerate(self._requests):
            request._finished = _Finished(self._state, i)
            self._state.idle.put(i)

    def start_async(self, inputs: Any = None, userdata: Any = None, share_inputs: bool = False) -> None:
        """Begins an inference with a request that is idle. Inputs as for `InferRequest.infer`.

        Raises UsageError for inputs that do not fit; what goes wrong later is raised by `wait_all`.
        """
        i = self._take()
        try:
            self._state.userdata[i] = userdata
            self._requests[i].start_async(inputs, None, share_inputs)
        except BaseException:
            self._next.append(i)
            raise

    def _take(self) -> int:
        try:
            return self._next.pop()
        except IndexError:
            return self._state.idle.get()

    def set_callback(self, callback: Callable[[InferRequest, Any], Any]) -> None:
        """What is called with the request and its `userdata` at the end of every inference that went well."""
        if not callable(callback):
            raise ArgumentTypeError(f"a callback is a function, not a {type(callback).__name__}")
        self._state.callback = callback

    def wait_all(self) -> None:
        """Waits until all requests are idle. Raises the first error of inferences and callbacks since the last time."""
        for request in self._requests:
            request._wait_for(-1)
        errors, self._state.errors = self._state.errors, []
        if errors:
            if len(errors) > 1:
                errors[0].add_note(f"and {len(errors) - 1} more of the queue's inferences failed")
            raise errors[0]

    def is_ready(self) -> bool:
        """Whether a request is idle, so that `start_async` does not wait."""
        return bool(self._next) or not self._state.idle.empty()

    def get_idle_request_id(self) -> int:
        """The request that `start_async` takes next; waits until there is one."""
        i = self._take()
        self._next.append(i)
        return i

    @property
    def userdata(self) -> list[Any]:
        """Of each request, what its last `start_async` was given."""
        return list(self._state.userdata)

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[InferRequest]:
        return iter(self._requests)

    def __getitem__(self, index: int) -> InferRequest:
        if not 0 <= index < len(self._requests):
            raise UnknownJobError(f"no request {index}: the queue has {len(self._requests)}")
        return self._requests[index]

    def __repr__(self) -> str:
        return f"<AsyncInferQueue: {len(self)} jobs>"


class UnknownJobError(UsageError, IndexError):
    """A queue has no request of that number."""


class _State:
    """What a queue and the ends of its inferences share. It does not hold the requests, so that they can go."""

    def __init__(self, count: int) -> None:
        self.userdata: list[Any] = [None] * count
        self.callback: Callable[[InferRequest, Any], Any] | None = None
        self.errors: list[BaseException] = []
        self.idle: SimpleQueue[int] = SimpleQueue()


class _Finished:
    """What is done at the end of an inference."""

    __slots__ = ("_index", "_state")

    def __init__(self, state: _State, index: int) -> None:
        self._state = state
        self._index = index

    def __call__(self, request: InferRequest, error: BaseException | None) -> None:
        state, index = self._state, self._index
        try:
            if error is not None:
                state.errors.append(error)
            elif state.callback is not None:
                state.callback(request, state.userdata[index])
        except BaseException as fault:
            state.errors.append(callback_error(fault))
        finally:
            state.idle.put(index)
