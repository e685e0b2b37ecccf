"""The parser of small ONNX files beside protobuf's."""

from __future__ import annotations

from typing import Any

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, TypeProto, helper

from tests.conftest import SHARED
from vinoc.compiler.frontends.onnx import messages
from vinoc.compiler.frontends.onnx.messages import MalformedError, Message, Model, parse
from vinoc.compiler.frontends.onnx.reader import FEW, _without_large_tensors
from vinoc.compiler.frontends.onnx.tensors import map_file

PROTOS = {"Element": ("Sequence", "Optional", "Map"), "TensorType": ("Tensor", "SparseTensor")}
"""Classes that stand for several messages within TypeProto."""


def proto_of(name: str) -> Any:
    if name == "Segment":
        return TensorProto.Segment
    if name == "Dimension":
        return onnx.TensorShapeProto.Dimension
    return getattr(onnx, {"Shape": "TensorShapeProto"}.get(name, f"{name}Proto"))


def theirs(name: str) -> list[Any]:
    nested = PROTOS.get(name)
    return [getattr(TypeProto, n).DESCRIPTOR for n in nested] if nested else [proto_of(name).DESCRIPTOR]


@pytest.mark.parametrize("name", messages.SCHEMA)
def test_fields_are_those_of_onnx(name: str) -> None:
    texts = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 9: "str", 11: "message", 12: "bytes"}
    texts[14] = "int32"  # of an enumeration
    for descriptor in theirs(name):
        known = descriptor.fields_by_name
        for tag, (field, kind, _, many, group) in messages._CLASSES[name].TABLE.items():
            if descriptor.name == "Map" and field == "elem_type":
                continue  # maps are refused, whatever they hold
            found = known[field]
            assert found.number == tag >> 3
            assert texts[found.type] == kind
            assert found.is_repeated == many
            assert (found.containing_oneof.name if found.containing_oneof else "") == group


def same(ours: Any, proto: Any) -> None:
    """Compares all fields that are declared here."""
    for field, kind, _, many, group in type(ours).TABLE.values():
        if group:
            assert ours.WhichOneof(group) == proto.WhichOneof(group)
            if ours.WhichOneof(group) in ("map_type", "opaque_type"):
                continue
        if not many:
            assert ours.HasField(field) == proto.HasField(field), field
        mine, other = getattr(ours, field), getattr(proto, field)
        if kind != "message":
            assert (list(mine) == list(other)) if many else (mine == other and type(mine) is type(other)), field
        elif many:
            assert len(mine) == len(other)
            for a, b in zip(mine, other, strict=True):
                same(a, b)
        elif proto.HasField(field):
            same(mine, other)


NUMBERS = [0, 1, 127, 128, 300, -1, -(1 << 31), (1 << 31) - 1]
LARGE = [*NUMBERS, 1 << 40, -(1 << 63), (1 << 63) - 1]


def tensors() -> list[onnx.TensorProto]:
    made = [
        TensorProto(dims=[2, 0], data_type=1, float_data=[1.5, -0.0, 3e38, float("inf")], name="a"),
        TensorProto(int32_data=NUMBERS, int64_data=LARGE, uint64_data=[0, 1 << 63, (1 << 64) - 1], double_data=[1e300]),
        TensorProto(string_data=[b"", b"\xff\0"], raw_data=b"\x80\x01", name="ä", data_location=1),
        TensorProto(segment=TensorProto.Segment(begin=1, end=2)),
        TensorProto(raw_data=b""),
        TensorProto(),
    ]
    made[0].external_data.add(key="location", value="x")
    return made


def models() -> dict[str, onnx.ModelProto]:
    kinds = {"f": 1.5, "i": -3, "s": "text", "fs": [1.0, 2.0], "is": LARGE, "ss": ["a", "b"], "t": tensors()[0]}
    node = helper.make_node("Op", ["x", "", "y"], ["z"], "name", domain="d", overload="o", **kinds)
    node.attribute.add(name="r", ref_attr_name="outer", type=2)
    body = helper.make_graph([node], "body", [], [], tensors())
    outer = helper.make_node("If", ["c"], ["z"], then_branch=body, else_branch=body)
    shape = helper.make_tensor_type_proto(1, [1, None, "n", -1, 1 << 40])
    types = [
        shape,
        helper.make_tensor_type_proto(7, None),
        helper.make_sequence_type_proto(shape),
        helper.make_optional_type_proto(helper.make_sequence_type_proto(shape)),
        helper.make_map_type_proto(7, shape),
        TypeProto(),
    ]
    values = [onnx.ValueInfoProto(name=f"v{i}", type=t) for i, t in enumerate(types)]
    graph = helper.make_graph([outer, node], "g", values, values[:1], tensors(), value_info=values)
    graph.sparse_initializer.add(values=tensors()[0], indices=tensors()[1], dims=[3])
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("d", 1)]
    function = helper.make_function("d", "Op", ["a"], ["b"], [node], imports, attributes=["k"])
    full = helper.make_model(graph, opset_imports=imports, functions=[function], doc_string="read by nobody")
    return {"full": full, "empty": onnx.ModelProto(), "graph": onnx.ModelProto(graph=onnx.GraphProto())}


