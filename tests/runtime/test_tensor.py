"""Tensors: as OpenVINO's, and what vinoc adds."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.text import parse_graph

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_a_tensor_is_a_copy_of_an_array_or_shares_it(ov: Any) -> None:
    array = A.copy()
    owns, shares = ov.Tensor(array), ov.Tensor(array, shared_memory=True)
    array[0, 0] = 9
    assert owns.data[0, 0] == 0
    assert shares.data[0, 0] == 9
    shares.data[1, 1] = 7
    assert array[1, 1] == 7
    assert np.shares_memory(shares.data, array)
    assert not np.shares_memory(owns.data, array)
    assert ov.Tensor(array, True).data[1, 1] == 7
    assert repr(owns) == str(owns) == "<Tensor: shape[2,3] type: f32>"


def test_facts_of_a_tensor(ov: Any) -> None:
    t = ov.Tensor(A)
    assert t.element_type == t.get_element_type() == ov.Type.f32
    assert t.shape == t.get_shape() == ov.Shape([2, 3])
    assert (t.size, t.get_size(), t.byte_size, t.get_byte_size()) == (6, 6, 24, 24)
    assert t.strides == t.get_strides() == (12, 4)
    assert t.is_continuous()
    assert t.data.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
def test_arrays_of_all_types(ov: Any, dtype: str) -> None:
    array = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    for shared in (False, True):
        t = ov.Tensor(array, shared_memory=shared)
        assert t.element_type == ov.Type(dtype)
        np.testing.assert_array_equal(t.data, array)
        assert t.data.dtype == dtype


def test_other_forms(ov: Any) -> None:
    assert ov.Tensor(ov.Type.f32, [2, 3]).shape == [2, 3]
    assert ov.Tensor(ov.Type.f32, ov.Shape([2, 3])).data.shape == (2, 3)
    assert ov.Tensor(np.float32, [2]).element_type == ov.Type.f32
    assert ov.Tensor(np.dtype("int8"), ov.Shape([2])).element_type == ov.Type.i8
    assert ov.Tensor(type=ov.Type.i32, shape=[1]).byte_size == 4
    assert ov.Tensor(array=A).shape == [2, 3]
    assert ov.Tensor([1, 2, 3]).element_type == ov.Type.i64
    assert ov.Tensor([1.5, 2]).element_type == ov.Type.f64
    assert ov.Tensor([[1, 2], [3, 4]]).shape == [2, 2]
    assert ov.Tensor([True, False]).element_type == ov.Type.boolean
    assert ov.Tensor(np.array(3.0)).shape == []
    assert ov.Tensor(np.zeros((0, 3), np.float32)).size == 0
    np.testing.assert_array_equal(ov.Tensor(A.T).data, A.T)


def test_memory_seen_in_another_way(ov: Any) -> None:
    array = A.copy()
    t = ov.Tensor(array, [3, 2])
    assert t.shape == [3, 2]
    t.data[0, 0] = 5
    assert array[0, 0] == 5
    raw = np.zeros(8, np.uint8)
    floats = ov.Tensor(raw, [2], ov.Type.f32)
    floats.data[:] = [1, 2]
    np.testing.assert_array_equal(raw.view(np.float32), [1, 2])


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda ov: ov.Tensor(A.T, shared_memory=True), RuntimeError),
        (lambda ov: ov.Tensor(np.array(["a"]), shared_memory=True), RuntimeError),
        (lambda ov: ov.Tensor(np.ones(3, np.complex256)), RuntimeError),
        (lambda ov: ov.Tensor(ov.Type.dynamic, [3]), RuntimeError),
        (lambda ov: ov.Tensor(ov.Type.f32, [-1]), TypeError),
        (lambda ov: ov.Tensor("nothing", [1]), TypeError),
        (lambda ov: ov.Tensor([[1, 2], [3]]), ValueError),
        (lambda ov: ov.Tensor(ov.Tensor(A), [0, 0], [3, 1]), RuntimeError),
        (lambda ov: ov.Tensor(ov.Tensor(A), [0], [1]), RuntimeError),
    ],
)
def test_what_is_no_tensor(ov: Any, make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make(ov)


def test_other_shapes_of_the_same_memory(ov: Any) -> None:
    t = ov.Tensor(A)
    t.shape = [3, 2]
    np.testing.assert_array_equal(t.data, A.reshape(3, 2))
    t.set_shape([1, 2])
    np.testing.assert_array_equal(t.data, [[0, 1]])
    t.set_shape(ov.Shape([4, 4]))
    assert t.data.shape == (4, 4)
    array = A.copy()
    shared = ov.Tensor(array, shared_memory=True)
    shared.set_shape([3, 2])
    assert np.shares_memory(shared.data, array)
    with pytest.raises(RuntimeError):
        shared.set_shape([4, 2])


def test_tensors_are_copied_to_one_another(ov: Any) -> None:
    t, u = ov.Tensor(A), ov.Tensor(ov.Type.f32, [1])
    t.copy_to(u)
    np.testing.assert_array_equal(u.data, A)
    u.copy_from(np.ones((2, 2), np.float32))
    assert u.shape == [2, 2]
    u.copy_from(ov.Tensor(np.zeros(3, np.float32)))
    np.testing.assert_array_equal(u.data, [0, 0, 0])
    for source in (np.ones(2, np.int32), [1, 2], ov.Tensor([1])):
        with pytest.raises(RuntimeError):
            t.copy_from(source)
    with pytest.raises(RuntimeError):
        t.copy_to(ov.Tensor(ov.Type.i8, [2, 3]))
    with pytest.raises(AttributeError):
        t.data = A
    t = ov.Tensor(A)
    deep = copy.deepcopy(t)
    deep.data[0, 0] = 8
    assert t.data[0, 0] == 0


def test_regions_of_a_tensor(ov: Any) -> None:
    whole = ov.Tensor(np.arange(12).reshape(3, 4))
    for begin, end in (([0, 1], [2, 3]), (ov.Coordinate([0, 1]), ov.Coordinate([2, 3]))):
        part = ov.Tensor(whole, begin, end)
        np.testing.assert_array_equal(part.data, [[1, 2], [5, 6]])
        assert part.shape == [2, 2]
        assert part.strides == (32, 8)
        assert not part.is_continuous()
    part.copy_from(np.array([[-1, -2], [-3, -4]]))
    np.testing.assert_array_equal(whole.data[:2, 1:3], [[-1, -2], [-3, -4]])


@pytest.mark.filterwarnings("ignore:.*str_data.*:RuntimeWarning", "ignore:Data of string:RuntimeWarning")
def test_strings(ov: Any) -> None:
    for t in (ov.Tensor(["a", "bé"]), ov.Tensor(np.array(["a", "bé"])), ov.Tensor(np.array([b"a", "bé".encode()]))):
        assert t.element_type == ov.Type.string
        assert (t.size, t.byte_size, t.strides) == (2, 64, (32,))
        assert t.str_data.tolist() == ["a", "bé"]
        assert t.bytes_data.tolist() == t.data.tolist() == [b"a", "bé".encode()]
        assert (t.str_data.dtype, t.bytes_data.dtype) == ("<U2", "|S3")
    t.str_data = np.array(["x", "yy"])
    assert t.bytes_data.tolist() == [b"x", b"yy"]
    t.bytes_data = ["q", b"r"]
    assert t.str_data.tolist() == ["q", "r"]
    with pytest.raises(RuntimeError):
        t.bytes_data = ["one"]
    for fails in (lambda t: t.str_data, lambda t: t.bytes_data):
        with pytest.raises(RuntimeError):
            fails(ov.Tensor(A))


@pytest.mark.parametrize(("name", "dtype"), [("u1", "uint8"), ("u2", "uint8"), ("u4", "uint8"), ("i4", "int8")])
def test_narrow_elements_are_packed(ov: Any, name: str, dtype: str) -> None:
    element = getattr(ov.Type, name)
    t = ov.Tensor(element, [3, 3])
    size = -(-9 * element.bitwidth // 8)
    assert (t.byte_size, t.size) == (size, 9)
    assert (t.data.shape, t.data.dtype) == ((size,), dtype)
    memory = np.arange(size, dtype=np.uint8)
    seen = ov.Tensor(memory, [3, 3], element)
    np.testing.assert_array_equal(seen.data.view(np.uint8), memory)
    with pytest.raises(RuntimeError):
        _ = t.strides


@pytest.mark.parametrize("name", ["u3", "u6"])
def test_elements_that_share_three_bytes(ov: Any, name: str) -> None:
    element = getattr(ov.Type, name)
    assert [ov.Tensor(element, [n]).byte_size for n in (1, 4, 5, 8, 9)] == {
        "u3": [3, 3, 3, 3, 6], "u6": [3, 3, 6, 6, 9]
    }[name]  # fmt: skip


def test_tensors_of_ports(ov: Any, tmp_path: Path) -> None:
    text = "graph g(x: f32[2,3], d: f32[?,3]) -> (y) {\n  y = Add(x, d)\n}\n"
    vinoc.save_model(vinoc.Model(parse_graph(text)), tmp_path / "m.xml", compress_to_fp16=False)
    x, d = ov.Core().read_model(str(tmp_path / "m.xml")).inputs
    assert repr(ov.Tensor(x)) == "<Tensor: shape[2,3] type: f32>"
    assert ov.Tensor(d).size == 0
    array = A.copy()
    assert np.shares_memory(ov.Tensor(x, array).data, array)
    with pytest.raises(RuntimeError):
        ov.Tensor(x, A[:1])
    with pytest.warns(RuntimeWarning):
        assert ov.Tensor(x, np.ones((2, 3), np.int32)).element_type == ov.Type.f32


def test_a_file_as_a_tensor(ov: Any, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"\x01\x02\xff")
    t = (vinoc if ov is vinoc else __import__("openvino.utils.data_helpers").utils.data_helpers).tensor_from_file(
        str(tmp_path / "raw")
    )
    assert t.data.tolist() == [1, 2, 255]


def test_a_vector_of_tensors(ov: Any) -> None:
    vector = ov.TensorVector([ov.Tensor([1])])
    vector.append(ov.Tensor([2, 3]))
    assert len(vector) == 2
    assert [t.size for t in vector] == [1, 2]
    assert vector[1].shape == [2]


def test_vinocs_own() -> None:
    """Arrays of half precision hold numbers; tensors are arrays to NumPy; what is refused is told."""
    t = vinoc.Tensor(vinoc.Type.bf16, [3])
    t.data[:] = [1, 2.5, 3]
    assert t.data.dtype.name == "bfloat16"
    np.testing.assert_array_equal(np.asarray(vinoc.Tensor(A)), A)
    assert np.asarray(vinoc.Tensor(A), np.int32).dtype == np.int32
    nibbles = vinoc.Tensor(np.array([0x21, 0x03], np.uint8), [3], vinoc.Type.u4)
    assert nibbles.elements().astype(int).tolist() == [1, 2, 3]
    nibbles.set_elements(np.array([3, 2], np.uint8))
    assert nibbles.data.tolist() == [0x23]
    with pytest.raises(vinoc.UsageError, match="a tensor of f32 cannot be copied to one of i8"):
        vinoc.Tensor(A).copy_to(vinoc.Tensor(vinoc.Type.i8, [1]))
    with pytest.raises(TypeError, match=r"no tensor is made of a int(.|\n)*Tensor\(type, shape\)"):
        vinoc.Tensor(3)
    with pytest.raises(vinoc.UsageError, match="needs memory for 9, there is some for 6"):
        vinoc.Tensor(A.copy(), [3, 3])
    with pytest.raises(TypeError, match="shapes"):
        vinoc.Tensor(A, shapes=[3])
    with pytest.raises(vinoc.UsageError, match="swaps its bytes"):
        vinoc.Tensor(A.astype(">f4"), shared_memory=True)
    np.testing.assert_array_equal(vinoc.Tensor(A.astype(">f4")).data, A)


class Image:
    """What Pillow's images are to NumPy."""

    __array_interface__ = A.__array_interface__


def test_images_are_arrays() -> None:
    np.testing.assert_array_equal(vinoc.Tensor(Image()).data, A)
