"""Models with one fault at one node: how many are refused with the name of the node, by vinoc and by its peers.

Run from the root of the repository: `python -m benchmarks.faulty_models`. `tests/compiler/faults.py` makes them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from tests.compiler.faults import Faulty, faulty_models
from tests.compiler.seeds import seeds


def vinoc(model: bytes) -> None:
    from vinoc.compiler.frontends.onnx import load

    load(model)


def onnxruntime(model: bytes) -> None:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def openvino(model: bytes) -> None:
    import openvino as ov

    ov.Core().compile_model(ov.Core().read_model(model), "CPU")


READERS: dict[str, Callable[[bytes], None]] = {f.__name__: f for f in (vinoc, onnxruntime, openvino)}


def outcome(reader: str, model: bytes, node: str) -> str:
    """`named`, `refused` without the node, or `accepted`."""
    warnings.simplefilter("ignore")
    try:
        READERS[reader](model)
    except Exception as error:  # each has its own
        return "named" if node in str(error) else "refused"
    return "accepted"


def main() -> None:
    faults: list[Faulty] = [f for model in seeds().values() for f in faulty_models(model)]
    print(f"{len(faults)} models\n\n| reader | names the node | refuses without it | accepts | ends the process |")
    print("|---|---|---|---|---|")
    for reader in READERS:
        found = counted(reader, faults)
        cells = (f"{found[k] / len(faults):.1%}" for k in ("named", "refused", "accepted", "died"))
        print(f"| {reader} | {' | '.join(cells)} |", flush=True)


def counted(reader: str, faults: list[Faulty]) -> Counter[str]:
    """What became of the models in a process of its own, which is started again where it ends."""
    found: Counter[str] = Counter()
    pool = None
    for faulty in faults:
        pool = pool or ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        try:
            found[pool.submit(outcome, reader, faulty.model.SerializeToString(), faulty.node).result(60)] += 1
        except (BrokenProcessPool, TimeoutError):
            found["died"] += 1
            with contextlib.suppress(BrokenProcessPool):
                pool.shutdown(wait=False, cancel_futures=True)
            pool = None
    if pool is not None:
        pool.shutdown()
    return found


if __name__ == "__main__":
    main()
