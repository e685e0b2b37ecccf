"""Calls of OpenVINO's Python API that vinoc lacks or answers otherwise, with the reason.

Each is a row of a table in this folder. A call that works is not here: its test would fail. `docs/generate.py` writes
the list into docs/openvino-api.md.
"""

from __future__ import annotations

_PLUGINS = "a property of Intel's plugins, which no device here has"
_TYPED = "answered with a value of the property's type, as `Core.get_property` does in both, not with a text"

MISSING: dict[str, str] = {
    "ov.properties.hint.dynamic_quantization_group_size()": _PLUGINS,
    "ov.properties.hint.kv_cache_precision()": _PLUGINS,
    "ov.properties.hint.activations_scale_factor()": _PLUGINS,
    "ov.properties.compilation_num_threads()": _PLUGINS,
    "ov.properties.force_tbb_terminate()": _PLUGINS,
    "ov.properties.weights_path()": _PLUGINS,
    "ov.properties.intel_cpu.denormals_optimization()": _PLUGINS,
    "ov.properties.intel_cpu.sparse_weights_decompression_rate()": _PLUGINS,
    "ov.properties.intel_auto.device_bind_buffer()": _PLUGINS,
    'compiled_with(core, model, {"PERF_COUNT": True}, "PERF_COUNT")': _TYPED,
    'str(compiled_with(core, model, {"PERFORMANCE_HINT": "LATENCY"}, "PERFORMANCE_HINT"))': _TYPED,
    "read_only(core)": "what cannot be set is refused; OpenVINO ignores it",
}

_OWN_OPS = "operations of one's own are declared with `vinoc.ir.op` and loaded as plugins"
_REMOTE = "no device here has memory of its own"
_ENTRY = "devices come in by the entry point `vinoc.devices`"
_BODIES = "the ports of bodies are connected by `set_*_input` and `get_*`"
_NO_NODES = "the ports of a compiled model stand for no nodes; `get_runtime_model` shows what runs"
_VARIABLES = "variables follow from the ReadValue and Assign nodes"
_OTHER_API = "another API than that of inference"

MISSING_NAMES: dict[str, str] = {
    **dict.fromkeys(("Extension", "Op", "OpExtension"), _OWN_OPS),
    **dict.fromkeys(("RemoteContext", "RemoteTensor", "VAContext", "VASurfaceTensor"), _REMOTE),
    **dict.fromkeys(("Core.create_context", "Core.get_default_context"), _REMOTE),
    **dict.fromkeys(("Core.register_plugin", "Core.register_plugins"), _ENTRY),
    **dict.fromkeys(("Model.add_variables", "Model.remove_variable"), _VARIABLES),
    **dict.fromkeys(("ConstOutput.get_target_inputs", "ConstOutput.target_inputs"), _NO_NODES),
    **dict.fromkeys(
        (
            *("Node.constructor_validate_and_infer_types", "Node.set_output_size", "Node.set_output_type"),
            "Node.visit_attributes",
        ),
        _OWN_OPS,
    ),
    **{
        f"op.{kind}.{verb}_{side}_descriptions": _BODIES
        for kind in ("if_op", "loop", "tensor_iterator")
        for verb in ("get", "set")
        for side in ("input", "output")
    },
    "op.tensor_iterator.get_num_iterations": "the number follows from the shapes of what is sliced",
    **dict.fromkeys(("experimental", "frontend", "package_utils", "tools"), _OTHER_API),
    **dict.fromkeys(("DiscreteTypeInfo.hash", "DiscreteTypeInfo.parent"), "a type is a name and an opset"),
    "exceptions": "errors are VinocError and its kinds, all of them RuntimeErrors",
    "opset17": "operations are those of opset16",
    "shutdown": "there is nothing to shut down",
    "properties.CompatibilityCheck": _PLUGINS,
    "properties.intel_cpu": _PLUGINS,
    "properties.intel_gpu": _PLUGINS,
}
"""Public names of OpenVINO's modules and classes that vinoc lacks, with the reason."""
