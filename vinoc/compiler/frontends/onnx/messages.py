"""The messages of ONNX files, read from the file where they lie.

A file is in protobuf's wire format: a message is fields one after another, each a tag (8 * number + wire type) and a
value. Integers have seven bits a byte, the lowest first; the top bit tells that another byte follows. Texts, bytes,
messages and packed lists have their length in front.

Names and numbers are those of onnx.proto in ONNX's repository; fields that vinoc does not read are passed over. What is
made has the attributes, `HasField` and `WhichOneof` of protobuf's messages, but cannot be changed or written. To import
protobuf takes longer than to load a small model, and it would copy the weights.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ....ir.dtype import Array

SCHEMA = {
    "Model": "7 graph Graph; 8 opset_import OperatorSetId*; 25 functions Function*",
    "OperatorSetId": "1 domain text; 2 version int",
    "Function": (
        "1 name text; 4 input text*; 5 output text*; 6 attribute text*; 7 node Node*; 9 opset_import OperatorSetId*;"
        "10 domain text; 11 attribute_proto Attribute*; 13 overload text"
    ),
    "Graph": (
        "1 node Node*; 2 name text; 5 initializer Tensor*; 11 input ValueInfo*; 12 output ValueInfo*;"
        "13 described view*; 15 sparse_initializer SparseTensor*"
    ),
    "Node": (
        "1 input text*; 2 output text*; 3 name text; 4 op_type text; 5 attribute Attribute*; 7 domain text;"
        "8 overload text"
    ),
    "Attribute": (
        "1 name text; 2 f float; 3 i int; 4 s bytes; 5 t Tensor; 6 g Graph; 7 floats float*; 8 ints int*;"
        "9 strings bytes*; 10 tensors Tensor*; 11 graphs Graph*; 14 tp Type; 20 type int; 21 ref_attr_name text;"
        "22 sparse_tensor SparseTensor"
    ),
    "Tensor": (
        "1 dims int*; 2 data_type int; 3 segment view; 4 float_data float*; 5 int32_data int*; 6 string_data bytes*;"
        "7 int64_data int*; 8 name text; 9 raw_data view; 10 double_data double*; 11 uint64_data uint*;"
        "13 external_data StringStringEntry*; 14 data_location int"
    ),
    "SparseTensor": "1 values Tensor; 2 indices Tensor; 3 dims int*",
    "StringStringEntry": "1 key text; 2 value text",
    "ValueInfo": "1 name text; 2 type Type",
    "Type": (
        "1 tensor_type TensorType; 4 sequence_type Element; 5 map_type Element; 7 opaque_type Element;"
        "8 sparse_tensor_type TensorType; 9 optional_type Element"
    ),
    "TensorType": "1 elem_type int; 2 shape Shape",
    "Element": "1 elem_type Type",
    "Shape": "1 dim Dimension*",
    "Dimension": "1 dim_value int; 2 dim_param text",
}
"""Message -> its fields: number, name and type; `*` marks a list. `view` is bytes that stay in the file.

`described` is ONNX's `value_info`, of which only `value_infos` makes messages: few models are read with it."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""
_WIRES = {"int": VARINT, "uint": VARINT, "float": FIXED32, "double": FIXED64}
_EMPTY: dict[str, Any] = {"int": 0, "uint": 0, "float": 0.0, "double": 0.0, "text": "", "bytes": b"", "view": b""}
_FIXED = {"float": Struct("<f"), "double": Struct("<d")}
LONGEST = 10
"""Bytes of an integer."""

LARGE = 1 << 14
"""Bytes. A smaller message is copied, as bytes are read faster than what lies in a mapped file."""
DEEPEST = 32
"""Subgraphs within one another."""
DEEPEST_MESSAGE = 200
"""Messages within one another: types may be nested, too."""


class MalformedError(Exception):
    """The bytes are no such message; the text says why."""


class NestedError(Exception):
    """Subgraphs are nested too deep; the text says how deep."""


class Message:
    """Fields are attributes; absent ones are 0, empty, or an empty message."""

    FIELDS: ClassVar[dict[int, Field]]
    """Tag -> what to do with the field."""

    def HasField(self, name: str) -> bool:  # protobuf's name
        """Whether a field is in the file."""
        return name in self.__dict__

    def WhichOneof(self, _group: str) -> str | None:  # protobuf's name
        """The last field that is in the file, of a message with nothing but a choice of fields."""
        return next(reversed(self.__dict__), None)


Field: TypeAlias = tuple[str, bool, str, type[Message] | None]
"""Name, whether it is a list, type, and the class of a message."""


def _declared() -> dict[str, type[Message]]:
    """The classes of SCHEMA, each with its table and the values of absent fields."""
    made: dict[str, type[Message]] = {name: type(name, (Message,), {}) for name in SCHEMA}
    for message, cls in made.items():
        cls.FIELDS = {}
        for number, name, kind in map(str.split, SCHEMA[message].split(";")):
            many, kind = kind.endswith("*"), kind.rstrip("*")
            sub = made.get(kind)
            cls.FIELDS[int(number) << 3 | _WIRES.get(kind, BYTES)] = (name, many, kind, sub)
            if many and kind in _WIRES:
                cls.FIELDS[int(number) << 3 | BYTES] = (name, many, kind, None)
            setattr(cls, name, () if many else sub() if sub else _EMPTY[kind])
    return made


