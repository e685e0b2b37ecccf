"""Facts about devices, and which are used, after openvino.properties.device."""

from __future__ import annotations

from ..runtime import words
from .property import Property

Type = words.DeviceType

architecture = Property("DEVICE_ARCHITECTURE")
capabilities = Property("OPTIMIZATION_CAPABILITIES")
full_name = Property("FULL_DEVICE_NAME")
id = Property("DEVICE_ID", str)
priorities = Property("MULTI_DEVICE_PRIORITIES", str, many=True)
properties = Property("DEVICE_PROPERTIES", dict)
type = Property("DEVICE_TYPE")


class Capability:
    """What OPTIMIZATION_CAPABILITIES may list."""

    BF16 = "BF16"
    BIN = "BIN"
    EXPORT_IMPORT = "EXPORT_IMPORT"
    FP16 = "FP16"
    FP32 = "FP32"
    INT16 = "INT16"
    INT8 = "INT8"
    WINOGRAD = "WINOGRAD"
