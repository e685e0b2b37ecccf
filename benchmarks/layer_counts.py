"""Layers that are left of ONNX models: by OpenVINO's own conversion, and by vinoc's default pipeline.

python benchmarks/layer_counts.py MODEL.onnx ...
"""

from __future__ import annotations

import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from vinoc.compiler.driver import compile_model_file

UNCOUNTED = {"Const", "Parameter", "Result"}


def layers(xml: Path) -> int:
    """The layers of an IR that compute something; a Convert of a constant only expands it."""
    count = 0
    for graph in ET.parse(xml).getroot().iter("layers"):
        count += sum(layer.get("type") not in UNCOUNTED for layer in graph)
    return count - expansions(ET.parse(xml).getroot())


def expansions(net: ET.Element) -> int:
    """The Converts of constants, in a net and in its bodies."""
    count = 0
    for part in net.iter():
        layers, edges = part.find("layers"), part.find("edges")
        if layers is None or edges is None:
            continue
        kinds = {layer.get("id"): layer.get("type") for layer in layers}
        pairs = [(kinds[e.get("from-layer")], kinds[e.get("to-layer")]) for e in edges]
        count += pairs.count(("Const", "Convert"))
    return count


def of_openvino(model: Path, folder: Path) -> int | None:
    import openvino

    try:
        openvino.save_model(openvino.convert_model(model), folder / "theirs.xml", compress_to_fp16=False)
    except Exception:  # whatever its frontend raises: the model is one that it cannot convert
        return None
    return layers(folder / "theirs.xml")


def main() -> None:
    print("| model | OpenVINO | vinoc |\n|---|---|---|")
    for model in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            compile_model_file(model, out_dir=folder, model_name="ours")
            theirs = of_openvino(model, folder)
            print(f"| {model.parent.name} | {'cannot convert it' if theirs is None else theirs} | ", end="")
            print(f"{layers(folder / 'ours.xml')} |", flush=True)


if __name__ == "__main__":
    main()
