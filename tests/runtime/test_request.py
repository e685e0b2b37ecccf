"""Requests: inputs and tensors in every form, in the background, cancelled, with state; vinoc and OpenVINO alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.text import parse_graph

Compiled = Callable[..., Any]
A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, 2, 3], np.float32)
SLOW = np.full((400, 400), 1 / 400, np.float32)


def equal(result: Any, expected: Any) -> None:
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("share", [False, True])
def test_inputs_in_every_form(ov: Any, compiled: Compiled, share: bool) -> None:
    model = compiled("add")
    request = model.create_infer_request()
    x, b = model.inputs
    forms = [
        {"x": A, "b": B}, {"also_x": A, 1: B}, {0: A, 1: B}, {x: A, b: B}, [A, B], (A, B),
        {"x": ov.Tensor(A), "b": ov.Tensor(B, shared_memory=True)}, [ov.Tensor(A), B],
        {"x": A.astype(np.float64), "b": B.astype(np.int32)}, {"x": np.asfortranarray(A), "b": B[::1]},
    ]  # fmt: skip
    for form in forms:
        for call in (request.infer, model):
            results = call(form, share_inputs=share)
            equal(results["y"], A + B)
            equal(results[0], A + B)
            equal(results[model.output()], A + B)
            equal(results[model.outputs[0]], A + B)


def test_a_single_input(ov: Any, compiled: Compiled) -> None:
    model = compiled("relu")
    request = model.create_infer_request()
    for form in (A, [A], (A,), {0: A}, ov.Tensor(A), {"x": ov.Tensor(A)}):
        equal(request.infer(form)[0], A)
    equal(model.infer_new_request(A)[0], A)
    equal(model(A)[0], A)


class Foreign:
    """What tensors of other libraries are to NumPy."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(A, dtype)


