"""`Core`, conversion and saving, compiled models and their results."""

# ruff: noqa: E501  # a call stands in one piece

from __future__ import annotations

from pathlib import Path
from typing import Any

from .calls import REFUSED, Raises, checked
from .models import compiled_net, image

CALLS: dict[str, Any] = {
    '"CPU" in core.available_devices': True,
    '"CPU" in core.get_available_devices()': True,
    "type(core.read_model(onnx)).__name__": "Model",
    "core.read_model(str(onnx)).outputs[1].any_name": "prob",
    "core.read_model(model=str(onnx)).inputs[0].any_name": "data",
    "len(core.read_model(xml).outputs)": 2,
    "core.read_model(xml, bin).friendly_name": "net",
    "core.read_model(model=xml, weights=bin).friendly_name": "net",
    "core.read_model(xml.read_bytes(), bin.read_bytes()).friendly_name": "net",
    "core.read_model(model=xml.read_bytes(), weights=ov.Tensor(np.frombuffer(bin.read_bytes(), np.uint8))).friendly_name": "net",
    "core.read_model(onnx.read_bytes()).outputs[0].any_name": "features",
    'core.read_model("nowhere.xml")': Raises(RuntimeError),
    'core.read_model(folder / "empty.onnx")': Raises(RuntimeError),
    'type(core.compile_model(xml, "CPU")).__name__': "CompiledModel",
    'type(core.compile_model(model, "CPU")).__name__': "CompiledModel",
    'type(core.compile_model(model=model, device_name="CPU", config={})).__name__': "CompiledModel",
    "len(core.compile_model(str(onnx)).inputs)": 1,
    "type(core.compile_model(model)).__name__": "CompiledModel",
    'core.compile_model(model, "NOPE")': Raises(RuntimeError),
    'core.compile_model(model, "CPU", {"NO_SUCH_KEY": 1})': Raises(RuntimeError),
    'core.compile_model("nowhere.xml", "CPU")': Raises(RuntimeError),
    "type(ov.compile_model(model)).__name__": "CompiledModel",
    'type(ov.compile_model(str(xml), "CPU")).__name__': "CompiledModel",
    'type(ov.compile_model(model, device_name="CPU", config={"PERFORMANCE_HINT": "LATENCY"})).__name__': "CompiledModel",
    'set(core.query_model(model, "CPU").values())': {"CPU"},
    'sorted(core.query_model(model, "CPU")) == sorted(n.get_friendly_name() for n in model.get_ordered_ops())': True,
    'core.query_model(model=model, device_name="TEMPLATE_NONE")': Raises(RuntimeError),
    'list(core.get_versions("CPU"))': ["CPU"],
    'type(core.get_versions("CPU")["CPU"].description).__name__': "str",
    'type(core.get_versions("CPU")["CPU"].build_number).__name__': "str",
    'core.get_versions("CPU")["CPU"].major >= 0': True,
    "isinstance(ov.get_version(), str)": True,
    'isinstance(core.get_property("CPU", "FULL_DEVICE_NAME"), str)': True,
    '"FULL_DEVICE_NAME" in core.get_property("CPU", "SUPPORTED_PROPERTIES")': True,
    'core.get_property("CPU", "AVAILABLE_DEVICES")': [""],
    'core.get_property("CPU", "NO_SUCH_KEY")': Raises(RuntimeError),
    "set_and_get(core)": "THROUGHPUT",
    "set_for_all(core)": True,
    "unload(core)": True,
    'type(core.import_model(compiled.export_model(), "CPU")).__name__': "CompiledModel",
    'core.import_model(compiled.export_model(), "CPU")(data)[0].shape': (1, 2, 4, 4),
    'core.import_model(b"nonsense", "CPU")': Raises(RuntimeError),
    'core.add_extension("nowhere.so")': Raises(RuntimeError),
    "type(ov.convert_model(onnx)).__name__": "Model",
    "type(ov.convert_model(str(onnx), input=[1, 3, 4, 4])).__name__": "Model",
    'list(ov.convert_model(onnx, input=("data", [2, 3, 4, 4])).input(0).shape)': [2, 3, 4, 4],
    'list(ov.convert_model(onnx, input={"data": [2, 3, 4, 4]}).input(0).shape)': [2, 3, 4, 4],
    '[o.any_name for o in ov.convert_model(onnx, output="features").outputs]': ["features"],
    'ov.convert_model("nowhere.onnx")': REFUSED,
    "saved(ov, model, folder)": [["features", "prob"], True],
    "serialized(ov, model, folder)": ["features", "prob"],
    'ov.save_model(model, folder / "nowhere" / "below" / "m.xml")': None,
    "type(compiled.create_infer_request()).__name__": "InferRequest",
    "compiled.inputs == [compiled.input(0)]": True,
    "len(compiled.outputs)": 2,
    "compiled.input().any_name": "data",
    'compiled.input("data").any_name': "data",
    "compiled.input(0).get_any_name()": "data",
    'compiled.output("prob").any_name': "prob",
    "compiled.output(0).any_name": "features",
    'compiled.output("nope")': Raises(RuntimeError),
    "compiled.output(5)": Raises(RuntimeError),
    "compiled.output()": Raises(RuntimeError),
    "list(compiled.input(0).shape)": [1, 3, 4, 4],
    "str(compiled.output(0).partial_shape)": "[1,2,4,4]",
    "compiled.input(0).element_type == ov.Type.f32": True,
    "compiled.input(0).get_names()": {"data"},
    'repr(compiled.output("prob"))': "<ConstOutput: names[prob] shape[1,2] type: f32>",
    "compiled(data)[0].shape": (1, 2, 4, 4),
    "compiled([data])[1].shape": (1, 2),
    "compiled((data,))[1].shape": (1, 2),
    'compiled({"data": data})["prob"].shape': (1, 2),
    'compiled({0: data})[compiled.output("prob")].shape': (1, 2),
    'compiled({compiled.input(0): data})["features"].shape': (1, 2, 4, 4),
    "compiled(ov.Tensor(data))[0].shape": (1, 2, 4, 4),
    'compiled({"data": ov.Tensor(data)})[0].shape': (1, 2, 4, 4),
    "compiled(data, share_inputs=True)[0].shape": (1, 2, 4, 4),
    "compiled(data, share_outputs=True)[0].shape": (1, 2, 4, 4),
    "compiled.infer_new_request({0: data})[1].shape": (1, 2),
    'compiled.infer_new_request(data)["prob"].shape': (1, 2),
    'compiled({"nope": data})': Raises(RuntimeError),
    "compiled({7: data})": Raises(RuntimeError),
    "compiled(np.zeros((1, 3, 4), np.float32))": Raises(RuntimeError),
    "compiled(np.zeros((1, 2, 4, 4), np.float32))": Raises(RuntimeError),
    "compiled([data, data])": Raises(RuntimeError),
    "compiled(data.astype(np.float64))[0].dtype.name": "float32",
    "compiled(data).to_tuple()[1].shape": (1, 2),
    "len(compiled(data).to_dict())": 2,
    "[sorted(n) for n in compiled(data).names()]": [["features"], ["prob"]],
    '"prob" in compiled(data)': True,
    "len(compiled(data))": 2,
    "[v.shape for v in compiled(data).values()]": [(1, 2, 4, 4), (1, 2)],
    "[k.any_name for k in compiled(data)]": ["features", "prob"],
    "[k.any_name for k, v in compiled(data).items()]": ["features", "prob"],
    'compiled(data).get("nope")': None,
    'compiled(data)["nope"]': Raises(KeyError),
    'round(float(compiled(data)["prob"].sum()), 4)': 1.0,
    'isinstance(compiled.get_property("NETWORK_NAME"), str)': True,
    'compiled.get_property("EXECUTION_DEVICES")': ["CPU"],
    'compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") >= 1': True,
    'compiled.get_property("PERFORMANCE_HINT") is not None': True,
    'compiled.get_property("NO_SUCH_KEY")': Raises(RuntimeError),
    '"NETWORK_NAME" in compiled.get_property("SUPPORTED_PROPERTIES")': True,
    "type(compiled.get_runtime_model()).__name__": "Model",
    "len(compiled.get_runtime_model().get_ops()) > 0": True,
    "compiled.release_memory()": None,
}