_CLASSES = _declared()


def model_of(data: memoryview) -> Any:
    """The ModelProto in the bytes of a file. Raises MalformedError, NestedError."""
    return _parsed(_CLASSES["Model"](), data)


def value_infos(graph: Any) -> list[Any]:
    """What a GraphProto tells of its tensors: `value_info`. Raises MalformedError."""
    return [_parsed(_CLASSES["ValueInfo"](), part) for part in graph.described]


def _parsed(message: Message, data: memoryview | bytes) -> Message:
    """Takes the bytes into a message, and those of the messages in it into these, level by level."""
    todo: list[_Part] = [(message, data, 0)]
    subgraphs = 0
    try:
        for part, content, depth in todo:
            _fill(part, content, depth + 1, todo)
            if part.__class__ is _CLASSES["Graph"]:
                subgraphs = (depth - 1) // 3  # a node and an attribute are between two graphs
    except IndexError:
        raise MalformedError("it ends within a field") from None
    except UnicodeDecodeError as fault:
        raise MalformedError(f"a text is not UTF-8: {fault.reason}") from None
    if subgraphs > DEEPEST:
        raise NestedError(f"subgraphs are nested {subgraphs} deep, {DEEPEST} can be read")
    if (deepest := todo[-1][2]) > DEEPEST_MESSAGE:
        raise NestedError(f"messages are nested {deepest} deep, {DEEPEST_MESSAGE} can be read")
    return message


_Part: TypeAlias = tuple[Message, memoryview | bytes, int]
"""A message, the bytes that are to be taken into it, how deep it lies."""


def _fill(message: Message, data: memoryview | bytes, below: int, todo: list[_Part]) -> None:
    """Takes the fields in the bytes into a message; notes the messages among them."""
    fields, values = message.FIELDS, message.__dict__
    at, end = 0, len(data)
    value: Any
    while at < end:
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = _number(data, at - 1)
        wire = tag & 7
        if wire == BYTES:
            number = data[at]
            at += 1
            if number > 0x7F:
                number, at = _number(data, at - 1)
            start = at
            at += number
        elif wire == VARINT:
            number = data[at]
            at += 1
            if number > 0x7F:
                number, at = _number(data, at - 1)
        else:
            start = at
            at += _size(tag)
        if at > end:
            raise MalformedError(f"field {tag >> 3} needs {at - start} bytes, {end - start} are left")
        field = fields.get(tag)
        if field is None:
            if tag < 8:
                raise MalformedError("there is no field 0")
            continue
        name, many, kind, sub = field
        if kind == "text":
            value = bytes(data[start:at]).decode()
        elif sub is not None:
            value = sub() if many or name not in values else values[name]  # what comes twice is merged
            part = data[start:at]
            todo.append((value, bytes(part) if number < LARGE else part, below))
        elif wire == VARINT:
            value = number - (1 << 64) if kind == "int" and number >> 63 else number
        elif kind == "view":
            value = data[start:at]
        elif kind == "bytes":
            value = bytes(data[start:at])
        elif wire == BYTES:
            more = _packed(kind, data[start:at])
            values[name] = np.append(values[name], more) if name in values else more
            continue
        else:
            value = _FIXED[kind].unpack(data[start:at])[0]
        if not many:
            values[name] = value
        elif name not in values:
            values[name] = [value]
        elif values[name].__class__ is list:
            values[name].append(value)
        else:  # behind a part in one piece
            values[name] = np.append(values[name], value)


def _number(data: memoryview | bytes, at: int) -> tuple[int, int]:
    """An integer, and where it ends."""
    value = shift = 0
    while shift < 7 * LONGEST:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise MalformedError("an integer is too long")


def _size(tag: int) -> int:
    """The bytes of a value that has no length in front."""
    if tag & 7 == FIXED32:
        return 4
    if tag & 7 == FIXED64:
        return 8
    raise MalformedError(f"field {tag >> 3} has the unknown wire type {tag & 7}")


def _packed(kind: str, data: memoryview | bytes) -> Array:
    """The elements of a list of numbers in one piece."""
    if kind in _FIXED:
        if len(data) % _FIXED[kind].size:
            raise MalformedError(f"{len(data)} bytes are no list of numbers of {_FIXED[kind].size} bytes")
        return np.frombuffer(data, _FIXED[kind].format)
    raw = np.frombuffer(data, np.uint8)
    last = np.flatnonzero(raw < 0x80)
    if raw.size and (not last.size or last[-1] != raw.size - 1):
        raise MalformedError("an integer is cut off")
    first = np.concatenate([[0], last[:-1] + 1])[: last.size]
    longest = int((last - first).max(initial=-1)) + 1
    if longest > LONGEST:
        raise MalformedError("an integer is too long")
    out = np.zeros(last.size, np.uint64)
    for i in range(longest):
        has = first + i <= last
        out[has] |= (raw[first[has] + i] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * i)
    return out if kind == "uint" else out.view(np.int64)
