"""Which nodes one kernel computes together."""

from __future__ import annotations

from collections.abc import Callable

from ....ir.dtype import f32, f64
from ....ir.graph import Graph, Node, Value
from ....passes.base import Context, Pass, graph_pass
from ....passes.mark_weights import RECURRENT
from ..quantized.movers import data_ports
from ..region import extract
from .chains import make_chains
from .epilogue import epilogue
from .transposed import with_explicit_pads

CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})

EXACT = "exact_conv"
"""Of quantized data, whose sums f32 holds exactly: forms that round them would change levels."""

TRANSPOSED = frozenset({"ConvolutionBackpropData", "GroupConvolutionBackpropData"})
"""They take no residual, and no functions behind an activation."""


@graph_pass("cpu-regions")
class CpuRegions(Pass):
    """Products take the bias, the residual and the functions that follow them; elementwise nodes form chains."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            make = _MAKERS.get(node.kind)
            kernel = make(graph, node) if make else ""
            if kernel:
                context.matches[kernel] += 1
                count += 1
        return count + make_chains(graph, context)


def _convolution(graph: Graph, node: Node) -> str:
    if not _is_plain_convolution(node):
        return ""
    kernel = EXACT if is_quantized(node.operand(0)) else "conv"
    user = node.outputs[0].only_user
    scaled = kernel == EXACT and user is not None and user.kind == "Multiply"  # and rounded by the same chain
    extract(graph, [node] if scaled else [node, *epilogue(node, channel_axis=1)], kernel)
    return kernel


def is_quantized(value: Value) -> bool:
    """Whether the numbers of a value are levels."""
    node = value.node
    if node is None or node.kind == "Dequantize":
        return node is not None
    if node.kind == "Region":
        return any(is_quantized(v) for v in node.bodies[0].outputs[value.index : value.index + 1])
    ports = data_ports(node)
    return len(ports) > 0 and all(is_quantized(node.operand(port)) for port in ports)


def _transposed(graph: Graph, node: Node) -> str:
    if not _is_plain_convolution(node):
        return ""
    node = with_explicit_pads(graph, node)
    extract(graph, [node, *epilogue(node, channel_axis=1, residual=False, post=False)], "conv")
    return "conv"


def _product(graph: Graph, node: Node) -> str:
    from .attention import attention_of  # most networks of convolutions have no products
    from .narrow import narrow_weights

    if attended := attention_of(node):
        extract(graph, attended, "attention")
        return "attention"
    if node.outputs[0].dtype is f64:
        return _wide_product(graph, node)
    if _is_constant_product(node):
        extract(graph, [node, *epilogue(node, channel_axis=-1)], "matmul")
        return "matmul"
    if weights := narrow_weights(graph, node):
        extract(graph, [weights, node, *epilogue(node, channel_axis=-1)], "narrow")
        return "narrow"
    return ""


def _wide_product(graph: Graph, node: Node) -> str:
    """A product in f64 of what is f32."""
    data, weights = node.operand(0).node, node.operand(1)
    plain = weights.is_const and weights.rank == 2 and not node.op.transpose_a  # type: ignore[attr-defined]
    if data is None or data.kind != "Convert" or data.operand(0).dtype is not f32 or not plain:
        return ""
    if data.outputs[0].only_user is not node or (data.outputs[0].rank or 0) < 2 or not node.outputs[0].tensor.is_static:
        return ""
    extract(graph, [data, node], "dot_wide")
    return "dot_wide"


def _recurrent(graph: Graph, node: Node) -> str:
    from .recurrent_weights import expansion

    pairs = [expansion(node.operand(port)) for port in RECURRENT[node.kind]]
    found = [n for pair in pairs if pair for n in pair]
    if not found:
        return ""
    extract(graph, [*found, node], "recurrent")
    return "recurrent"


def _integers(graph: Graph, node: Node) -> str:
    from .integer_regions import integer_region

    return integer_region(graph, node)


def _average(graph: Graph, node: Node) -> str:
    from .integer_average import integer_average

    return integer_average(graph, node)


def _resample(graph: Graph, node: Node) -> str:
    from .resize import quantized_resample

    return quantized_resample(graph, node)


def _norm(graph: Graph, node: Node) -> str:
    affine = _affine(node)
    if not affine:
        return ""
    extract(graph, [node, *affine], "norm")
    return "norm"


def _is_plain_convolution(node: Node) -> bool:
    return node.operand(1).is_const and node.outputs[0].dtype is f32 and node.outputs[0].tensor.is_static


def _is_constant_product(node: Node) -> bool:
    weights, out = node.operand(1), node.outputs[0]
    known = weights.is_const and weights.rank == 2 and out.dtype is f32 and out.tensor.is_static
    return known and (node.operand(0).rank or 0) >= 2 and not node.op.transpose_a  # type: ignore[attr-defined]


def _affine(node: Node) -> list[Node]:
    """The product with a constant, then the sum with one, that follow a normalization; either may be missing."""
    found: list[Node] = []
    end = node
    for kind in ("Multiply", "Add"):
        user = end.outputs[0].only_user
        if user is None or user.kind != kind or user.outputs[0].type != node.outputs[0].type:
            continue
        constant = user.operand(1) if user.operand(0) is end.outputs[0] else user.operand(0)
        if constant.is_const and constant.dtype is f32:
            found.append(user)
            end = user
    return found


_MAKERS: dict[str, Callable[[Graph, Node], str]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **dict.fromkeys(TRANSPOSED, _transposed),
    "MatMul": _product,
    **dict.fromkeys(("QuantizedConvolution", "QuantizedGroupConvolution", "QuantizedMatMul"), _integers),
    **dict.fromkeys(("AvgPool", "ReduceMean"), _average),
    **dict.fromkeys(RECURRENT, _recurrent),
    "Interpolate": _resample,
    "MVN": _norm,
}
"""What makes a region of a node of a kind, and of what belongs to it: the kernel's name, or nothing."""