def set_and_get(core: Any) -> Any:
    core.set_property("CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    return core.get_property("CPU", "PERFORMANCE_HINT").name


def set_for_all(core: Any) -> Any:
    core.set_property({"PERF_COUNT": True})
    return core.get_property("CPU", "PERF_COUNT")


def unload(core: Any) -> bool:
    core.get_versions("CPU")
    core.unload_plugin("CPU")
    return "CPU" in core.available_devices


def saved(ov: Any, model: Any, folder: Path) -> list[Any]:
    """The outputs of a model that was saved, and whether it is smaller with half of the bits."""
    sizes = []
    for half in (False, True):
        path = folder / f"saved_{ov.__name__}_{half}.xml"
        ov.save_model(model, path, compress_to_fp16=half)
        sizes.append(path.with_suffix(".bin").stat().st_size)
    return [[o.any_name for o in ov.Core().read_model(path).outputs], sizes[1] < sizes[0]]


def serialized(ov: Any, model: Any, folder: Path) -> list[str]:
    path = folder / f"serialized_{ov.__name__}.xml"
    ov.serialize(model, str(path), str(path.with_suffix(".bin")))
    return [o.any_name for o in ov.Core().read_model(path).outputs]


def world(ov: Any, folder: Path) -> dict[str, Any]:
    core = ov.Core()
    model = core.read_model(folder / "net.onnx")
    return {
        **globals(),
        "ov": ov,
        "core": core,
        "folder": folder,
        "onnx": folder / "net.onnx",
        "xml": folder / "net.xml",
        "bin": folder / "net.bin",
        "model": model,
        "compiled": compiled_net(ov, folder),
        "data": image(),
    }


test_call = checked(CALLS, world)
