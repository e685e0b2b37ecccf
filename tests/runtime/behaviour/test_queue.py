"""`AsyncInferQueue`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .calls import REFUSED, Raises, checked
from .models import compiled_net, image

CALLS: dict[str, Any] = {
    "len(ov.AsyncInferQueue(compiled, 3))": 3,
    "len(ov.AsyncInferQueue(compiled, jobs=2))": 2,
    "len(ov.AsyncInferQueue(compiled)) >= 1": True,
    "len(ov.AsyncInferQueue(compiled, 0)) >= 1": True,
    "ov.AsyncInferQueue(compiled, 2).is_ready()": True,
    'ov.AsyncInferQueue(compiled, 2)[0].get_tensor("prob").shape == ov.Shape([1, 2])': True,
    "type(ov.AsyncInferQueue(compiled, 2)[1]).__name__": "InferRequest",
    "len(list(ov.AsyncInferQueue(compiled, 3)))": 3,
    "ov.AsyncInferQueue(compiled, 2).get_idle_request_id() in (0, 1)": True,
    "ov.AsyncInferQueue(compiled, 2).userdata": [None, None],
    "run_queue(ov, compiled, data)": True,
    "run_queue_inputs(ov, compiled, data)": [True, True, True],
    "without_userdata(ov, compiled, data)": [None],
    "without_callback(ov, compiled, data)": [(1, 2), (1, 2)],
    "shared_queue(ov, compiled, data)": True,
    "set_handles(ov, compiled, data)": [0.0, 46.55],
    "failing_callback(ov, compiled, data)": REFUSED,
    "failing_input(ov, compiled, data)": Raises(RuntimeError),
    "idle_after(ov, compiled, data)": [True, 0, ["u"]],
    "kept_results(ov, compiled, data)": 8,
    "callback_on_jobs(ov, compiled, data)": 36,
}


def handled(ov: Any, compiled: Any, jobs: int, feeds: list[Any], **how: Any) -> dict[Any, Any]:
    """What a queue's callback sees: sums of `features` by userdata."""
    found: dict[Any, Any] = {}
    queue = ov.AsyncInferQueue(compiled, jobs)

    def callback(request: Any, userdata: Any) -> None:
        found[userdata] = round(float(request.get_tensor("features").data.sum()), 2)

    queue.set_callback(callback)
    for i, feed in enumerate(feeds):
        queue.start_async(feed, i, **how)
    queue.wait_all()
    return found


def expected(compiled: Any, feeds: list[Any]) -> dict[Any, Any]:
    return {i: round(float(compiled(f)["features"].sum()), 2) for i, f in enumerate(feeds)}


def run_queue(ov: Any, compiled: Any, data: Any) -> bool:
    feeds = [data * i for i in range(20)]
    return handled(ov, compiled, 4, feeds) == expected(compiled, feeds)


def run_queue_inputs(ov: Any, compiled: Any, data: Any) -> list[bool]:
    """Inputs by name, index, in a list."""
    wanted = expected(compiled, [data])
    return [handled(ov, compiled, 2, [feed]) == wanted for feed in ({"data": data}, {0: data}, [data])]


def without_userdata(ov: Any, compiled: Any, data: Any) -> list[Any]:
    seen: list[Any] = []
    queue = ov.AsyncInferQueue(compiled, 1)
    queue.set_callback(lambda request, userdata: seen.append(userdata))
    queue.start_async(data)
    queue.wait_all()
    return seen


def without_callback(ov: Any, compiled: Any, data: Any) -> list[Any]:
    queue = ov.AsyncInferQueue(compiled, 2)
    for _ in range(2):
        queue.start_async(data)
    queue.wait_all()
    return [r.results["prob"].shape for r in queue]


def shared_queue(ov: Any, compiled: Any, data: Any) -> bool:
    feeds = [np.ascontiguousarray(data * i) for i in range(6)]
    return handled(ov, compiled, 2, feeds, share_inputs=True) == expected(compiled, feeds)


def set_handles(ov: Any, compiled: Any, data: Any) -> list[float]:
    """Tensors set at the requests of a queue, one by one."""
    queue = ov.AsyncInferQueue(compiled, 2)
    for i in range(2):
        queue[i].set_tensor("data", ov.Tensor(data * i))
    for _ in range(2):
        queue.start_async()
    queue.wait_all()
    return sorted(round(float(r.get_tensor("features").data.sum()), 2) for r in queue)


def failing_callback(ov: Any, compiled: Any, data: Any) -> Any:
    queue = ov.AsyncInferQueue(compiled, 2)

    def fail(request: Any, userdata: Any) -> None:
        raise ValueError("on purpose")

    queue.set_callback(fail)
    queue.start_async(data)
    queue.wait_all()


def failing_input(ov: Any, compiled: Any, data: Any) -> Any:
    ov.AsyncInferQueue(compiled, 2).start_async({"nope": data})


def idle_after(ov: Any, compiled: Any, data: Any) -> list[Any]:
    queue = ov.AsyncInferQueue(compiled, 1)
    queue.start_async(data, "u")
    queue.wait_all()
    return [queue.is_ready(), queue.get_idle_request_id(), queue.userdata]


def kept_results(ov: Any, compiled: Any, data: Any) -> int:
    """Results that callbacks copied out stay as they were."""
    found: list[Any] = []
    queue = ov.AsyncInferQueue(compiled, 2)
    queue.set_callback(lambda request, _: found.append(request.get_output_tensor(0).data.copy()))
    for i in range(8):
        queue.start_async(data * i)
    queue.wait_all()
    return len({round(float(f.sum()), 2) for f in found})


def callback_on_jobs(ov: Any, compiled: Any, data: Any) -> int:
    """Userdata may be anything."""
    seen: list[Any] = []
    queue = ov.AsyncInferQueue(compiled, 3)
    queue.set_callback(lambda request, userdata: seen.append(userdata["n"]))
    for i in range(9):
        queue.start_async({0: data}, {"n": i})
    queue.wait_all()
    return sum(seen)


def world(ov: Any, folder: Path) -> dict[str, Any]:
    return {**globals(), "ov": ov, "compiled": compiled_net(ov, folder), "data": image()}


test_call = checked(CALLS, world)
