"""Elements narrower than a byte, packed and unpacked."""

from .runtime.packing import pack_data, unpack_data

__all__ = ["pack_data", "unpack_data"]
