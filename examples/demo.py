"""Runs what `make demo` has compiled, and compares every result with those of onnxruntime, which are stored.

    python examples/demo.py [FOLDER]

FOLDER [out] holds blazeface.xml (weights in single precision), blazeface_fp16.xml (in half precision) and
blazeface.py, all made from examples/models/blazeface/blazeface.onnx. vinoc reads the .xml files back and runs them;
blazeface.py is imported and needs NumPy alone. Exit code 1 when a result is off.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np

import vinoc
from vinoc.passes.instruments import range_error

MODEL = Path(__file__).parent / "models" / "blazeface"
OUTPUTS = ("regressors", "classificators")
Run = Callable[[np.ndarray], list[np.ndarray]]


def cases() -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """The stored inputs, each with the outputs that onnxruntime gives for it."""
    with np.load(MODEL / "io.npz") as data:
        for c in range(2):
            yield data[f"c{c}_in0"].astype(np.float32), [data[f"c{c}_out{j}"] for j in range(len(OUTPUTS))]


def from_ir(path: Path) -> Run:
    model = vinoc.Core().compile_model(path, "CPU")

    def run(image: np.ndarray) -> list[np.ndarray]:
        results = model({"image": image})
        return [results[name] for name in OUTPUTS]

    return run


def from_module(path: Path) -> Run:
    spec = spec_from_file_location("blazeface", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(image: np.ndarray) -> list[np.ndarray]:
        results = module.infer({"image": image})
        return [results[name] for name in OUTPUTS]

    return run


def probability(logits: np.ndarray) -> float:
    """How sure the model is that a face is where it sees one best."""
    return 100 / (1 + float(np.exp(-logits.max())))


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
    ways = [
        ("blazeface.xml", from_ir, 1e-3, "OpenVINO IR, read and run by vinoc"),
        ("blazeface_fp16.xml", from_ir, 2e-2, "the same, weights in half precision"),
        ("blazeface.py", from_module, 1e-3, "a module that imports NumPy alone"),
    ]
    missing = [name for name, *_ in ways if not (folder / name).exists()]
    if missing:
        print(f"{folder} has no {', '.join(missing)}: run `make demo`", file=sys.stderr)
        return 1
    print("BlazeFace looks for faces at 896 places of an image and says how sure it is of each.")
    print("Surest place of two test images, beside what onnxruntime said of them:\n")
    wrong = 0
    for name, load, allowed, what in ways:
        run = load(folder / name)
        run(next(cases())[0])  # the first run plans and compiles; it is not timed
        print(f"{name}: {what}")
        for i, (image, expected) in enumerate(cases()):
            began = time.perf_counter()
            got = run(image)
            seconds = time.perf_counter() - began
            error = max(range_error(e, g) for e, g in zip(expected, got, strict=True))
            wrong += not error <= allowed
            verdict = "ok" if error <= allowed else f"WRONG, {allowed:g} is allowed"
            sure = f"face {probability(got[1]):5.2f} % (onnxruntime {probability(expected[1]):5.2f} %)"
            print(f"  image {i}: {sure}, largest error {error:.1e} of the range, {seconds * 1e3:.1f} ms: {verdict}")
    print("\nall agree" if not wrong else f"\n{wrong} results are off")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