@pytest.mark.parametrize("name", models())
def test_models(name: str) -> None:
    proto = models()[name]
    same(parse(Model, proto.SerializeToString()), proto)


@pytest.mark.shared
def test_models_of_the_shared_collection() -> None:
    compared = 0
    for path in sorted(SHARED.glob("models/*/*.onnx")):
        data = bytes(_without_large_tensors(map_file(path))[0])
        if len(data) < FEW:
            same(parse(Model, data), onnx.ModelProto.FromString(data))
            compared += 1
    assert compared >= 10


def test_what_comes_twice() -> None:
    """Lists go on, messages are merged, of numbers and of a oneof's members the last one counts."""
    first, second = models()["full"], models()["full"]
    second.graph.name = "other"
    data = first.SerializeToString() + second.SerializeToString()
    same(parse(Model, data), onnx.ModelProto.FromString(data))
    parts = [TypeProto(), helper.make_tensor_type_proto(1, [2]), helper.make_sequence_type_proto(TypeProto())]
    for a in parts:
        for b in parts:
            data = a.SerializeToString() + b.SerializeToString()
            same(parse(messages._CLASSES["Type"], data), TypeProto.FromString(data))
    number, text = b"\x08\x05", b"\x12\x01n"
    for data in (number + text, text + number, number + number):
        same(parse(messages._CLASSES["Dimension"], data), onnx.TensorShapeProto.Dimension.FromString(data))


def test_lists_of_numbers_in_one_piece_and_apart() -> None:
    tensor = messages._CLASSES["Tensor"]
    for data in (b"\x0a\x03\x01\xac\x02", b"\x08\x01\x08\xac\x02", b"\x0a\x01\x01\x08\xac\x02\x0a\x00"):
        assert parse(tensor, data).dims == [1, 300] == list(TensorProto.FromString(data).dims)
    assert parse(tensor, b"\x25\x00\x00\x80\x3f\x22\x04\x00\x00\x00\x40").float_data == [1.0, 2.0]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\x08", "within a field"),
        (b"\x3a\x05\x0a", "needs 5 bytes, 1 are left"),
        (b"\x3a\x02\x12\x05", "needs 5 bytes"),
        (b"\x00\x00", "no field 0"),
        (b"\x3b", "wire type 3"),
        (b"\x08" + b"\xff" * 11, "too long"),
        (b"\x3a\x03\x12\x01\xff", "not UTF-8"),
        (b"\x3a\x02\x08\x80\x01", "behind the message's end"),
    ],
)
def test_damage(data: bytes, word: str) -> None:
    with pytest.raises(MalformedError, match=word):
        parse(Model, data)


def sequences(depth: int) -> bytes:
    """A type of sequences within one another: two messages each."""
    made = TypeProto()
    for _ in range(depth):
        made = TypeProto(sequence_type=TypeProto.Sequence(elem_type=made))
    return bytes(made.SerializeToString())


def test_depth() -> None:
    """As deep as protobuf goes, and no deeper."""
    same(parse(messages._CLASSES["Type"], sequences(49)), TypeProto.FromString(sequences(49)))
    with pytest.raises(MalformedError, match="deeper than 100"):
        parse(messages._CLASSES["Type"], sequences(50))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_end_in_an_error_or_in_what_protobuf_makes_of_them(data: st.DataObject) -> None:
    raw = bytearray(models()["full"].SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(raw)
    try:
        ours = parse(Model, damaged)
    except MalformedError:
        return
    assert isinstance(ours, Message)
    try:
        proto = onnx.ModelProto.FromString(damaged)
    except Exception:  # it looks into fields that are passed over here
        return
    assert [n.op_type for n in ours.graph.node] == [n.op_type for n in proto.graph.node]