def test_values_of_other_libraries_and_results_of_other_models(ov: Any, compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    equal(request.infer(Foreign())[0], A)
    equal(request.infer({"x": Foreign()})[0], A)
    equal(request.infer([Foreign()], share_inputs=True)[0], A)
    other = compiled("add")([-A, B])
    equal(request.infer(other)[0], np.maximum(B - A, 0))
    with pytest.raises((RuntimeError, IndexError)):
        compiled("relu").input(3)


def test_inputs_stay(compiled: Compiled) -> None:
    request = compiled("add").create_infer_request()
    given, b = A.copy(), B.copy()
    equal(request.infer({"x": given, "b": b})[0], A + B)
    given[:] = 50  # it was copied
    b[:] = 50
    equal(request.infer()[0], A + B)
    equal(request.infer({})[0], A + B)
    equal(request.infer({"b": B * 2})[0], A + B * 2)
    equal(request.get_tensor("x").data, A)
    equal(request.infer({"x": A[:1]})[0], A[:1] + B * 2)
    assert request.get_tensor("x").shape == [1, 3]


def test_shared_inputs_are_read_where_they_are(compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    given = A.copy()
    request.infer(given, share_inputs=True)
    given[:] = 7
    equal(request.infer()[0], np.full_like(A, 7))


def test_input_tensors_are_what_is_read(ov: Any, compiled: Compiled) -> None:
    request = compiled("add").create_infer_request()
    request.get_input_tensor(0).shape = [2, 3]
    request.get_input_tensor(0).data[:] = A
    request.get_tensor("b").data[:] = B
    request.infer()
    equal(request.get_output_tensor().data, A + B)
    mine = ov.Tensor(A.copy())
    request.set_tensor("x", mine)
    mine.data[:] = 2
    equal(request.infer()[0], B + np.full_like(A, 2))
    for how in (
        lambda: request.set_input_tensor(0, ov.Tensor(A * 3)),
        lambda: request.set_tensor(request.model_inputs[0], ov.Tensor(A * 3)),
        lambda: request.set_tensors({"x": ov.Tensor(A * 3), "b": ov.Tensor(B)}),
        lambda: request.set_input_tensors({0: ov.Tensor(A * 3)}),
    ):
        request.set_tensor("x", ov.Tensor(A))
        how()
        equal(request.infer()[0], A * 3 + B)
    assert [t.shape for t in request.input_tensors] == [[2, 3], [3]]
    single = compiled("relu").create_infer_request()
    single.set_input_tensor(ov.Tensor(A))
    equal(single.infer()[0], A)
    single.set_input_tensors([ov.Tensor(A * 2)])
    equal(single.infer()[0], A * 2)


def test_output_tensors_receive_results(ov: Any, compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    memory = np.zeros((2, 3), np.float32)
    for how in (
        lambda t: request.set_output_tensor(t),
        lambda t: request.set_output_tensor(0, t),
        lambda t: request.set_output_tensors({0: t}),
        lambda t: request.set_tensor("y", t),
        lambda t: request.set_tensor(request.model_outputs[0], t),
    ):
        memory[:] = 0
        how(ov.Tensor(memory, shared_memory=True))
        equal(request.infer(A)[0], A)
        equal(memory, A)
        equal(request.get_tensor("y").data, A)
    seen = request.get_output_tensor()
    request.infer(A * 2)
    equal(seen.data, A * 2)
    assert [t.shape for t in request.output_tensors] == [[2, 3]]


def test_results_are_the_callers_own(compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    first = request.infer(A)[0]
    first[:] = 9
    second = request.infer(A)[0]
    equal(second, A)
    equal(first, np.full_like(A, 9))
    shared = request.infer(A, share_outputs=True)[0]
    equal(shared, A)
    assert np.shares_memory(shared, request.get_output_tensor().data)
    assert not np.shares_memory(second, request.get_output_tensor().data)


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda r, ov: r.infer({"z": A}), RuntimeError),
        (lambda r, ov: r.infer({5: A}), RuntimeError),
        (lambda r, ov: r.infer(A[0]), RuntimeError),
        (lambda r, ov: r.infer(A[:, :2]), RuntimeError),
        (lambda r, ov: r.infer(ov.Tensor(A.astype(np.float64))), RuntimeError),
        (lambda r, ov: r.get_tensor("zz"), RuntimeError),
        (lambda r, ov: r.get_tensor(0), TypeError),
        (lambda r, ov: r.get_input_tensor(1), RuntimeError),
        (lambda r, ov: r.get_output_tensor(1), RuntimeError),
        (lambda r, ov: r.set_tensor("x", A), TypeError),
        (lambda r, ov: r.set_tensor("zz", ov.Tensor(A)), RuntimeError),
        (lambda r, ov: r.set_tensor("x", ov.Tensor(np.ones((2, 4), np.float32))), RuntimeError),
        (lambda r, ov: r.set_tensor("x", ov.Tensor(np.ones((2, 3), np.int32))), RuntimeError),
        (lambda r, ov: r.set_input_tensor(1, ov.Tensor(A)), RuntimeError),
        (lambda r, ov: r.set_callback(3, None), TypeError),
        (lambda r, ov: r.infer(A)["w"], KeyError),
        (lambda r, ov: r.infer(A)[3], KeyError),
        (lambda r, ov: r.infer(A)[1.5], TypeError),
    ],
)
def test_what_does_not_fit(ov: Any, compiled: Compiled, use: Any, error: type[Exception]) -> None:
    request = compiled("fixed").create_infer_request()
    with pytest.raises(error):
        use(request, ov)
    equal(request.infer(A)[0], A)


@pytest.mark.parametrize("good", [[A, B], (A, B), {"x": A, "b": B}])
def test_what_does_not_fit_behind_what_did(good: Any) -> None:
    """What is given as the last time is taken at once; anything else is looked at."""
    graph = parse_graph("graph g(x: f32[2,3], b: f32[3]) -> (y) { y = Add(x, b) }")
    request = vinoc.compile_model(vinoc.Model(graph), "CPU").create_infer_request()
    bad = ([A], [A, B, B], [B, A], [A, None], {"x": A, "c": B}, {"x": A, 0: A, "b": B}, A, {"x": A, "b": B, "c": B})
    for form in bad:
        equal(request.infer(good)["y"], A + B)
        with pytest.raises(vinoc.VinocError):
            request.infer(form)


def test_facts_of_a_request(compiled: Compiled) -> None:
    model = compiled("add")
    request = model.create_infer_request()
    assert request.latency == 0
    assert [p.any_name for p in request.model_inputs] == ["also_x", "b"]
    assert [p.any_name for p in request.model_outputs] == ["y"]
    request.infer([A, B])
    assert request.latency > 0
    assert repr(request) == repr(model).replace("CompiledModel", "InferRequest")
    assert "<ConstOutput: names[y] shape[?,3] type: f32>" in repr(request)
    assert request.get_compiled_model().output().any_name == "y"
    assert request.userdata is None
    equal(request.results["y"], A + B)


def test_in_the_background(ov: Any, compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    request.wait()  # there is nothing to wait for
    assert request.wait_for(1) is False
    given = A.copy()
    request.start_async(given)
    given[:] = 0  # it was copied
    request.wait()
    equal(request.results["y"], A)
    equal(request.get_output_tensor().data, A)
    assert request.wait_for(0) is True
    seen: list[Any] = []
    request.set_callback(lambda data: seen.append((data, threading.current_thread())), "mine")
    for data in (None, "other"):
        request.start_async(ov.Tensor(A), data)
        request.wait()
    assert [d for d, _ in seen] == ["mine", "other"]
    assert all(t is not threading.main_thread() for _, t in seen)


def refused(use: Callable[[], object]) -> str:
    """The message with which something is refused; empty where it is not."""
    try:
        use()
    except RuntimeError as error:
        return str(error)
    return ""


def test_a_busy_request_refuses(compiled: Compiled) -> None:
    request = compiled("slow", NUM_STREAMS=1).create_infer_request()
    for use in (
        request.infer, request.start_async, request.get_input_tensor, request.get_output_tensor,
        lambda: request.results, lambda: request.set_callback(print, None), lambda: request.input_tensors,
    ):  # fmt: skip
        for _ in range(50):  # where the machine has much to do, the inference may be over too soon
            request.start_async(SLOW)
            message = refused(use)
            request.wait()
            if message:
                break
        assert "busy" in message
    np.testing.assert_allclose(request.results["y"], SLOW, 1e-2)


def test_a_cancelled_inference_raises_at_wait(compiled: Compiled) -> None:
    request = compiled("slow").create_infer_request()
    called: list[Any] = []
    request.cancel()  # nothing runs
    for _ in range(50):  # where the machine has much to do, the inference may be over too soon
        called.clear()
        request.set_callback(called.append, 1)
        request.start_async(SLOW)
        request.cancel()
        message = refused(request.wait)
        if message:
            break
    assert "cance" in message
    assert called == []
    assert "cance" in refused(request.wait)
    request.start_async(SLOW)
    request.wait()
    assert called == [1]
    np.testing.assert_allclose(request.infer(SLOW)[0], SLOW, 1e-2)


def test_a_callback_that_fails_raises_at_wait(compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    request.set_callback(lambda _: 1 / 0, None)
    for _ in range(2):
        request.start_async(A)
        with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
            request.wait()
    request.set_callback(lambda _: None, None)
    request.start_async(A)
    request.wait()
    equal(request.results["y"], A)


def test_states_are_read_set_and_reset(ov: Any, compiled: Compiled) -> None:
    model = compiled("counter")
    request, one = model.create_infer_request(), np.ones(1, np.float32)
    (state,) = request.query_state()
    assert state.name == "v"
    assert state.state.shape == [1]
    equal([request.infer(one)[0][0] for _ in range(3)], [1, 2, 3])
    equal(request.query_state()[0].state.data, [3])
    state.state = ov.Tensor(np.array([10], np.float32))
    equal(request.infer(one)[0], [11])
    state.state = ov.Tensor(np.array([20], np.int32))
    equal(request.infer(one)[0], [21])
    state.reset()
    equal(request.infer(one)[0], [1])
    request.reset_state()
    equal(request.infer(one)[0], [1])
    with pytest.raises(RuntimeError):
        state.state = ov.Tensor(np.array([1, 2], np.float32))
    with pytest.raises(TypeError):
        state.state = one
    equal([model(one)[0][0] for _ in range(2)], [1, 2])
    equal(model.query_state()[0].state.data, [2])
    model.reset_state()
    equal(model(one)[0], [1])
    assert compiled("relu").create_infer_request().query_state() == []


def test_every_request_has_states_of_its_own(compiled: Compiled) -> None:
    model, one = compiled("counter"), np.ones(1, np.float32)
    requests = [model.create_infer_request() for _ in range(3)]
    for n, request in enumerate(requests):
        for _ in range(n):
            request.infer(one)
    equal([r.infer(one)[0][0] for r in requests], [1, 2, 3])
    for request in requests:
        request.start_async(one)
    for request in requests:
        request.wait()
    equal([r.results["y"][0] for r in requests], [2, 3, 4])


def test_inputs_of_other_sizes_every_time(compiled: Compiled) -> None:
    request = compiled("relu").create_infer_request()
    for rows in (1, 4, 2, 4, 0, 7, 1):
        x = np.random.default_rng(rows).standard_normal((rows, 3)).astype(np.float32)
        equal(request.infer(x)[0], np.maximum(x, 0))
        request.start_async(x)
        request.wait()
        equal(request.get_output_tensor().data, np.maximum(x, 0))


# vinoc alone


def own(text: str, device: str = "CPU") -> vinoc.CompiledModel:
    return vinoc.compile_model(vinoc.Model(parse_graph(text)), device)


@pytest.mark.parametrize("device", ["CPU", "TEMPLATE"])
def test_the_reference_runs_in_the_background_too(model_files: dict[str, Path], device: str) -> None:
    model = vinoc.compile_model(model_files["counter"], device)
    request, one = model.create_infer_request(), np.ones(1, np.float32)
    for n in (1, 2, 3):
        request.start_async(one)
        request.wait()
        equal(request.results[0], [n])
    request.query_state()[0].state = vinoc.Tensor(np.array([7], np.float32))
    equal(request.infer(one)[0], [8])
    assert repr(request.query_state()) == "[<VariableState: v>]"
    with pytest.raises(vinoc.UsageError, match=r"variable 'v'(.|\n)*expected f32\[1\]"):
        request.query_state()[0].state = vinoc.Tensor(np.zeros((1, 1), np.float32))


def test_errors_say_what_was_expected(model_files: dict[str, Path]) -> None:
    request = vinoc.compile_model(model_files["add"]).create_infer_request()
    cases = [
        (lambda: request.infer({"x": A}), "input 'b' is not given"),
        (
            lambda: request.set_tensor("x", vinoc.Tensor([1])),
            r"expected a tensor of f32\[x_d0,3\], got <Tensor: shape\[1\]",
        ),
        (lambda: request.set_tensor("x", vinoc.Tensor(B)), r"expected f32\[x_d0,3\] \(rank 2\), got float32\[3\]"),
        (lambda: request.set_input_tensors([vinoc.Tensor(B)]), "2 inputs"),
        (lambda: request.set_tensors("x", [vinoc.Tensor(B), vinoc.Tensor(A)]), "2 tensors cannot be joined"),
        (lambda: request.set_output_tensor(B), "expected a Tensor, got ndarray"),
        (
            lambda: request.infer([vinoc.Tensor([1, 2]), B]),
            r"input 'x': expected f32\[x_d0,3\], got <Tensor: shape\[2\]",
        ),
        (lambda: request.get_input_tensor(), "2 inputs"),
        (lambda: request.get_tensor("c"), "no input or output 'c'"),
    ]
    for use, message in cases:
        with pytest.raises(vinoc.UsageError, match=message):
            use()
    equal(request.infer([A, B])[0], A + B)
    fixed = own("graph f(x: f32[2,3]) -> (y) {\n  y = ReLU(x)\n}\n").create_infer_request()
    with pytest.raises(vinoc.UsageError, match=r"expected a tensor of f32\[2,3\], got <Tensor: shape\[1,3\]"):
        fixed.set_output_tensor(vinoc.Tensor(A[:1]))
    assert vinoc.compile_model(model_files["relu"]).create_infer_request().results.to_dict() == {}


def test_parts_of_an_input(model_files: dict[str, Path]) -> None:
    """They are joined when they are read."""
    request = vinoc.compile_model(model_files["add"]).create_infer_request()
    parts = [vinoc.Tensor(A[:1].copy()), vinoc.Tensor(A[1:].copy())]
    for how in (lambda: request.set_tensors("x", parts), lambda: request.set_input_tensors(0, parts)):
        how()
        equal(request.infer({"b": B})[0], A + B)
    parts[0].data[:] = 7
    equal(request.infer()[0], np.concatenate([np.full((1, 3), 7), A[1:]]) + B)
    equal(request.infer({"x": A})[0], A + B)


def test_what_fails_in_the_background_raises_at_wait() -> None:
    text = "graph g(x: f32[6], s: i64[2]) -> (y) {\n  y = Reshape(x, s) {special_zero=false}\n}\n"
    model = own(text)
    request, x = model.create_infer_request(), np.arange(6, dtype=np.float32)
    called: list[Any] = []
    request.set_callback(called.append, 1)
    request.start_async([x, np.array([4, 2])])
    with pytest.raises(vinoc.VinocError, match="Reshape"):
        request.wait()
    with pytest.raises(vinoc.VinocError, match="Reshape"):
        request.wait_for(10)
    assert called == []
    request.start_async([x, np.array([3, 2])])
    assert request.wait_for(10_000)
    assert request.results[0].shape == (3, 2)
    with pytest.raises(vinoc.UsageError, match="rank"):
        request.start_async([x, np.array([[1]])])
    request.wait()


def test_a_callback_may_begin_the_next_inference() -> None:
    request = own("graph f(x: f32[2]) -> (y) {\n  y = ReLU(x)\n}\n").create_infer_request()
    seen: list[float] = []

    def again(_: Any) -> None:
        seen.append(float(request.results[0][0]))
        if len(seen) < 50:
            request.start_async(np.full(2, len(seen), np.float32))

    request.set_callback(again)
    request.start_async(np.zeros(2, np.float32))
    request.wait()
    assert seen == list(range(50))
    with pytest.warns(RuntimeWarning, match="no callback"):
        own("graph f(x: f32[2]) -> (y) {\n  y = ReLU(x)\n}\n").create_infer_request().start_async(B[:2], "data")


def test_strings_in_both_forms() -> None:
    model = own("graph s(x: string[2]) -> (x) {\n}\n", "TEMPLATE")
    text = np.array(["a", "bé"])
    for given in (text, text.astype(object), np.char.encode(text, "utf-8"), ["a", "bé"], vinoc.Tensor(text)):
        result = model([given])[0]
        assert (result.tolist(), result.dtype.kind) == (["a", "bé"], "U")
    result = model([text], decode_strings=False)[0]
    assert (result.tolist(), result.dtype.kind) == ([b"a", "bé".encode()], "S")
    request = model.create_infer_request()
    request.infer([text])
    assert request.get_output_tensor().str_data.tolist() == ["a", "bé"]
    assert request.get_input_tensor().str_data.tolist() == ["a", "bé"]
    request.get_input_tensor().str_data = ["p", "q"]
    assert request.infer()[0].tolist() == ["p", "q"]


def test_lists_of_numbers_are_values_or_inputs() -> None:
    row = own("graph r(x: f32[3]) -> (y) {\n  y = ReLU(x)\n}\n")
    for given in ([1, 2, 3], (1, 2, 3), [[1, 2, 3]], {"x": [1, 2, 3]}):
        equal(row(given)[0], [1, 2, 3])
    number = own("graph n(x: f32[]) -> (y) {\n  y = ReLU(x)\n}\n")
    for given in (5, 5.0, [5], {"x": 5}, np.float32(5), np.array(5)):
        equal(number(given)[0], 5)
    with pytest.raises(vinoc.UsageError, match="rank"):
        number([5, 6])


def test_narrow_types_and_sequences() -> None:
    nibbles = own("graph n(x: u4[3]) -> (y) {\n  y = Convert(x) {destination_type=f32}\n}\n", "TEMPLATE")
    packed = vinoc.Tensor(np.array([0x21, 0x03], np.uint8), [3], vinoc.Type.u4)
    equal(nibbles([packed])[0], [1, 2, 3])
    request = nibbles.create_infer_request()
    request.get_input_tensor().data[:] = [0x54, 0x06]
    equal(request.infer()[0], [4, 5, 6])
    sequences = own("graph s(x: seq<f32[2]>) -> (x) {\n}").create_infer_request()
    sequences.start_async([[np.zeros(2), np.ones(2)]])
    sequences.wait()
    assert len(sequences.results[0]) == 2
    with pytest.raises(vinoc.VinocError, match="no tensor"):
        sequences.get_input_tensor()


def test_a_compiled_model_gives_its_request_up(model_files: dict[str, Path]) -> None:
    model, one = vinoc.compile_model(model_files["counter"]), np.ones(1, np.float32)
    equal([model(one)[0][0] for _ in range(2)], [1, 2])
    model.release_memory()
    equal(model(one)[0], [1])


def test_ports_of_a_compiled_model_have_names_and_types_of_nodes(ov: Any, compiled: Compiled) -> None:
    model = compiled("relu")
    x, y = model.input(0), model.output(0)
    assert x.node.friendly_name == x.get_node().get_friendly_name() == "x"
    assert (x.node.get_type_name(), y.get_node().get_type_name()) == ("Parameter", "Result")
    assert y.node.get_element_type() == ov.Type.f32
    assert str(x.node.get_partial_shape()) == "[?,3]"
    assert x.tensor.names == x.get_tensor().get_names() == {"x"}
    assert (x.get_any_name(), x.get_index(), x.index) == ("x", 0, 0)
    assert x.node.output(0).any_name == "x"
    assert len(x.get_rt_info()) == len(x.node.get_rt_info())


def test_a_request_that_could_not_begin_is_idle(model_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model = vinoc.compile_model(model_files["relu"])
    request = model.create_infer_request()

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            request.start_async(A)
    request.wait()
    for wrong in ({"z": A}, A[0]):
        with pytest.raises(vinoc.UsageError):
            request.start_async(wrong)
        with pytest.raises(vinoc.UsageError):
            request.infer(wrong)
    assert request.wait_for(-5) is False
    request.start_async(A)
    assert request.wait_for(20_000)
    equal(request.results[0], A)
