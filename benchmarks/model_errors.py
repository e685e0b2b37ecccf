"""How exactly models are computed: a Markdown table for a folder of ONNX models with stored inputs and outputs.

    python benchmarks/model_errors.py FOLDER [--only NAME ...]

FOLDER holds NAME/*.onnx, NAME/io/io.npz (inputs `c<case>_in<j>`, outputs `c<case>_out<j>`) and NAME/io/io.json (the
names of both, in that order). The stored outputs are onnxruntime's. An error is the largest absolute difference of
any output of any case, relative to the largest absolute value of that output. The columns:

    nodes           as read, and after the default pipeline
    reference       vinoc's reference interpreter, the device TEMPLATE of `vinoc.Core`
    CPU             vinoc's device CPU
    IR f32          OpenVINO, in f32, on what `vinoc MODEL` writes
    IR fp16         the same for `vinoc MODEL --passes fuse,fp16`
    OpenVINO f32    OpenVINO, in f32, on the ONNX file itself
    OpenVINO fp16   the same on what OpenVINO's own conversion saves in half precision
    onnxruntime     onnxruntime on this machine, on the ONNX file

Each model runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HEAD = (
    "model",
    "kind",
    "nodes",
    "shapes",
    "reference",
    "CPU",
    "IR f32",
    "IR fp16",
    "OpenVINO f32",
    "OpenVINO fp16",
    "onnxruntime",
)
KINDS = {
    "basic_pitch": "music transcription, CQT in the graph",
    "bert_toy": "text encoder",
    "blazeface": "face detector",
    "byte_bidi_lstm": "sentence boundaries, two-way LSTM",
    "deeplab_portrait_513": "segmentation",
    "dtln_1": "noise suppression, LSTM",
    "dtln_2": "noise suppression, LSTM written out",
    "facemesh": "face landmarks",
    "fastestdet": "object detector",
    "kaldi_qtdnn": "speech, quantized (QLinear)",
    "light_densenet121": "DenseNet-121, constant weights",
    "light_resnet50": "ResNet-50, constant weights",
    "light_squeezenet": "SqueezeNet, constant weights",
    "mnist_cntk": "digits",
    "mobilenetv2_qdq_int8": "MobileNetV2, quantized (QDQ)",
    "ppocrv3_det_ch": "text detector",
    "samplenet": "LeNet on CIFAR-10",
    "silero_vad_16k": "voice activity, LSTM and If",
    "stories260k": "language model (Llama)",
    "ultraface_rfb_320": "face detector, boxes decoded",
    "vittrack": "object tracker (ViT)",
}
Arrays = dict[str, np.ndarray]
Run = Callable[[Arrays], Callable[[str], Any]]
"""Takes inputs by name, gives a function from an output's name to its array."""


def cases(model: Path) -> Iterator[tuple[Arrays, Arrays]]:
    """Inputs and expected outputs, by name."""
    names = json.loads((model.parent / "io" / "io.json").read_text())
    with np.load(model.parent / "io" / "io.npz") as data:
        c = 0
        while f"c{c}_out0" in data:
            inputs = {n: data[f"c{c}_in{j}"] for j, n in enumerate(names["inputs"])}
            yield inputs, {n: data[f"c{c}_out{j}"] for j, n in enumerate(names["outputs"])}
            c += 1


def error(model: Path, run: Run) -> float:
    """The largest error of any output of any case."""
    from vinoc.passes.instruments import range_error

    worst = 0.0
    for inputs, outputs in cases(model):
        result = run(inputs)
        worst = max(worst, *(range_error(expected, np.asarray(result(n))) for n, expected in outputs.items()))
    return worst


def device(model: Path, name: str) -> Run:
    import vinoc

    compiled = vinoc.Core().compile_model(model, name)
    return lambda inputs: compiled(inputs).__getitem__


def openvino(file: Path) -> Run:
    import openvino as ov

    compiled = ov.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: Arrays) -> Callable[[str], Any]:
        known = {name: a for name, a in inputs.items() if any(name in p.get_names() for p in compiled.inputs)}
        return compiled(known).__getitem__

    return run


def onnxruntime(model: Path) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3  # no warnings
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True)).__getitem__


def through_ir(model: Path, **options: Any) -> Run:
    from vinoc.compiler.driver import compile_model_file

    with tempfile.TemporaryDirectory() as folder:
        files = compile_model_file(model, out_dir=Path(folder), **options).files
        return openvino(next(f for f in files if f.suffix == ".xml"))


def through_openvino(model: Path) -> Run:
    import openvino as ov

    with tempfile.TemporaryDirectory() as folder:
        ov.save_model(ov.Core().read_model(str(model)), f"{folder}/m.xml", compress_to_fp16=True)
        return openvino(Path(folder) / "m.xml")


def row(model: Path) -> list[str]:
    """The cells of a model after its name and kind."""
    import vinoc
    from vinoc.compiler.driver import Size, read_model

    graph = read_model(model)
    after = vinoc.convert_model(model).graph
    dynamic = vinoc.Model(graph).is_dynamic()
    cells = [f"{Size.of(graph).nodes} -> {Size.of(after).nodes}", "dynamic" if dynamic else "static"]
    ways: list[Callable[[], Run]] = [
        lambda: device(model, "TEMPLATE"),
        lambda: device(model, "CPU"),
        lambda: through_ir(model),
        lambda: through_ir(model, passes="fuse,fp16"),
        lambda: openvino(model),
        lambda: through_openvino(model),
        lambda: onnxruntime(model),
    ]
    for way in ways:
        try:
            cells.append(f"{error(model, way()):.1e}")
        except Exception as problem:
            reason = (str(problem).strip() or type(problem).__name__).splitlines()[-1]
            print(f"{model.parent.name}: {HEAD[len(cells) + 2]}: {reason}", file=sys.stderr)
            cells.append("fails")
    return cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these models alone")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # the folder is a model file
    options = parser.parse_args()
    if options.one:
        print(json.dumps(row(options.folder)))
        return 0
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    crashed = 0
    for model in sorted(options.folder.glob("*/*.onnx")):
        name = model.parent.name
        if options.only and name not in options.only:
            continue
        command = [sys.executable, __file__, "--one", model]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        lines = done.stdout.splitlines()
        cells = json.loads(lines[-1]) if done.returncode == 0 and lines else ["crashed"]
        crashed += cells == ["crashed"]
        print(f"| {' | '.join([name, KINDS.get(name, ''), *cells])} |", flush=True)
    return 1 if crashed else 0


if __name__ == "__main__":
    raise SystemExit(main())
