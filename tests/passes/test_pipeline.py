from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinoc.ir import Builder, Graph, TensorType, UsageError, VinocError
from vinoc.ir.dtype import f32
from vinoc.ir.op import registry
from vinoc.passes import Context, Pass, PassManager, Rewrite, graph_pass, parse, pipeline, rewrite
from vinoc.passes import registry as passes_registry
from vinoc.passes.pattern import OpPattern, trace
from vinoc.passes.registry import names, pass_class
from vinoc.passes.rewrite import apply


@pytest.mark.parametrize(
    "text",
    ["", "fuse", "fuse,fp16", "(fold,dce)*,fuse{without=[fuse-gelu,merge-adds]},fp16", "(fold,(cse,dce)*3)*"],
)
def test_prints_back_to_itself(text: str) -> None:
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


steps = st.recursive(
    st.sampled_from(["fold", "dce", "cse", "dropout", "fuse", "fuse{without=[fuse-swish]}"]),
    lambda inner: st.tuples(st.lists(inner, min_size=1, max_size=3), st.sampled_from(["", "*", "*2"])).map(
        lambda t: f"({','.join(t[0])}){t[1]}"
    ),
    max_leaves=6,
)


@given(st.lists(steps, max_size=4))
def test_round_trip(parts: list[str]) -> None:
    pipeline = parse(",".join(parts))
    assert parse(str(pipeline)) == pipeline


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("fusee,fp16", 0, "did you mean 'fuse'"),
        ("fold,fues", 5, "no pass named 'fues'"),
        ("fuse,,", 5, "unexpected ','"),
        ("(fold", 5, "unexpected the end"),
        ("fuse{x=1}", 0, "no option 'x'"),
        ("fuse{without=[nosuch]}", 0, "no rule 'nosuch'"),
        ("fuse{without=1", 14, "unexpected the end"),
        ("(dce)*0", 6, "at least once"),
        ("dce;fold", 3, "unexpected ';'"),
    ],
)
def test_errors_show_the_place(text: str, column: int, message: str) -> None:
    with pytest.raises(UsageError) as info:
        parse(text)
    lines = str(info.value).splitlines()
    assert message in str(info.value)
    caret = next(line for line in lines if set(line.strip()) == {"^"})
    assert caret.index("^") - 2 == column


def test_order_is_checked_with_its_reason() -> None:
    with pytest.raises(UsageError, match="'fp16' must come after 'fuse': fusions compute"):
        parse("fp16,fuse")


def test_every_pass_loads_and_says_what_it_does() -> None:
    for name in passes_registry.names():
        assert passes_registry.pass_class(name).summary(), name


def _graph() -> Graph:
    graph = Graph("g")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2, 3)), "x")
    graph.add_output(b.Add(b.ReLU(x), 1.0), "y")
    return graph


def test_rules_that_undo_each_other_are_named() -> None:
    @rewrite
    class ReluToTanh(Rewrite):
        """Wrong on purpose."""

        def pattern(self, p, x):
            return p.ReLU(x)

        def replace(self, b, m):
            return b.Tanh(m.x)

    @rewrite
    class TanhToRelu(Rewrite):
        """Wrong on purpose."""

        def pattern(self, p, x):
            return p.Tanh(x)

        def replace(self, b, m):
            return b.ReLU(m.x)

    with pytest.raises(VinocError, match=r"'relu-to-tanh' and 'tanh-to-relu'|'tanh-to-relu' and 'relu-to-tanh'"):
        apply(_graph(), [ReluToTanh(), TanhToRelu()], Context())


def test_a_rule_that_changes_a_type_is_a_fault_of_the_rule() -> None:
    @rewrite
    class WrongType(Rewrite):
        """Wrong on purpose."""

        def pattern(self, p, x):
            return p.ReLU(x)

        def replace(self, b, m):
            return b.Reshape(m.x, [3, 2], special_zero=False)

    with pytest.raises(VinocError, match="rule 'wrong-type' replaces"):
        apply(_graph(), [WrongType()], Context())


def test_an_endless_group_is_named() -> None:
    @graph_pass("restless")
    class Restless(Pass):
        """Says that it changed something."""

        def run(self, graph, context):
            return 1

    from vinoc.passes.pipeline import Pipeline, Repeat

    with pytest.raises(VinocError, match="still changes the graph after 50 rounds"):
        PassManager(Pipeline((Repeat((Restless(),), 0),))).run(_graph())


def test_verify_names_the_pass_that_broke_the_graph() -> None:
    from vinoc.passes.instruments import Verify
    from vinoc.passes.pipeline import Pipeline

    @graph_pass("vandal")
    class Vandal(Pass):
        """Breaks a type."""

        def run(self, graph, context):
            graph.first.outputs[0].type = TensorType(f32, (9,))
            return 1

    with pytest.raises(VinocError, match="after pass 'vandal'"):
        PassManager(Pipeline((Vandal(),)), [Verify()]).run(_graph())


