"""Sizes in configurations: `size` for both sides, or `dst_width` and `dst_height`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...ir.errors import UsageError
from .options import option


@dataclass(frozen=True, kw_only=True)
class Sized:
    """Options of what has a size. `target` is (height, width), or None where no size is given."""

    needed: ClassVar[bool] = False
    """whether one has to be given"""

    size: int | None = option(None, "both sides", low=1)
    dst_width: int | None = option(None, "the width", low=1)
    dst_height: int | None = option(None, "the height", low=1)

    @property
    def target(self) -> tuple[int, int] | None:
        if self.size is not None:
            return self.size, self.size
        if self.dst_width is None or self.dst_height is None:
            return None
        return self.dst_height, self.dst_width

    @property
    def wanted(self) -> tuple[int, int]:
        """The size, where one is needed."""
        assert self.target is not None
        return self.target

    def __post_init__(self) -> None:
        self.check_size(self.needed)

    def check_size(self, needed: bool) -> None:
        """Raises UsageError for sizes that are half given, or given twice, or not at all where one is needed."""
        both = self.dst_width is not None, self.dst_height is not None
        if self.size is not None and any(both):
            raise UsageError("`size` and `dst_width` or `dst_height` are both given")
        if any(both) != all(both):
            raise UsageError(f"`{'dst_height' if both[0] else 'dst_width'}` is missing")
        if needed and self.target is None:
            raise UsageError("the size is missing", help="`size`, or `dst_width` and `dst_height`")
