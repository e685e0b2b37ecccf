"""Which launchers of a configuration are run, with which models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....ir.errors import nearest
from ...marked import Map
from ..launchers.base import launcher as registry
from .marked import read_yaml
from .merge import Entry, Merged
from .models import models_of
from .request import Request

ELSEWHERE = ("caffe", "dummy", "g-api", "gapi", "kaldi", "mxnet", "opencv", "paddle_paddle", "pdpd", "pytorch", "tf",
             "tf2", "tf_lite")  # fmt: skip
"""frameworks that Accuracy Checker runs and vinoc does not"""


def chosen(out: Merged, request: Request) -> list[Entry]:
    """The entries whose launchers are wanted and can run, each with its model. Notes problems and remarks."""
    of_models: dict[str, list[Entry]] = {}
    for entry in out.entries:
        of_models.setdefault(entry.name, []).append(entry)
    found: list[Entry] = []
    idle: list[tuple[str, str]] = []
    for name, entries in of_models.items():
        kept = _once([e for entry in entries for e in _variants(entry, request, out)])
        if not kept:
            idle.append((_none_left(name, entries, request), entries[0].launcher.where("framework")))
        found += kept
    if found:
        out.remarks += [f"{where}: {what}" for what, where in idle]
    elif not out.problems:
        for what, where in idle:
            out.wrong(what, where)
    return found


def _once(entries: list[Entry]) -> list[Entry]:
    """Without those that another one is the same as: launchers that differ by framework alone, run by --launchers."""
    kept: list[tuple[Map, Entry]] = []
    for entry in entries:
        launcher = entry.launcher.without("tags")
        if not any(launcher == other and entry.dataset is e.dataset for other, e in kept):
            kept.append((launcher, entry))
    return [e for _, e in kept]


def _variants(entry: Entry, request: Request, out: Merged) -> Iterator[Entry]:
    """The entry on each device that is asked for, with each launcher and each model; none when it is not wanted."""
    launcher = entry.launcher
    framework = launcher.get("framework")
    if not isinstance(framework, str):
        out.wrong("the launcher has no framework", launcher.where("framework"), f"one of {', '.join(registry.names())}")
        return
    if not _wanted(launcher, framework, request):
        return
    names = request.launchers or (framework,)
    if framework.lower() in ELSEWHERE:
        out.remarks.append(f"{launcher.where('framework')}: '{framework}' is not run here: left out")
        return
    for name in names:
        where = "--launchers" if request.launchers else launcher.where("framework")
        if name.lower() not in registry.names():
            out.wrong(f"there is no launcher '{name}'", where, nearest(name, registry.names()))
            name = "vinoc"  # so that what else is wrong with the entry is told too
        for device in _devices(launcher, request):
            for found in models_of(entry, request, out):
                changed = launcher.changed(
                    framework=name.lower(),
                    device=device,
                    model=found.model,
                    weights=found.weights,
                    **_overrides(request),
                )
                yield Entry(entry.name, changed, entry.dataset)


def _wanted(launcher: Map, framework: str, request: Request) -> bool:
    if request.tags and not set(request.tags) & set(tags_of(launcher)):
        return False
    if request.framework and request.framework.lower() != framework.lower():
        return False
    device = launcher.get("device")
    return not request.devices or device is None or str(device).lower() in {d.lower() for d in request.devices}


def tags_of(launcher: Map) -> tuple[str, ...]:
    """A list of them, or one."""
    given = launcher.get("tags") or ()
    return tuple(str(t) for t in given) if isinstance(given, list | tuple) else (str(given),)


def _devices(launcher: Map, request: Request) -> tuple[str, ...]:
    if launcher.get("device") is not None:
        return (str(launcher["device"]),)
    return request.devices or ("CPU",)


def _overrides(request: Request) -> dict[str, object]:
    given: dict[str, object] = {"batch": request.batch, "num_requests": request.requests}
    given["async_mode"] = request.async_mode
    if request.requests is not None and request.async_mode is None:
        given["async_mode"] = request.requests > 1
    return {name: value for name, value in given.items() if value is not None}


def _none_left(name: str, entries: list[Entry], request: Request) -> str:
    kinds = sorted({str(e.launcher.get("framework")) for e in entries})
    asked = request.framework or " ".join(request.devices + request.tags)
    why = f"none of its launchers ({', '.join(kinds)}) " + (f"is for {asked}" if asked else "can be run here")
    return f"nothing is left to run of '{name}': {why}"


def device_config(launcher: Map, request: Request) -> dict[str, object]:
    """Properties of the device: of the launcher, and of --device_config, which go first. Those of other devices, where
    they are listed by device, are left out."""
    found: dict[str, object] = {}
    given = [launcher.get("device_config") or {}, read_yaml(request.device_config) if request.device_config else {}]
    device = str(launcher.get("device", "CPU")).upper()
    for block in given:
        if not isinstance(block, Mapping):  # the launcher's options refuse it
            continue
        by_device = any(isinstance(v, Map) for v in block.values())
        found |= dict(block.get(device, {}) if by_device else block)
    return found
