"""How devices are called: `CPU`, `CPU.0`, `HETERO:A,B`, `AUTO:-A`, `BATCH:CPU(4)`, `MULTI:A(2),B`."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...ir.errors import UsageError
from ...ir.record import record


class Named(NamedTuple):
    """A device and what else its name says: the part behind the colon, or the number behind the dot."""

    device: str
    rest: str = ""
    id: str = ""


def split(name: str) -> Named:
    """The parts of a device's name. Raises UsageError for one that is empty."""
    head, _, rest = str(name).strip().partition(":")
    device, _, id = head.partition(".")
    if not device:
        raise UsageError(f"no device '{name}'", help="write a name such as CPU, or AUTO")
    return Named(device.strip().upper(), rest.strip(), id.strip())


@record(frozen=True)
class Entry:
    """One of a list of devices: `-A` is excluded, `A(2)` has a number."""

    name: str
    number: int | None = None
    excluded: bool = False


_ENTRY = r"(?P<minus>-?)(?P<name>[^()]+?)(\((?P<number>\d+)\))?$"


def listed(text: str) -> list[Entry]:
    """The devices of a list with commas. Raises UsageError for what is none."""
    entries = []
    for part in (p.strip() for p in text.split(",")):
        if not part:
            continue
        found = re.match(_ENTRY, part)
        if found is None or found["number"] == "0":
            raise UsageError(f"'{part}' names no device", help="write A, A(2) or -A; commas between devices")
        number = int(found["number"]) if found["number"] else None
        entries.append(Entry(found["name"].strip().upper(), number, bool(found["minus"])))
    return entries
