"""`InferRequest`: inputs in all forms, tensors, waiting, callbacks, states, dynamic shapes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .calls import Raises, checked
from .models import compiled_net, compiled_sums, image

CALLS: dict[str, Any] = {
    "[v.shape for v in request.infer(data).values()]": [(1, 2, 4, 4), (1, 2)],
    "[v.shape for v in request.infer({0: data}).values()]": [(1, 2, 4, 4), (1, 2)],
    'request.infer({"data": data})["prob"].shape': (1, 2),
    "request.infer([data])[1].shape": (1, 2),
    "request.infer({request.model_inputs[0]: data})[0].shape": (1, 2, 4, 4),
    'request.infer({"data": ov.Tensor(data)})[0].shape': (1, 2, 4, 4),
    'request.infer({"nope": data})': Raises(RuntimeError),
    "request.infer(np.zeros((1, 3, 4, 5), np.float32))": Raises(RuntimeError),
    "len(request.model_inputs)": 1,
    "[o.any_name for o in request.model_outputs]": ["features", "prob"],
    "len(request.input_tensors)": 1,
    "len(request.output_tensors)": 2,
    "list(request.get_input_tensor().shape)": [1, 3, 4, 4],
    "list(request.get_input_tensor(0).shape)": [1, 3, 4, 4],
    "list(request.get_output_tensor(1).shape)": [1, 2],
    "request.get_output_tensor()": Raises(RuntimeError),
    'list(request.get_tensor("data").shape)': [1, 3, 4, 4],
    'list(request.get_tensor("prob").shape)': [1, 2],
    "list(request.get_tensor(request.model_outputs[0]).shape)": [1, 2, 4, 4],
    "list(request.get_tensor(compiled.input(0)).shape)": [1, 3, 4, 4],
    'request.get_tensor("nope")': Raises(RuntimeError),
    "request.get_input_tensor(3)": Raises(RuntimeError),
    "set_input(ov, request, data)": 46.549,
    "set_input_at(ov, request, data)": 93.098,
    "set_by_name(ov, request, data)": 46.549,
    "set_by_port(ov, request, compiled, data)": 46.549,
    "set_tensors(ov, request, data)": 46.549,
    "set_output(ov, request, data)": [1.0, True],
    "set_output_by_name(ov, request, data)": 1.0,
    'request.set_tensor("nope", ov.Tensor(data))': Raises(RuntimeError),
    'request.set_tensor("data", ov.Tensor(np.zeros((1, 3), np.float32)))': Raises(RuntimeError),
    "request.set_input_tensor(ov.Tensor(np.zeros((1, 3, 4, 4), np.int32)))": Raises(RuntimeError),
    "written_in_place(request, data)": 46.549,
    "kept(request, data)": True,
    "started(request, data)": 46.549,
    "started_shared(request, data)": 46.549,
    "waited_for(request, data)": True,
    "request.wait_for(0)": False,
    "waited_twice(request, data)": 46.549,
    "cancelled(request, data)": 46.549,
    "called_back(request, data)": ["mine", "other"],
    "len(results(request, data))": 2,
    "sorted(n for names in results(request, data).names() for n in names)": ["features", "prob"],
    "results(request, data)[0].shape": (1, 2, 4, 4),
    "request.infer(data).to_tuple()[1].shape": (1, 2),
    "request.latency >= 0": True,
    "latency(request, data)": [True, True],
    "profiling(core, model, data)": [True, True],
    "profiling_info(core, model, data)": [True, True, True],
    "request.get_compiled_model().inputs[0].any_name": "data",
    "request.query_state()": [],
    "states(stateful)": ["total", [[1.0, 1.0]]],
    "state_set(ov, stateful)": [[6.0, 6.0]],
    "state_reset(stateful)": [[1.0, 1.0]],
    "reset_all(stateful)": [[1.0, 1.0]],
    "shares_inputs(request, data)": True,
    "shares_outputs(request, data)": [False, True],
    "dynamic_shapes(dynamic(ov, folder))": [(1, 2), (3, 2), (2, 2)],
    "dynamic_tensors(ov, dynamic(ov, folder))": [4, 2],
    "dynamic_output(dynamic(ov, folder))": [[2, 2], [5, 2]],
    "scalars(ov)": 6.0,
    "no_arguments(request, data)": 46.549,
    "decoded(ov)": ["a", "bc"],
    "whole(ov)": [2, 3, 201],
}


CPU = {"INFERENCE_PRECISION_HINT": "f32"}


def total(results: Any) -> float:
    """The sum of what the request gives for `features`."""
    return round(float(np.asarray(results["features"]).sum()), 3)


def after(request: Any) -> float:
    request.infer()
    return total(request.results)


def set_input(ov: Any, request: Any, data: Any) -> float:
    request.set_input_tensor(ov.Tensor(data))
    return after(request)


def set_input_at(ov: Any, request: Any, data: Any) -> float:
    request.set_input_tensor(0, ov.Tensor(data * 2))
    return after(request)


def set_by_name(ov: Any, request: Any, data: Any) -> float:
    request.set_tensor("data", ov.Tensor(data))
    return after(request)


def set_by_port(ov: Any, request: Any, compiled: Any, data: Any) -> float:
    request.set_tensor(compiled.input("data"), ov.Tensor(data))
    return after(request)


def set_tensors(ov: Any, request: Any, data: Any) -> float:
    request.set_tensors({"data": ov.Tensor(data)})
    return after(request)


def set_output(ov: Any, request: Any, data: Any) -> list[Any]:
    mine = ov.Tensor(ov.Type.f32, [1, 2])
    request.set_output_tensor(1, mine)
    request.infer(data)
    return [round(float(mine.data.sum()), 4), np.shares_memory(mine.data, request.get_output_tensor(1).data)]


def set_output_by_name(ov: Any, request: Any, data: Any) -> float:
    mine = ov.Tensor(ov.Type.f32, [1, 2])
    request.set_tensor("prob", mine)
    request.infer(data)
    return round(float(mine.data.sum()), 4)


def written_in_place(request: Any, data: Any) -> float:
    request.get_input_tensor().data[:] = data
    return after(request)


def kept(request: Any, data: Any) -> bool:
    """The inputs of an inference stay for the next one."""
    first = total(request.infer(data))
    return total(request.infer()) == first


def started(request: Any, data: Any) -> float:
    request.start_async(data)
    request.wait()
    return total(request.results)


def started_shared(request: Any, data: Any) -> float:
    request.start_async({"data": data}, share_inputs=True)
    request.wait()
    return total(request.results)


def waited_for(request: Any, data: Any) -> bool:
    request.start_async(data)
    return bool(request.wait_for(10_000))


def waited_twice(request: Any, data: Any) -> float:
    request.start_async(data)
    request.wait()
    request.wait()
    return total(request.results)


def cancelled(request: Any, data: Any) -> float:
    """A request can be used again after it was cancelled."""
    request.start_async(data)
    request.cancel()
    with suppress(RuntimeError):
        request.wait()
    return total(request.infer(data))


def called_back(request: Any, data: Any) -> list[Any]:
    seen: list[Any] = []
    request.set_callback(lambda userdata: seen.append(userdata), "mine")
    request.start_async(data)
    request.wait()
    request.start_async(data, userdata="other")
    request.wait()
    return seen


def results(request: Any, data: Any) -> Any:
    request.infer(data)
    return request.results


def latency(request: Any, data: Any) -> list[bool]:
    request.infer(data)
    return [request.latency > 0, request.get_latency() == request.latency if hasattr(request, "get_latency") else True]


def profiling(core: Any, model: Any, data: Any) -> list[bool]:
    request = core.compile_model(model, "CPU", {"PERF_COUNT": True}).create_infer_request()
    request.infer(data)
    infos = request.get_profiling_info()
    return [len(infos) > 0, all(isinstance(i.node_name, str) and i.real_time.total_seconds() >= 0 for i in infos)]


def profiling_info(core: Any, model: Any, data: Any) -> list[bool]:
    request = core.compile_model(model, "CPU", {"PERF_COUNT": True}).create_infer_request()
    request.infer(data)
    info = request.profiling_info[0]
    return [isinstance(v, str) for v in (info.node_type, info.exec_type, str(info.status))]


ONES = np.ones((1, 2), np.float32)


def states(request: Any) -> list[Any]:
    request.infer([ONES])
    (state,) = request.query_state()
    return [state.name, np.array(state.state.data).tolist()]


def state_set(ov: Any, request: Any) -> list[Any]:
    (state,) = request.query_state()
    state.state = ov.Tensor(ONES * 5)
    request.infer([ONES])
    return np.array(request.results[0]).tolist()  # type: ignore[no-any-return]


def state_reset(request: Any) -> list[Any]:
    request.infer([ONES])
    request.query_state()[0].reset()
    request.infer([ONES])
    return np.array(request.results[0]).tolist()  # type: ignore[no-any-return]


def reset_all(request: Any) -> list[Any]:
    request.infer([ONES])
    request.reset_state()
    request.infer([ONES])
    return np.array(request.results[0]).tolist()  # type: ignore[no-any-return]


def shares_inputs(request: Any, data: Any) -> bool:
    request.infer(data, share_inputs=True)
    return bool(np.shares_memory(request.get_input_tensor().data, data))


def shares_outputs(request: Any, data: Any) -> list[bool]:
    """Results are the caller's own; with share_outputs they are the request's memory."""
    own = request.infer(data)
    shared = request.infer(data, share_outputs=True)
    memory = request.get_tensor("prob").data
    return [bool(np.shares_memory(own["prob"], memory)), bool(np.shares_memory(shared["prob"], memory))]


def rows(count: int) -> Any:
    return np.ones((count, 2), np.float32)


def dynamic(ov: Any, folder: Path) -> Any:
    """A request of a model of its own."""
    return ov.Core().compile_model(folder / "two.onnx", "CPU", CPU).create_infer_request()


def dynamic_shapes(request: Any) -> list[Any]:
    return [request.infer([rows(n), rows(n)])[0].shape for n in (1, 3, 2)]


def dynamic_tensors(ov: Any, request: Any) -> list[int]:
    request.set_tensor("x", ov.Tensor(rows(4)))
    request.set_tensor("y", ov.Tensor(rows(4)))
    request.infer()
    return list(request.get_output_tensor().shape)


def dynamic_output(request: Any) -> list[Any]:
    found = []
    for n in (2, 5):
        request.infer({"x": rows(n), "y": rows(n)})
        found.append(list(request.get_tensor("total").shape))
    return found


def scalars(ov: Any) -> float:
    ops = ov.opset13
    x = ops.parameter([], name="x")
    compiled = ov.Core().compile_model(ov.Model([ops.multiply(x, np.float32(3))], [x]), "CPU", CPU)
    return float(compiled(2.0)[0])


def whole(ov: Any) -> list[Any]:
    """Whole numbers, given as floats, for an input of u8."""
    ops = ov.opset13
    x = ops.parameter([3], ov.Type.u8, name="x")
    compiled = ov.Core().compile_model(ov.Model([ops.result(ops.add(x, np.array(1, np.uint8)))], [x]), "CPU")
    return compiled([np.array([1.0, 2.0, 200.0])])[0].tolist()  # type: ignore[no-any-return]


def no_arguments(request: Any, data: Any) -> float:
    request.get_tensor("data").data[:] = data
    return total(request.infer())


def decoded(ov: Any) -> list[str]:
    """Results of texts come as str."""
    ops = ov.opset13
    x = ops.parameter([2], ov.Type.string, name="x")
    compiled = ov.Core().compile_model(ov.Model([ops.result(x)], [x]), "CPU")
    return list(compiled([np.array(["a", "bc"])])[0])


def world(ov: Any, folder: Path) -> dict[str, Any]:
    compiled = compiled_net(ov, folder)
    space = {
        "core": ov.Core(),
        "model": folder / "net.onnx",
        "compiled": compiled,
        "request": compiled.create_infer_request(),
        "folder": folder,
        "stateful": compiled_sums(ov).create_infer_request(),
        "data": image(),
    }
    return {**globals(), "ov": ov, **space}


test_call = checked(CALLS, world)
