"""ai.onnx.ml: scalers, encoders, linear models, support vectors and trees, beside ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from vinoc.ir.errors import ConversionError

from .onnx_util import compare, read, run_graph, run_reference

ML = "ai.onnx.ml"
RNG = np.random.default_rng(7)


def check(
    op_type: str,
    inputs: list[np.ndarray],
    outputs: int = 1,
    version: int = 3,
    rtol: float = 1e-4,
    expected: list[Any] | None = None,
    **attributes: Any,
) -> None:
    """One node beside ONNX Runtime, with static and with symbolic shapes."""
    attributes = {k: v for k, v in attributes.items() if v is not None}
    names = [f"x{i}" for i in range(len(inputs))]
    made = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, names, made, domain=ML, **attributes)
    for symbolic in (False, True):
        infos = []
        for name, array in zip(names, inputs, strict=True):
            kind = TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
            shape = [f"N_{name}", *array.shape[1:]] if symbolic else list(array.shape)
            infos.append(helper.make_tensor_value_info(name, kind, shape))
        results = [helper.make_empty_tensor_value_info(n) for n in made]
        graph = helper.make_graph([node], "ml", infos, results)
        imports = [helper.make_opsetid("", 20), helper.make_opsetid(ML, version)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=10)
        wanted = run_reference(model, dict(zip(names, inputs, strict=True))) if expected is None else expected
        compare(run_graph(read(model), inputs), wanted, rtol=rtol, atol=1e-5)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def words(*values: str) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_scaler() -> None:
    check("Scaler", [floats(4, 3)], offset=[1.0, 2.0, 3.0], scale=[0.5, 2.0, -1.0])
    check("Scaler", [np.arange(6).reshape(2, 3)], offset=[1.0], scale=[0.25])


@pytest.mark.parametrize("norm", ["MAX", "L1", "L2"])
def test_normalizer(norm: str) -> None:
    x = np.abs(floats(5, 4)) if norm == "MAX" else floats(5, 4)
    check("Normalizer", [x], norm=norm)


def test_binarizer() -> None:
    check("Binarizer", [floats(3, 4)], threshold=0.3)


@pytest.mark.parametrize("replaced", [0.0, float("nan")])
def test_imputer(replaced: float) -> None:
    x = np.array([[1, 0, np.nan], [np.nan, 2, 0]], np.float32)
    check("Imputer", [x], replaced_value_float=replaced, imputed_value_floats=[5.0, 6.0, 7.0])
    check("Imputer", [x], replaced_value_float=replaced, imputed_value_floats=[9.0])
    check("Imputer", [np.array([[1, -1], [-1, 3]])], replaced_value_int64=-1, imputed_value_int64s=[7])


def test_array_feature_extractor() -> None:
    check("ArrayFeatureExtractor", [floats(4, 5), np.array([0, 3, 3])])
    check("ArrayFeatureExtractor", [words("a", "b", "c").reshape(1, 3), np.array([2, 0])])


def test_feature_vectorizer() -> None:
    check("FeatureVectorizer", [floats(4, 2), floats(4, 3)], inputdimensions=[2, 3])


ENCODERS: list[tuple[np.ndarray, dict[str, Any]]] = [
    (words("a", "z", "b"), {"keys_strings": ["a", "b"], "values_int64s": [5, 6], "default_int64": -3}),
    (np.array([1, 4, 2]), {"keys_int64s": [1, 2], "values_strings": ["one", "two"], "default_string": "?"}),
    (np.array([1.5, np.nan, 7.0], np.float32), {"keys_floats": [1.5, float("nan")], "values_floats": [2.0, 3.0]}),
    (np.array([1, 4, 2]), {"keys_int64s": [1, 2], "values_floats": [0.5, 0.25]}),
    (np.array([-(1 << 63), -7, -6, 5, 6, (1 << 63) - 1]), {"keys_int64s": [5, -7], "values_int64s": [1, 2]}),
    (np.array([3, 1 << 40, 4, -(1 << 40)]), {"keys_int64s": [1 << 40, 3], "values_int64s": [1, 2]}),
]


@pytest.mark.parametrize(("x", "attributes"), ENCODERS)
def test_label_encoder(x: np.ndarray, attributes: dict[str, Any]) -> None:
    check("LabelEncoder", [x], version=4, **attributes)


def test_label_encoder_of_the_first_version() -> None:
    check("LabelEncoder", [words("b", "q")], version=1, classes_strings=["a", "b"], default_int64=-9)
    check("LabelEncoder", [np.array([1, 5])], version=1, classes_strings=["a", "b"], default_string="?")


def test_category_mapper() -> None:
    lists: dict[str, Any] = {"cats_int64s": [3, 1], "cats_strings": ["cow", "cat"]}
    check("CategoryMapper", [words("cat", "dog")], default_int64=-2, **lists)
    check("CategoryMapper", [np.array([3, 9])], default_string="-", **lists)


def test_one_hot_encoder() -> None:
    check("OneHotEncoder", [np.array([[1, 5], [9, 3]])], cats_int64s=[3, 1, 5])
    check("OneHotEncoder", [words("b", "a", "x").reshape(3, 1)], cats_strings=["a", "b"])


TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_linear_regressor(transform: str) -> None:
    check(
        "LinearRegressor", [floats(5, 3)], coefficients=floats(6).tolist(), intercepts=[0.5, -1.0], targets=2,
        post_transform=transform,
    )  # fmt: skip


def test_probit() -> None:
    x = np.array([[0.1], [0.4], [0.9]], np.float32)
    check("LinearRegressor", [x], coefficients=[1.0], intercepts=[0.0], post_transform="PROBIT", rtol=1e-3)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("labels", [{"classlabels_ints": [4, 2, 9]}, {"classlabels_strings": ["a", "b", "c"]}])
def test_linear_classifier(transform: str, labels: dict[str, Any]) -> None:
    check(
        "LinearClassifier", [floats(6, 4)], outputs=2, coefficients=floats(12).tolist(),
        intercepts=floats(3).tolist(), post_transform=transform, **labels,
    )  # fmt: skip


def test_linear_classifier_with_one_score() -> None:
    check(
        "LinearClassifier", [floats(6, 4)], outputs=2, coefficients=floats(4).tolist(), intercepts=[0.1],
        classlabels_ints=[0, 1], post_transform="LOGISTIC",
    )  # fmt: skip


KERNELS = ["LINEAR", "POLY", "RBF", "SIGMOID"]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("one_class", [0, 1])
def test_svm_regressor(kernel: str, one_class: int) -> None:
    check(
        "SVMRegressor", [floats(6, 3)], kernel_type=kernel, kernel_params=[0.5, 0.25, 3.0], n_supports=4,
        support_vectors=floats(12).tolist(), coefficients=floats(4).tolist(), rho=[0.2], one_class=one_class,
    )  # fmt: skip


@pytest.mark.parametrize("kernel", KERNELS)
def test_svm_classifier(kernel: str) -> None:
    check(
        "SVMClassifier", [floats(8, 3)], outputs=2, kernel_type=kernel, kernel_params=[0.5, 0.25, 2.0],
        support_vectors=floats(7 * 3).tolist(), coefficients=floats(2 * 7).tolist(), rho=floats(3).tolist(),
        vectors_per_class=[2, 3, 2], classlabels_ints=[5, 6, 7],
    )  # fmt: skip


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("transform", ["NONE", "SOFTMAX"])
def test_svm_classifier_with_probabilities(classes: int, transform: str) -> None:
    """As many rounds as ONNX Runtime takes, whose result is some thousandths from where they lead."""
    pairs = classes * (classes - 1) // 2
    check(
        "SVMClassifier", [floats(20, 3)], outputs=2, kernel_type="RBF", kernel_params=[0.5, 0.0, 0.0],
        support_vectors=floats(2 * classes * 3).tolist(), coefficients=floats((classes - 1) * 2 * classes).tolist(),
        rho=floats(pairs).tolist(), vectors_per_class=[2] * classes, classlabels_ints=list(range(classes)),
        prob_a=(-2 - floats(pairs) ** 2).tolist(), prob_b=floats(pairs).tolist(), post_transform=transform, rtol=1e-5,
    )  # fmt: skip


def test_zip_map() -> None:
    """Scores in place of dictionaries."""
    x = floats(3, 2)
    node = helper.make_node("ZipMap", ["x0"], ["y0"], domain=ML, classlabels_strings=["a", "b"])
    info = helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["N", 2])
    pairs = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    result = helper.make_value_info("y0", helper.make_sequence_type_proto(pairs))
    imports = [helper.make_opsetid("", 20), helper.make_opsetid(ML, 1)]
    graph = helper.make_graph([node], "ml", [info], [result])
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    (found,) = run_graph(read(model), [x])
    (expected,) = run_reference(model, {"x0": x})
    np.testing.assert_array_equal(found, [[row["a"], row["b"]] for row in expected])


@pytest.mark.parametrize("probabilities", [{}, {"prob_a": [-1.5], "prob_b": [0.3]}])
def test_svm_classifier_of_two_classes(probabilities: dict[str, Any]) -> None:
    check(
        "SVMClassifier", [floats(8, 3)], outputs=2, kernel_type="RBF", kernel_params=[0.5, 0.0, 0.0],
        support_vectors=floats(5 * 3).tolist(), coefficients=floats(5).tolist(), rho=[0.1],
        vectors_per_class=[2, 3], classlabels_strings=["no", "yes"], **probabilities,
    )  # fmt: skip


def forest(rng: np.random.Generator, trees: int, depth: int, features: int, mode: str) -> dict[str, Any]:
    """Complete trees of random splits, as attributes nodes_*; leaves are the nodes of the last level."""
    columns: dict[str, list[Any]] = {
        n: [] for n in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
                        "missing_value_tracks_true")
    }  # fmt: skip
    inner = 2**depth - 1
    for tree in range(trees):
        for node in range(2 * inner + 1):
            leaf = node >= inner
            row = (
                tree, node, 0 if leaf else int(rng.integers(features)), "LEAF" if leaf else mode,
                0.0 if leaf else float(np.round(rng.normal(), 1)), 0 if leaf else 2 * node + 1,
                0 if leaf else 2 * node + 2, 0 if leaf else int(rng.integers(2)),
            )  # fmt: skip
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    return {f"nodes_{name}": values for name, values in columns.items()}


def votes(rng: np.random.Generator, name: str, trees: int, depth: int, ids: int, positive: bool) -> dict[str, Any]:
    """A vote of each leaf."""
    leaves = [(t, n) for t in range(trees) for n in range(2**depth - 1, 2 ** (depth + 1) - 1)]
    weights = rng.normal(size=len(leaves))
    return {
        f"{name}_treeids": [t for t, _ in leaves],
        f"{name}_nodeids": [n for _, n in leaves],
        f"{name}_ids": [int(v) for v in rng.integers(ids, size=len(leaves))],
        f"{name}_weights": (np.abs(weights) if positive else weights).tolist(),
    }


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


@given(st.integers(1, 4), st.integers(1, 3), st.sampled_from(MODES), st.sampled_from(["SUM", "AVERAGE", "MIN", "MAX"]),
       st.integers(0, 1000))  # fmt: skip
@settings(max_examples=15)
def test_tree_regressor(trees: int, depth: int, mode: str, how: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(9, 3)), 1).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    check(
        "TreeEnsembleRegressor", [x], n_targets=1, aggregate_function=how, base_values=[0.5],
        **forest(rng, trees, depth, 3, mode), **votes(rng, "target", trees, depth, 1, False),
    )  # fmt: skip


@given(st.integers(1, 4), st.integers(3, 5), st.sampled_from(["NONE", "SOFTMAX", "LOGISTIC"]), st.integers(0, 1000))
@settings(max_examples=15)
def test_tree_classifier(trees: int, classes: int, transform: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = votes(rng, "class", trees, 2, 1, True)  # every leaf votes for every class
    ids: dict[str, Any] = {name: [v for v in values for _ in range(classes)] for name, values in one.items()}
    ids["class_ids"] = [*range(classes)] * (4 * trees)
    ids["class_weights"] = rng.random(4 * trees * classes).tolist()
    check(
        "TreeEnsembleClassifier", [rng.normal(size=(9, 3)).astype(np.float32)], outputs=2, post_transform=transform,
        classlabels_int64s=list(range(classes)), **forest(rng, trees, 2, 3, "BRANCH_LT"), **ids,
    )  # fmt: skip


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize(("only", "base"), [(0, None), (0, [0.3]), (0, [0.2, 0.5]), (1, None), (1, [0.3])])
def test_tree_classifier_of_two_classes_with_votes_for_one(
    positive: bool, transform: str, only: int, base: list[float] | None
) -> None:
    rng = np.random.default_rng(3)
    ids = votes(rng, "class", 3, 2, 1, positive)
    ids |= {"class_ids": [only] * len(ids["class_ids"]), "base_values": base}
    if positive:
        ids["class_weights"] = [w / 4 for w in ids["class_weights"]]
    check(
        "TreeEnsembleClassifier", [rng.normal(size=(9, 3)).astype(np.float32)], outputs=2, post_transform=transform,
        classlabels_strings=["no", "yes"], **forest(rng, 3, 2, 3, "BRANCH_LEQ"), **ids,
    )  # fmt: skip


def test_tree_ensemble_of_doubles() -> None:
    x = RNG.normal(size=(5, 2))
    tensor = numpy_helper.from_array
    check(
        "TreeEnsemble", [x], version=5, n_targets=1, tree_roots=[0],
        nodes_modes=tensor(np.array([0, 3], np.uint8)), nodes_splits=tensor(np.array([0.1, -0.2])),
        nodes_featureids=[0, 1], nodes_truenodeids=[1, 0], nodes_trueleafs=[0, 1], nodes_falsenodeids=[2, 1],
        nodes_falseleafs=[1, 1], leaf_targetids=[0, 0, 0], leaf_weights=tensor(np.array([1.0, 2.0, 4.0])),
        expected=[np.where(x[:, :1] <= 0.1, np.where(x[:, 1:] > -0.2, 1.0, 2.0), 4.0)],
    )  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("threshold", [0.0, -0.0, 1.5, float("inf"), -float("inf"), float("nan")])
def test_branches_at_the_edges(mode: str, missing: int, threshold: float) -> None:
    """Numbers just before and behind thresholds, infinities and NaN, on both sides of a comparison."""
    least = np.finfo(np.float32).smallest_subnormal
    near = [np.nextafter(np.float32(1.5), np.float32(end)) for end in (0, 2)]
    x = np.array([[0, -0.0, least, -least, 1.5, *near, np.inf, -np.inf, np.nan]], np.float32).T
    check(
        "TreeEnsembleRegressor", [x], n_targets=1, nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0], nodes_modes=[mode, "LEAF", "LEAF"], nodes_values=[threshold, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], nodes_missing_value_tracks_true=[missing, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[1.0, 2.0],
    )  # fmt: skip


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_trees_of_members(kind: type) -> None:
    tensor = numpy_helper.from_array
    x = np.array([[1, 0], [2.5, 0], [3, 0], [3, 9], [7, 9], [np.nan, 0]], kind)
    check(
        "TreeEnsemble", [x], version=5, n_targets=2, tree_roots=[0],
        nodes_modes=tensor(np.array([6, 6, 0], np.uint8)), nodes_splits=tensor(np.zeros(3, kind)),
        nodes_featureids=[0, 1, 1], nodes_truenodeids=[1, 0, 2], nodes_trueleafs=[0, 1, 1],
        nodes_falsenodeids=[2, 1, 3], nodes_falseleafs=[0, 1, 1], leaf_targetids=[0, 1, 0, 1],
        leaf_weights=tensor(np.array([1, 2, 4, 8], kind)),
        membership_values=tensor(np.array([1, 2.5, 3, np.nan, 9, np.nan], kind)),
    )  # fmt: skip


@pytest.mark.parametrize("how", ["SUM", "MIN", "MAX"])
def test_trees_with_a_target_each(how: str) -> None:
    """As boosting of several classes has them; one target has no tree."""
    rng = np.random.default_rng(5)
    given = votes(rng, "target", 5, 2, 1, False)
    given["target_ids"] = [2 * (t % 2) for t in given["target_treeids"]]
    check(
        "TreeEnsembleRegressor", [rng.normal(size=(9, 3)).astype(np.float32)], n_targets=3, aggregate_function=how,
        **forest(rng, 5, 2, 3, "BRANCH_LEQ"), **given,
    )  # fmt: skip


def test_trees_that_lead_in_a_circle_are_refused() -> None:
    attributes = forest(RNG, 1, 1, 1, "BRANCH_LEQ")
    attributes["nodes_truenodeids"] = [0, 0, 0]
    with pytest.raises(ConversionError, match=r"1 problem") as caught:
        check("TreeEnsembleRegressor", [floats(2, 1)], expected=[], n_targets=1, **attributes,
              **votes(RNG, "target", 1, 1, 1, False))  # fmt: skip
    assert "circle" in str(caught.value) or "deeper" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"n_targets": 1 << 60}, "damaged"),
        ({"target_ids": [0, 5]}, "target 5 of 1"),
        ({"target_ids": [0, -1]}, "target -1 of 1"),
        ({"nodes_featureids": [1, 0, 0]}, "feature 1 of 1"),
        ({"nodes_featureids": [-1, 0, 0]}, "feature -1 of 1"),
        ({"nodes_featureids": [1 << 40, 0, 0]}, "feature 1099511627776 of 1"),
        ({"nodes_featureids": [0]}, "TreeEnsembleRegressor"),
        ({"target_nodeids": [1, 9]}, "TreeEnsembleRegressor"),
    ],
)
def test_damaged_trees_are_refused(changes: dict[str, Any], word: str) -> None:
    attributes = {
        **forest(RNG, 1, 1, 1, "BRANCH_LEQ"), **votes(RNG, "target", 1, 1, 1, False), "n_targets": 1, **changes,
    }  # fmt: skip
    with pytest.raises(ConversionError) as caught:
        check("TreeEnsembleRegressor", [floats(2, 1)], expected=[], **attributes)
    assert word in str(caught.value.problems)
