"""A parser for the messages of small ONNX files: to import protobuf takes longer than to parse them here.

A file is in protobuf's wire format: a message is fields one after another, each a tag (8 * number + wire type) and a
value. Integers have seven bits a byte, the lowest first; the top bit tells that another byte follows. Texts, bytes,
messages and packed lists have their length in front.

Names and numbers are those of onnx.proto in ONNX's repository. Fields that vinoc does not read are passed over. What is
made has the attributes of protobuf's messages, `HasField` and `WhichOneof`; it cannot be changed or written.
"""

from __future__ import annotations

from struct import iter_unpack, unpack_from
from typing import Any, ClassVar, TypeAlias

SCHEMA = {
    "Model": "7 graph Graph; 8 opset_import OperatorSetId*; 25 functions Function*",
    "OperatorSetId": "1 domain str; 2 version int64",
    "Function": (
        "1 name str; 4 input str*; 5 output str*; 6 attribute str*; 7 node Node*; 9 opset_import OperatorSetId*;"
        "10 domain str; 11 attribute_proto Attribute*; 12 value_info ValueInfo*; 13 overload str"
    ),
    "Graph": (
        "1 node Node*; 2 name str; 5 initializer Tensor*; 11 input ValueInfo*; 12 output ValueInfo*;"
        "13 value_info ValueInfo*; 15 sparse_initializer SparseTensor*"
    ),
    "Node": (
        "1 input str*; 2 output str*; 3 name str; 4 op_type str; 5 attribute Attribute*; 7 domain str; 8 overload str"
    ),
    "Attribute": (
        "1 name str; 2 f float; 3 i int64; 4 s bytes; 5 t Tensor; 6 g Graph; 7 floats float*; 8 ints int64*;"
        "9 strings bytes*; 10 tensors Tensor*; 11 graphs Graph*; 14 tp Type; 15 type_protos Type*; 20 type int32;"
        "21 ref_attr_name str; 22 sparse_tensor SparseTensor; 23 sparse_tensors SparseTensor*"
    ),
    "Tensor": (
        "1 dims int64*; 2 data_type int32; 3 segment Segment; 4 float_data float*; 5 int32_data int32*;"
        "6 string_data bytes*; 7 int64_data int64*; 8 name str; 9 raw_data bytes; 10 double_data double*;"
        "11 uint64_data uint64*; 13 external_data StringStringEntry*; 14 data_location int32"
    ),
    "Segment": "",
    "SparseTensor": "1 values Tensor; 2 indices Tensor; 3 dims int64*",
    "StringStringEntry": "1 key str; 2 value str",
    "ValueInfo": "1 name str; 2 type Type",
    "Type": (
        "1 tensor_type/value TensorType; 4 sequence_type/value Element; 5 map_type/value Element;"
        "7 opaque_type/value Element; 8 sparse_tensor_type/value TensorType; 9 optional_type/value Element"
    ),
    "TensorType": "1 elem_type int32; 2 shape Shape",
    "Element": "1 elem_type Type",
    "Shape": "1 dim Dimension*",
    "Dimension": "1 dim_value/value int64; 2 dim_param/value str",
}
"""Message -> its fields: number, name and type; `*` marks a list, `name/group` a member of a oneof."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""

KINDS = INT32, INT64, UINT64, FLOAT, DOUBLE, TEXT, RAW, MESSAGE = (
    "int32", "int64", "uint64", "float", "double", "str", "bytes", "message",
)  # fmt: skip
WIRES = {INT32: VARINT, INT64: VARINT, UINT64: VARINT, FLOAT: FIXED32, DOUBLE: FIXED64}
EMPTY: dict[str, Any] = {INT32: 0, INT64: 0, UINT64: 0, FLOAT: 0.0, DOUBLE: 0.0, TEXT: "", RAW: b""}
FORMATS = {FLOAT: "<f", DOUBLE: "<d"}

DEEPEST = 100
"""Messages within one another."""


class MalformedError(Exception):
    """The bytes are no such message; the text says why."""


class NestedError(MalformedError):
    """Messages are nested deeper than DEEPEST."""


class Message:
    """Fields are attributes; absent ones are 0, empty, or an empty message."""

    TABLE: ClassVar[dict[int, Entry]]
    """Tag -> what to do with the field."""

    def HasField(self, name: str) -> bool:  # protobuf's name
        """Whether a field occurs in the file; of a oneof, whether it is the last that does."""
        return name in self.__dict__

    def WhichOneof(self, group: str) -> str | None:  # protobuf's name
        """The member of a oneof that occurs in the file."""
        return next((e[0] for e in self.TABLE.values() if e[4] == group and e[0] in self.__dict__), None)

    def __getattr__(self, name: str) -> Any:
        """Messages have the attributes that SCHEMA declares."""
        raise AttributeError(f"ONNX's {type(self).__name__} has no {name}")


Entry: TypeAlias = tuple[str, str, type[Message], bool, str]
"""Name, kind, class of a message, whether it is a list, and the oneof that it belongs to."""


def _declare(made: dict[str, type[Message]]) -> None:
    """Gives each class its table, and the values of absent fields."""
    for message, cls in made.items():
        cls.TABLE = {}
        for declared in filter(None, SCHEMA[message].split(";")):
            number, label, type = declared.split()
            name, _, group = label.partition("/")
            many = type.endswith("*")
            sub = made.get(type.rstrip("*"), Message)
            kind = type.rstrip("*") if sub is Message else MESSAGE
            entry = (name, kind, sub, many, group)
            cls.TABLE[int(number) << 3 | WIRES.get(kind, BYTES)] = entry
            if many and kind in WIRES:
                cls.TABLE[int(number) << 3 | BYTES] = entry  # packed
            setattr(cls, name, () if many else sub() if kind == MESSAGE else EMPTY[kind])


_CLASSES: dict[str, type[Message]] = {name: type(name, (Message,), {}) for name in SCHEMA}
_declare(_CLASSES)
Model = _CLASSES["Model"]


def parse(cls: type[Message], data: bytes) -> Any:
    """The message in all of the bytes. Raises MalformedError."""
    message = cls()
    try:
        _fill(message, data, 0, len(data), 1)
    except IndexError:
        raise MalformedError("it ends within a field") from None
    except UnicodeDecodeError as error:
        raise MalformedError(f"a text is not UTF-8: {error.reason}") from None
    return message


def _fill(message: Message, data: bytes, at: int, end: int, depth: int) -> None:
    """Takes the fields in data[at:end] into a message."""
    if depth > DEEPEST:
        raise NestedError(f"messages are nested deeper than {DEEPEST}")
    table, values = message.TABLE, message.__dict__
    while at < end:
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = _number(data, at - 1)
        entry = table.get(tag)
        wire = tag & 7
        if wire in (BYTES, VARINT):
            number = data[at]
            at += 1
            if number > 0x7F:
                number, at = _number(data, at - 1)
        else:
            number = _size(tag)
        start = at
        if wire != VARINT:
            at += number
            if at > end:
                raise MalformedError(f"field {tag >> 3} needs {number} bytes, {max(end - start, 0)} are left")
        if entry is None:
            if tag < 8:
                raise MalformedError("there is no field 0")
            continue
        name, kind, cls, many, group = entry
        value: Any
        if kind == TEXT:
            value = str(data[start:at], "utf-8")
        elif kind == MESSAGE:
            value = values[name] if not many and name in values else cls()  # what comes twice is merged
            _fill(value, data, start, at, depth + 1)
        elif wire == VARINT:
            value = _signed(kind, number) if number > 0x7FFFFFFF else number
        elif kind == RAW:
            value = data[start:at]
        elif wire == BYTES:
            values.setdefault(name, []).extend(_packed(kind, data[start:at]))
            continue
        else:
            (value,) = unpack_from(FORMATS[kind], data, start)
        if many:
            values.setdefault(name, []).append(value)
        else:
            if group and name not in values:
                for member in (e[0] for e in table.values() if e[4] == group):
                    values.pop(member, None)
            values[name] = value
    if at != end:
        raise MalformedError("a field goes on behind the message's end")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An integer, and where it ends."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise MalformedError("an integer is too long")


def _size(tag: int) -> int:
    if tag & 7 == FIXED32:
        return 4
    if tag & 7 == FIXED64:
        return 8
    raise MalformedError(f"field {tag >> 3} has the unknown wire type {tag & 7}")


def _signed(kind: str, number: int) -> int:
    """An integer as its type reads the bits."""
    if kind == INT32:
        return ((number & 0xFFFF_FFFF) ^ 0x8000_0000) - 0x8000_0000
    return number - (1 << 64) if kind == INT64 and number >> 63 else number


def _packed(kind: str, data: bytes) -> list[Any]:
    """The elements of a list of numbers in one piece."""
    if kind in FORMATS:
        width = 4 if kind == FLOAT else 8
        if len(data) % width:
            raise MalformedError(f"{len(data)} bytes are no list of numbers of {width} bytes")
        return [value for (value,) in iter_unpack(FORMATS[kind], data)]
    found, at = [], 0
    while at < len(data):
        number, at = _number(data, at)
        found.append(_signed(kind, number))
    return found
