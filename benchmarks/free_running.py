"""What becomes of a recurrent model's outputs when a quantized form of it feeds its own states back.

    python benchmarks/free_running.py MODEL QUANTIZED... --data steps.npz --feed state:new_state [--openvino]

--data  an array for each input but the states, one step after another along the first dimension; a state begins with
        the array of its name (as it is), or with zeros
--feed  INPUT:OUTPUT, for each state; without it steps do not depend on each other

Prints, for each quantized form, the relative L2 error of the first output over all steps, of the last states, the bytes
of its .bin, and the time of a step against the float model's, in turns, on one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import vinoc

Step = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
CONFIG = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
ROUNDS = 7


def load(path: str, openvino: bool) -> tuple[Step, Any]:
    """What computes a step, and the compiled model."""
    if openvino:
        import openvino as ov

        compiled: Any = ov.Core().compile_model(path, "CPU", CONFIG)
    else:
        compiled = vinoc.compile_model(path, "CPU", CONFIG)
    names = [port.get_any_name() for port in compiled.outputs]

    def step(feeds: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        found = compiled(dict(feeds))
        return {name: np.array(found[i]) for i, name in enumerate(names)}

    return step, compiled


def walk(step: Step, model: Any, data: Mapping[str, np.ndarray], fed: Mapping[str, str]) -> list[np.ndarray]:
    """The first output of all steps, and the last states."""
    states = {name: data[name] for name in fed if name in data}
    for port in model.inputs:
        name = port.get_any_name()
        if name in fed and name not in states:
            states[name] = np.zeros(tuple(port.shape), np.float32)
    moving = {name: array for name, array in data.items() if name not in fed}
    first = []
    for k in range(len(next(iter(moving.values())))):
        outputs = step({**states, **{name: array[k] for name, array in moving.items()}})
        first.append(next(iter(outputs.values())).reshape(-1))
        states = {name: outputs[source] for name, source in fed.items()}
    return [np.concatenate(first), *states.values()]


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def share(runs: list[Callable[[], Any]]) -> float:
    """The time of the second, of the first's: the median of rounds in which they take turns."""
    ratios = []
    for _ in range(ROUNDS):
        times = []
        for run in runs:
            began = perf_counter()
            run()
            times.append(perf_counter() - began)
        ratios.append(times[1] / times[0])
    return float(np.median(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--feed", nargs="*", default=[], metavar="INPUT:OUTPUT")
    parser.add_argument("--openvino", action="store_true", help="quantized forms run there")
    given = parser.parse_args()
    with np.load(given.data) as held:
        data = {name: held[name] for name in held.files}
    fed = dict(pair.rsplit(":", 1) for pair in given.feed)
    float_model = load(given.models[0], False)
    wanted = walk(*float_model, data, fed)
    print("| model | .bin, kB | error | of the last states | time of float |")
    print("|---|---|---|---|---|")
    for path in given.models[1:]:
        form = load(path, given.openvino)
        errors = [relative(a, b) for a, b in zip(walk(*form, data, fed), wanted, strict=True)]
        states = ", ".join(f"{e:.3f}" for e in errors[1:])
        ratio = share([partial(walk, *which, data, fed) for which in (float_model, form)])
        size = Path(path).with_suffix(".bin").stat().st_size / 1e3
        print(f"| {Path(path).stem} | {size:.1f} | {errors[0]:.4f} | {states} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
