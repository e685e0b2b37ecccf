"""The parser of ONNX files beside protobuf's."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, TypeProto, helper

from tests.conftest import SHARED
from vinoc.compiler.frontends.onnx import messages
from vinoc.compiler.frontends.onnx.messages import DEEPEST, MalformedError, NestedError, model_of, value_infos
from vinoc.compiler.frontends.onnx.tensors import map_file

PROTOS = {"Element": ("Sequence", "Optional"), "TensorType": ("Tensor", "SparseTensor")}
"""Classes that stand for several messages within TypeProto."""
CHOICES = ("Type", "Dimension")
"""Messages of which one field counts."""


def theirs(name: str) -> list[Any]:
    if name in PROTOS:
        return [getattr(TypeProto, n).DESCRIPTOR for n in PROTOS[name]]
    if name == "Dimension":
        return [onnx.TensorShapeProto.Dimension.DESCRIPTOR]
    return [getattr(onnx, {"Shape": "TensorShapeProto"}.get(name, f"{name}Proto")).DESCRIPTOR]


@pytest.mark.parametrize("name", messages.SCHEMA)
def test_fields_are_those_of_onnx(name: str) -> None:
    texts = {1: "double", 2: "float", 3: "int", 4: "uint", 5: "int", 9: "text", 12: "bytes", 14: "int"}
    for descriptor in theirs(name):
        for tag, (field, many, kind, _) in messages._CLASSES[name].FIELDS.items():
            found = descriptor.fields_by_name["value_info" if field == "described" else field]
            assert found.number == tag >> 3
            assert kind == "view" or texts.get(found.type, found.message_type and kind) == kind
            assert found.is_repeated == many


def same(ours: Any, proto: Any) -> None:
    """Compares all fields that are declared here."""
    choice = type(ours).__name__ in CHOICES
    if choice:
        assert ours.WhichOneof("value") == proto.WhichOneof("value")
    for field, many, _, sub in type(ours).FIELDS.values():
        if field == "described":
            assert len(value_infos(ours)) == len(proto.value_info)
            for a, b in zip(value_infos(ours), proto.value_info, strict=True):
                same(a, b)
            continue
        if (choice and field != ours.WhichOneof("value")) or field in ("map_type", "opaque_type"):
            continue
        if not many:
            assert ours.HasField(field) == proto.HasField(field), field
        mine, other = getattr(ours, field), getattr(proto, field)
        if field == "segment":
            continue
        if sub is None:
            assert list(mine) == list(other) if many else mine == other, field
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
        TensorProto(dims=[2, 0], data_type=1, float_data=[1.5, -0.0, 2.0**100, float("inf")], name="a"),
        TensorProto(int32_data=NUMBERS, int64_data=LARGE, uint64_data=[0, 1 << 63, (1 << 64) - 1], double_data=[1e300]),
        TensorProto(string_data=[b"", b"\xff\0"], raw_data=b"\x80\x01", name="ä", data_location=1),
        TensorProto(segment=TensorProto.Segment(begin=1, end=2)),
        TensorProto(raw_data=bytes(messages.LARGE)),
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


def parsed(name: str, data: bytes) -> Any:
    return messages._parsed(messages._CLASSES[name](), data)


@pytest.mark.parametrize("name", models())
def test_models(name: str) -> None:
    proto = models()[name]
    same(model_of(memoryview(proto.SerializeToString())), proto)


@pytest.mark.shared
def test_models_of_the_shared_collection() -> None:
    paths = [p for p in sorted(SHARED.glob("models/*/*.onnx")) if p.stat().st_size < 1 << 23]
    assert len(paths) >= 10
    for path in paths:
        same(model_of(map_file(path)), onnx.ModelProto.FromString(path.read_bytes()))


def test_what_comes_twice() -> None:
    """Lists go on, messages are merged, of numbers and of a choice's members the last one counts."""
    first, second = models()["full"], models()["full"]
    second.graph.name = "other"
    data = first.SerializeToString() + second.SerializeToString()
    same(parsed("Model", data), onnx.ModelProto.FromString(data))
    parts = [TypeProto(), helper.make_tensor_type_proto(1, [2]), helper.make_sequence_type_proto(TypeProto())]
    for a in parts:
        for b in parts:
            data = a.SerializeToString() + b.SerializeToString()
            same(parsed("Type", data), TypeProto.FromString(data))
    number, text = b"\x08\x05", b"\x12\x01n"
    for data in (number + text, text + number, number + number):
        same(parsed("Dimension", data), onnx.TensorShapeProto.Dimension.FromString(data))


def test_lists_of_numbers_in_one_piece_and_apart() -> None:
    for data in (b"\x0a\x03\x01\xac\x02", b"\x08\x01\x08\xac\x02", b"\x0a\x01\x01\x08\xac\x02\x0a\x00", b"\x0a\x00"):
        assert list(parsed("Tensor", data).dims) == list(TensorProto.FromString(data).dims)
    assert list(parsed("Tensor", b"\x25\x00\x00\x80\x3f\x22\x04\x00\x00\x00\x40").float_data) == [1.0, 2.0]


def test_long_lists_are_arrays() -> None:
    numbers = np.random.default_rng(0).integers(-(1 << 62), 1 << 62, 999).tolist()
    found = parsed("Tensor", TensorProto(int64_data=numbers, float_data=range(999)).SerializeToString())
    assert np.array_equal(found.int64_data, numbers)
    assert np.array_equal(found.float_data, np.arange(999, dtype=np.float32))


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
        (b"\x3a\x02\x38\x80", "within a field"),
        (b"\x3a\x05\x2a\x03\x3a\x01\x80", "cut off"),
        (b"\x3a\x0f\x2a\x0d\x3a\x0b" + b"\xff" * 10 + b"\x01", "too long"),
        (b"\x3a\x05\x2a\x03\x22\x01\x80", "of 4 bytes"),
    ],
)
def test_damage(data: bytes, word: str) -> None:
    with pytest.raises(MalformedError, match=word):
        model_of(memoryview(data))


def sequences(depth: int) -> bytes:
    """A type of sequences within one another: two messages each."""
    made = b""
    for _ in range(depth):
        for field in (b"\x0a", b"\x22"):
            size = len(made)
            made = field + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + made
    return made


def test_depth() -> None:
    same(parsed("Type", sequences(49)), TypeProto.FromString(sequences(49)))
    with pytest.raises(NestedError, match=f"1000 deep, {messages.DEEPEST_MESSAGE}"):
        parsed("Type", sequences(500))
    assert 3 * DEEPEST < messages.DEEPEST_MESSAGE


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_bytes_end_in_an_error_or_in_what_protobuf_makes_of_them(data: st.DataObject) -> None:
    raw = bytearray(models()["full"].SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(raw)
    try:
        ours = model_of(memoryview(damaged))
    except (MalformedError, NestedError):
        return
    try:
        proto = onnx.ModelProto.FromString(damaged)
        kinds = [n.op_type for n in proto.graph.node]
    except Exception:  # it looks into fields that are passed over here
        return
    assert [n.op_type for n in ours.graph.node] == kinds
