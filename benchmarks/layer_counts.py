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
    """The layers of an IR that compute something."""
    root = ET.parse(xml).getroot()
    count = 0
    for layer in root.iter("layer"):
        expands = layer.get("type") == "Convert" and layer.find("rt_info/attribute[@name='decompression']") is not None
        count += layer.get("type") not in UNCOUNTED and not expands
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
