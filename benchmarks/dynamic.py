"""Encoders that onnxruntime quantizes dynamically, as it writes them and as its optimizer does, for peers.py.

    python benchmarks/dynamic.py DIR
    python benchmarks/peers.py latency --engines "ort,ort again,vinoc" --threads 1,2 DIR/*.onnx

Of layers and width: weights i8 (u8 where the name says so; `c`: with a scale for each column), sequences of 128. Names
that end in `opt` are what onnxruntime's optimizer saves at the level "extended": DynamicQuantizeMatMul,
MatMulIntegerToFloat, SkipLayerNormalization and Gelu in place of what these consist of.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import onnx
import onnxruntime
from networks import encoder
from onnxruntime.quantization import QuantType, quantize_dynamic

SIZES = [(2, 128), (4, 256), (3, 384), (2, 768)]
KINDS = {"i8": (QuantType.QInt8, False), "u8": (QuantType.QUInt8, False), "i8c": (QuantType.QInt8, True)}


def optimized(source: Path, target: Path) -> None:
    """What the optimizer saves of a model."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath, options.log_severity_level = str(target), 3
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for layers, width in SIZES:
        with tempfile.TemporaryDirectory() as scratch:
            floats = Path(scratch, "floats.onnx")
            onnx.save(encoder(layers, width, 128, width // 64, 4 * width), floats)
            for kind, (type, columns) in KINDS.items():
                plain = folder / f"encoder{layers}x{width}_{kind}.onnx"
                quantize_dynamic(floats, plain, weight_type=type, per_channel=columns)
                optimized(plain, plain.with_stem(f"{plain.stem}_opt"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
