"""Data readers for images and arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, VinocError
from ....ir.kernels.images import luma
from ...inputs.images import read_image
from ...inputs.numpy_files import one_array, read_array, read_arrays
from ..base import DataReader, data_reader
from ..options import option


class _ImageReader(DataReader):
    """Pixels [height, width, 3] of u8."""

    def read(self, path: Path) -> Array:
        return self.converted(read_image(path))

    def converted(self, data: Array) -> Array:
        """Gray pixels get three channels, as they have when they are read from a file."""
        return np.repeat(data, 3, axis=2) if data.ndim == 3 and data.shape[2] == 1 else data


@data_reader("opencv_imread")
class OpenCvImread(_ImageReader):
    """Images with blue first, as OpenCV gives them. Pillow or vinoc decodes them: the pixels are the same."""

    reading_flag: str = option("color", "gray: one channel, luma", choices=("color", "gray"))

    def converted(self, data: Array) -> Array:
        if self.reading_flag == "gray":
            return luma(data) if data.ndim == 3 and data.shape[2] == 3 else data
        data = super().converted(data)
        return np.ascontiguousarray(data[:, :, ::-1]) if data.ndim == 3 and data.shape[2] == 3 else data


@data_reader("pillow_imread", "skimage_imread", "scipy_imread", "tf_imread")
class PillowImread(_ImageReader):
    """Images with red first."""

    ignored = ("to_rgb",)


@data_reader("numpy_reader")
class NumpyReader(DataReader):
    """An array of a .npy file, or of a .npz file that has one, or the one that is named."""

    keys: str | None = option(None, "the name of the array in .npz files")

    def read(self, path: Path) -> Array:
        if path.suffix != ".npz":
            return read_array(path)
        arrays = read_arrays(path)
        if self.keys is None and len(arrays) != 1:
            raise UsageError(f"holds {len(arrays)} arrays: {', '.join(arrays)}", str(path), "name one by `keys`")
        return one_array(arrays, self.keys or next(iter(arrays)), path)


@data_reader("numpy_bin_reader")
class NumpyBinReader(DataReader):
    """The bytes of a file as numbers of a type."""

    dtype: str = option("float32", "the type of the numbers")
    offset: int = option(0, "how many bytes of the beginning are left out", low=0)
    ignored = ("as_buffer",)

    def __post_init__(self) -> None:
        try:
            np.dtype(self.dtype)
        except TypeError:
            raise UsageError(f"option 'dtype' is '{self.dtype}', which is no type of NumPy") from None

    def read(self, path: Path) -> Array:
        try:
            data = path.read_bytes()[self.offset :]
            return np.frombuffer(data, self.dtype)
        except (OSError, ValueError) as error:
            raise VinocError(f"cannot be read as {self.dtype}: {error}", str(path)) from error