def test_numeric_check_names_the_first_pass_beyond_the_tolerance() -> None:
    import numpy as np

    from vinoc.backends.numpy import Interpreter
    from vinoc.passes.instruments import NumericCheck
    from vinoc.passes.pipeline import Pipeline

    @rewrite
    class ReluIsTanh(Rewrite):
        """Wrong on purpose."""

        def pattern(self, p, x):
            return p.ReLU(x)

        def replace(self, b, m):
            return b.Tanh(m.x)

    check = NumericCheck(lambda g, ins: Interpreter(g).run(ins), [np.ones((2, 3), np.float32)])
    with pytest.raises(VinocError, match=r"pass 'relu-is-tanh' \(step 1\): output 'y' differs"):
        PassManager(Pipeline((*parse("fold").steps, ReluIsTanh())), [check]).run(_graph())


@pytest.mark.parametrize(("allowed", "fine"), [(0.2, True), (0.05, False)])
def test_numeric_check_allows_a_pass_what_it_says_that_it_rounds(allowed: float, fine: bool) -> None:
    """What it moves is the measure for those that come later."""
    import numpy as np

    from vinoc.backends.numpy import Interpreter
    from vinoc.passes.instruments import NumericCheck
    from vinoc.passes.pipeline import Pipeline

    @graph_pass(f"near-{fine}".lower())
    class Near(Pass):
        """A tenth less."""

        rounds = allowed

        def run(self, graph, context):
            from vinoc.ir.builder import Builder

            b = Builder(graph)
            graph.set_output(0, b.Multiply(graph.outputs[0], b.const(np.float32(0.9))))
            return 1

    check = NumericCheck(lambda g, ins: Interpreter(g).run(ins), [np.ones((2, 3), np.float32)])
    manager = PassManager(Pipeline((Near(), Near())), [check])
    if fine:
        manager.run(_graph())
        assert [error == pytest.approx(0.1, rel=1e-3) for _, error in check.errors] == [True, True]
    else:
        with pytest.raises(VinocError, match=r"differs by 1.00e-01 of its range, 0.05 is allowed"):
            manager.run(_graph())


def test_numeric_check_of_sequences() -> None:
    import numpy as np

    from vinoc.backends.numpy import Interpreter
    from vinoc.ir.text import parse_graph
    from vinoc.passes.instruments import NumericCheck, range_error

    graph = parse_graph("""graph g(x: f32[2]) -> (s) {
      zero = Constant() : f32[] = [0.0]
      y = Add(x, zero)
      s = SequenceConstruct(y, x)
    }""")
    check = NumericCheck(lambda g, ins: Interpreter(g).run(ins), [np.ones(2, np.float32)])
    PassManager("dropout", [check]).run(graph)
    assert check.errors == [("dropout", 0.0)]
    one, two = np.ones(2), np.full(2, 2.0)
    assert range_error((one, two), [one, one]) == 0.5
    assert range_error((one,), (one, one)) == range_error(None, one) == range_error(one, None) == float("inf")
    assert range_error((), ()) == range_error(None, None) == 0.0


def test_a_match_that_is_declined_leaves_nothing_behind() -> None:
    from vinoc.passes import Decline

    @rewrite
    class Hesitant(Rewrite):
        """Builds, then declines."""

        def pattern(self, p, x):
            return p.ReLU(x)

        def replace(self, b, m):
            b.Tanh(b.Exp(m.x))
            return Decline("on second thoughts")

    graph = _graph()
    before = str(graph)
    context = Context(explain=True)
    assert apply(graph, [Hesitant()], context) == 0
    assert str(graph) == before
    assert context.declined[0].why == "on second thoughts"


def test_names_of_inputs_and_outputs_survive() -> None:
    graph = Graph("g")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2,)), "x", ["image", "picture"])
    graph.add_output(b.Identity(x), ["prob", "out:0"])
    graph.add_output(x, "again")
    PassManager("dropout,fuse").run(graph)
    assert graph.input_names == [("image", "picture")]
    assert graph.output_names == [("prob", "out:0"), ("again",)]
    assert graph.outputs == [x, x]


@pytest.mark.parametrize(
    "text",
    [
        "fold",
        "fold,dce",
        "fuse{without=[fuse-attention]}",
        "fp16{rounding=nearest},fold",
        "decompress{keep-products=true}",
        "widen,decompress{keep-products=true},inline-if,fold,dropout,cse,fuse{without=[fuse-attention]},dce",
    ],
)
def test_plain_strings_are_read_as_the_grammar_reads_them(text: str) -> None:
    plain = pipeline._plain(text)
    assert plain == pipeline._steps(pipeline._parser().parse(text), text, "--passes")


@pytest.mark.parametrize(
    "text", ["", "fold,", "fold{", "nothing", "fold{x=y}", "fp16{keep-share=0.1}", "(fold)*", "fold dce", "fold,,dce"]
)
def test_what_is_not_plain_goes_to_the_grammar(text: str) -> None:
    assert pipeline._plain(text) is None


def kinds_in(pattern: object) -> set[str]:
    if not isinstance(pattern, OpPattern):
        return set()
    return set(pattern.kinds).union(*map(kinds_in, pattern.args))


def test_the_operations_of_all_patterns_exist() -> None:
    rules = [made for name in names() if isinstance(made := pass_class(name), type) and issubclass(made, Rewrite)]
    assert len(rules) > 90
    for rule in rules:
        for pattern in trace(rule().pattern):
            assert kinds_in(pattern) <= set(registry()), rule.__name__
