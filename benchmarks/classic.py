"""Models of classical machine learning, as scikit-learn's converters write them, beside onnxruntime.

    python benchmarks/classic.py [--threads 1] [--seconds 1] [--rows 1 100 10000] [--models NAME ...] [--list]

Forests of random trees (`forest-regression-100-8`: trees, depth; `boosted` has a tree for one class each), support
vector machines with a kernel of distances, and neighbours, whose distances are a Scan over the rows of the training
set. Both engines take turns in one process, each as its Python interface is called. Prints medians of turns in
microseconds and the median of their ratios, as Markdown. Each call has another input.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from collections.abc import Callable
from functools import partial
from time import perf_counter, sleep
from typing import Any

import numpy as np

FEATURES = 30
INPUTS, LARGE = 64, 5000
"""Inputs that take turns, where they have fewer rows: of one input branch predictors learn every step."""

LEAST_TURNS = 3
PAUSE = 0.05
"""Seconds in which the threads of the engine before park."""

TURN = 0.02
"""Seconds of a turn, of which there are as many as fit."""

Attributes = dict[str, Any]


def grown(draw: np.random.Generator, depth: int, leaves: int) -> tuple[list[tuple[int, int, int, float]], list[int]]:
    """(left, right, feature, threshold) of a tree's inner nodes, and the numbers of its leaves.

    The tree grows at random leaves that are not too deep. Thresholds halve what still may come there, roughly.
    """
    nodes: list[tuple[int, int, int, float]] = [(0, 0, -1, 0.0)]
    open_, closed = [(0, 0)], []
    while open_ and len(open_) + len(closed) < leaves:
        at, level = open_.pop(int(draw.integers(len(open_))))
        left = len(nodes)
        nodes += [(0, 0, -1, 0.0)] * 2
        nodes[at] = (left, left + 1, int(draw.integers(FEATURES)), float(draw.normal() / 2))
        (closed if level + 1 == depth else open_).extend([(left, level + 1), (left + 1, level + 1)])
    return nodes, [at for at, _ in open_ + closed]


def forest(trees: int, depth: int, votes: str, ids: Callable[[int], list[int]]) -> Attributes:
    """Trees with up to 2^depth leaves, 1000 at most; each leaf of tree t votes for ids(t)."""
    draw = np.random.default_rng(trees + depth)
    nodes: dict[str, list[Any]] = {
        n: [] for n in ("treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids")
    }
    given: dict[str, list[Any]] = {n: [] for n in ("treeids", "nodeids", "ids", "weights")}
    for tree in range(trees):
        made, leaves = grown(draw, depth, min(2**depth, 1000))
        for number, (left, right, feature, threshold) in enumerate(made):
            mode = "LEAF" if feature < 0 else "BRANCH_LEQ"
            for values, value in zip(
                nodes.values(), (tree, number, mode, max(feature, 0), threshold, left, right), strict=True
            ):
                values.append(value)
        for leaf, target in itertools.product(leaves, ids(tree)):
            for values, value in zip(given.values(), (tree, leaf, target, float(draw.random())), strict=True):
                values.append(value)
    return {f"nodes_{n}": v for n, v in nodes.items()} | {f"{votes}_{n}": v for n, v in given.items()}


def regression(trees: int, depth: int) -> Any:
    from onnx import helper

    attributes = forest(trees, depth, "target", lambda tree: [0])
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="AVERAGE",
        **attributes,
    )


def classes(count: int, boosted: bool, trees: int, depth: int) -> Any:
    """A forest whose leaves vote for all classes, or boosted trees for one class each. Of two classes one has votes."""
    from onnx import helper

    def ids(tree: int) -> list[int]:
        return [0] if count == 2 else [tree % count] if boosted else list(range(count))

    attributes = forest(trees, depth, "class", ids)
    if not boosted:
        attributes["class_weights"] = [w / trees for w in attributes["class_weights"]]
    return helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml", classlabels_int64s=list(range(count)),
        post_transform=("LOGISTIC" if count == 2 else "SOFTMAX") if boosted else "NONE", **attributes,
    )  # fmt: skip


def vectors(count: int, number: int) -> Any:
    """A support vector machine with probabilities, `number` vectors a class."""
    from onnx import helper

    draw, pairs = np.random.default_rng(count), count * (count - 1) // 2
    total = count * number
    return helper.make_node(
        "SVMClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml", kernel_type="RBF", kernel_params=[0.05, 0.0, 0.0],
        support_vectors=draw.normal(size=total * FEATURES).tolist(), vectors_per_class=[number] * count,
        coefficients=draw.normal(size=(count - 1) * total).tolist(), rho=draw.normal(size=pairs).tolist(),
        prob_a=[-2.0] * pairs, prob_b=[0.0] * pairs, classlabels_ints=list(range(count)),
    )  # fmt: skip


def neighbours(count: int) -> list[Any]:
    """The nearest five of so many rows, by a Scan over them."""
    from onnx import TensorProto, helper, numpy_helper

    rows = np.random.default_rng(count).normal(size=(count, FEATURES)).astype(np.float32)
    info = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["all"], ["same"]),
            helper.make_node("Sub", ["all", "row"], ["apart"]),
            helper.make_node("ReduceSumSquare", ["apart"], ["far"], axes=[1], keepdims=0),
        ],
        "step",
        [info("all", shape=["N", FEATURES]), info("row", shape=[FEATURES])],
        [info("same", shape=["N", FEATURES]), info("far", shape=["N"])],
    )
    constant = partial(helper.make_node, "Constant", [])
    return [
        constant(["rows"], value=numpy_helper.from_array(rows)),
        constant(["five"], value=numpy_helper.from_array(np.array([5]))),
        helper.make_node("Scan", ["x", "rows"], ["last", "distances"], body=body, num_scan_inputs=1),
        helper.make_node("Transpose", ["distances"], ["by_row"], perm=[1, 0]),
        helper.make_node("TopK", ["by_row", "five"], ["y", "places"], largest=0),
    ]


MODELS: dict[str, Callable[[], Any]] = {
    **{
        f"{name}-{trees}-{depth}": partial(make, trees, depth)
        for name, make in (
            ("forest-regression", regression),
            ("forest-2-classes", partial(classes, 2, False)),
            ("forest-5-classes", partial(classes, 5, False)),
        )
        for trees, depth in ((10, 4), (10, 20), (100, 8), (100, 20), (500, 8), (500, 20))
    },
    **{
        f"boosted-{count}-classes-{trees}-{depth}": partial(classes, count, True, trees, depth)
        for count in (2, 5)
        for trees, depth in ((10, 3), (100, 3), (500, 5))
    },
    "vectors-2-classes-200": partial(vectors, 2, 200),
    "vectors-4-classes-100": partial(vectors, 4, 100),
    "neighbours-500": partial(neighbours, 500),
    "neighbours-5000": partial(neighbours, 5000),
}


def model_of(name: str) -> bytes:
    """The model, for any number of rows."""
    from onnx import TensorProto, helper

    made = MODELS[name]()
    nodes = made if isinstance(made, list) else [made]
    outputs = [helper.make_empty_tensor_value_info(n) for n in nodes[-1].output]
    info = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", FEATURES])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    graph = helper.make_graph(nodes, name, [info], outputs)
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return data


def compared(model: bytes, rows: list[int], threads: int, seconds: float) -> list[tuple[float, float, float]]:
    """For each number of rows microseconds of onnxruntime and vinoc, and the ratio. AssertionError: results differ."""
    import onnxruntime

    import vinoc

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    compiled = vinoc.Core().compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads})
    found = []
    for count in rows:
        draw = np.random.default_rng(count)
        data = [draw.normal(size=(count, FEATURES)).astype(np.float32) for _ in range(INPUTS if count < LARGE else 1)]
        for x in data[:2]:
            own = compiled([x])
            for i, array in enumerate(session.run(None, {"x": x})):
                np.testing.assert_allclose(own[i], array, 1e-3, 1e-4)
        runs = (
            _in_turn(lambda x: session.run(None, x), [{"x": x} for x in data]),
            _in_turn(compiled, [[x] for x in data]),
        )
        found.append(timed(runs, seconds, threads > 1))
    return found


def _in_turn(run: Callable[[Any], Any], inputs: list[Any]) -> Callable[[], Any]:
    """Runs with the next of some inputs at each call."""
    rest = itertools.cycle(inputs)
    return lambda: run(next(rest))


def timed(runs: tuple[Callable[[], Any], ...], seconds: float, pause: bool) -> tuple[float, float, float]:
    """Medians of turns in microseconds, and the median of the ratios of the second to the first."""
    began = perf_counter()
    for run in runs:
        run()
    calls = max(1, int(TURN / (perf_counter() - began)))
    turns: list[list[float]] = []
    end = perf_counter() + seconds
    while len(turns) < LEAST_TURNS or perf_counter() < end:
        times = []
        for run in runs:
            if pause:
                sleep(PAUSE)
                run()
            began = perf_counter()
            for _ in range(calls):
                run()
            times.append(1e6 * (perf_counter() - began) / calls)
        turns.append(times)
    first, second = (statistics.median(t[k] for t in turns) for k in range(2))
    return first, second, statistics.median(t[1] / t[0] for t in turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each model and number of rows")
    parser.add_argument("--rows", nargs="+", type=int, default=[1, 100, 10000])
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS), metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    given = parser.parse_args()
    if given.list:
        print(*MODELS, sep="\n")
        return
    print("| model |" + "".join(f" {n} rows: onnxruntime | vinoc | ratio |" for n in given.rows))
    print("|---|" + "---|---|---|" * len(given.rows))
    for name in given.models:
        cells = compared(model_of(name), given.rows, given.threads, given.seconds)
        print(f"| {name} |" + "".join(f" {a:.0f} | {b:.0f} | {r:.2f} |" for a, b, r in cells), flush=True)


if __name__ == "__main__":
    main()
