"""Element types: as OpenVINO's, and what vinoc adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vinoc

NAMES = [
    "bf16", "boolean", "dynamic", "f16", "f32", "f4e2m1", "f64", "f8e4m3", "f8e5m2", "f8e8m0", "i16", "i32", "i4",
    "i64", "i8", "nf4", "string", "u1", "u16", "u2", "u3", "u32", "u4", "u6", "u64", "u8",
]  # fmt: skip


def facts(t: Any) -> list[Any]:
    return [
        *(repr(t), t.get_type_name(), t.type_name, t.to_string(), t.size, t.get_size(), t.bitwidth, t.get_bitwidth()),
        *(t.is_real(), t.is_integral(), t.is_integral_number(), t.is_signed(), t.is_quantized(), t.is_static()),
        *(t.real, t.integral, t.integral_number, t.signed, t.quantized, t.is_dynamic()),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_type_is_as_openvino_has_it(name: str) -> None:
    import openvino

    mine, real = getattr(vinoc.Type, name), getattr(openvino.Type, name)
    assert facts(mine) == facts(real)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("dynamic", "bf16") and n[:2] != "f8"])
def test_the_arrays_of_every_type_are_as_openvino_has_them(name: str) -> None:
    """Of bf16 and f8 vinoc's arrays hold numbers, OpenVINO's the bits of numbers."""
    import openvino

    assert getattr(vinoc.Type, name).to_dtype() == getattr(openvino.Type, name).to_dtype()


@pytest.mark.parametrize(
    ("given", "name"),
    [(np.float32, "f32"), ("float32", "f32"), (np.dtype("int64"), "i64"), (np.bool_, "boolean"), (bool, "boolean"),
     (float, "f64"), (int, "i64"), ("bool", "boolean"), (np.str_, "string"), (str, "string"), (np.float16, "f16")],
)  # fmt: skip
def test_types_from_numpy(ov: Any, given: Any, name: str) -> None:
    assert ov.Type(given) == getattr(ov.Type, name)


def test_types_compare_and_merge(ov: Any) -> None:
    t = ov.Type
    assert t.f32 == t(np.float32)
    assert t.f32 != t.f16
    assert t.f32 != np.float32
    assert hash(t.f32) == hash(t(np.float32))
    assert {t.f32: 1}[t(np.float32)] == 1
    assert t.f32.compatible(t.dynamic)
    assert t.f32.compatible(t.f32)
    assert not t.f32.compatible(t.f16)
    assert t.f32.merge(t.dynamic) == t.dynamic.merge(t.f32) == t.f32
    assert t.f32.merge(t.f16) is None
    for wrong in ("zz", "undefined"):
        with pytest.raises(TypeError):
            t(wrong)


def test_types_from_their_own_names() -> None:
    for name in NAMES:
        assert vinoc.Type(name) == getattr(vinoc.Type, name) == name
    assert vinoc.Type(vinoc.Type.f32) == vinoc.Type.f32
    with pytest.raises(vinoc.UsageError, match="did you mean 'f32'"):
        vinoc.Type("f33")
    with pytest.raises(vinoc.UsageError, match="stands for any"):
        vinoc.Type.dynamic.to_dtype()
    assert vinoc.Type.bf16.to_dtype().name == "bfloat16"
