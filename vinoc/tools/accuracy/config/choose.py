"""Which launchers of a configuration are run, with which models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....ir.errors import UsageError, did_you_mean
from ..launchers.base import launcher as registry
from .marked import Map, read_yaml
from .merge import Entry, Merged
from .paths import Prefixes
from .request import Request

ELSEWHERE = ("caffe", "dummy", "g-api", "gapi", "kaldi", "mxnet", "opencv", "paddle_paddle", "pdpd", "pytorch", "tf",
             "tf2", "tf_lite")  # fmt: skip
"""frameworks that Accuracy Checker runs and vinoc does not"""

SUFFIXES = (".xml", ".onnx", ".vir")


def chosen(out: Merged, request: Request) -> list[Entry]:
    """The entries whose launchers are wanted and can run, each with its model. Notes problems and remarks."""
    of_models: dict[str, list[Entry]] = {}
    for entry in out.entries:
        of_models.setdefault(entry.name, []).append(entry)
    found: list[Entry] = []
    for name, entries in of_models.items():
        kept = _once([e for entry in entries for e in _variants(entry, request, out)])
        if not kept and not out.problems:
            _none_left(name, entries, request, out)
        found += kept
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
            out.wrong(f"there is no launcher '{name}'", where, _near(name))
            name = "vinoc"  # so that what else is wrong with the entry is told too
        for device in _devices(launcher, request):
            for model in _models(entry, request, out):
                changed = launcher.changed(framework=name.lower(), device=device, model=model, **_overrides(request))
                yield Entry(entry.name, changed, entry.dataset)


def _near(name: str) -> str:
    return did_you_mean(name, registry.names()) or f"there are {', '.join(registry.names())}"


def _wanted(launcher: Map, framework: str, request: Request) -> bool:
    tags = launcher.get("tags") or ()
    if request.tags and not set(request.tags) & {str(t) for t in tags}:
        return False
    if request.framework and request.framework.lower() != framework.lower():
        return False
    device = launcher.get("device")
    return not request.devices or device is None or str(device).lower() in {d.lower() for d in request.devices}


def _devices(launcher: Map, request: Request) -> tuple[str, ...]:
    if launcher.get("device") is not None:
        return (str(launcher["device"]),)
    return request.devices or ("CPU",)


def _overrides(request: Request) -> dict[str, object]:
    given: dict[str, object] = {"batch": request.batch, "num_requests": request.requests}
    given["async_mode"] = None if request.requests is None else request.requests > 1
    return {name: value for name, value in given.items() if value is not None}


def _models(entry: Entry, request: Request, out: Merged) -> Iterator[Path | None]:
    """The model of a launcher, below each folder of -m; or each file of -m. None: a caller has it, or a problem is
    noted."""
    text = entry.launcher.get("model")
    if request.without_models:
        path = None if text is None else Prefixes(request.folder).path(text, ("models",))
        yield path if path is not None and path.is_file() else None
        return
    given = request.models or tuple(f for f in [request.prefixes.folder("models")] if f is not None)
    missing = [m for m in given if not m.exists()]
    for path in missing:
        problem = UsageError(f"there is no file or folder '{path}'", "-m")
        if str(problem) not in map(str, out.problems):
            out.problems.append(problem)
    if missing:
        yield None
        return
    where = entry.launcher.where("model")
    if text is None and not given:
        out.wrong(f"no model is given for '{entry.name}'", where, "model: FILE below the launcher, or -m FILE")
        yield None
        return
    places = given or ((Path(),) if Path(str(text)).exists() else (request.folder,))
    for place in places:
        path = place if text is None or place.is_file() else place / Path(str(text)).expanduser()
        yield _file(path, entry.name, where, out)


def _file(path: Path, name: str, where: str, out: Merged) -> Path | None:
    """A model file, or the one of a folder: that of the model's name, or the only one of its kind."""
    if path.is_file():
        return path
    if not path.is_dir():
        near = sorted(p.name for p in path.parent.glob("*") if p.suffix in SUFFIXES)
        out.wrong(f"there is no model '{path}'", where, did_you_mean(path.name, near) or None)
        return None
    for suffix in SUFFIXES:
        named = path / f"{name}{suffix}"
        files = [named] if named.is_file() else sorted(path.glob(f"*{suffix}"))
        if len(files) == 1:
            return files[0]
        if files:
            out.wrong(f"'{path}' has {len(files)} models ({suffix})", where, f"give one: {files[0]}")
            return None
    out.wrong(f"'{path}' has no model ({', '.join(SUFFIXES)})", where)
    return None


def _none_left(name: str, entries: list[Entry], request: Request, out: Merged) -> None:
    kinds = sorted({str(e.launcher.get("framework")) for e in entries})
    asked = request.framework or " ".join(request.devices + request.tags)
    why = f"none of its launchers ({', '.join(kinds)}) " + (f"is for {asked}" if asked else "can be run here")
    out.wrong(f"nothing is left to run of '{name}': {why}", entries[0].launcher.where("framework"),
              "run it by another: --launchers vinoc")  # fmt: skip


def device_config(launcher: Map, request: Request) -> dict[str, object]:
    """Properties of the device: of the launcher, and of --device_config, which go first. Those of other devices, where
    they are listed by device, are left out."""
    found: dict[str, object] = {}
    given = [launcher.get("device_config") or {}, read_yaml(request.device_config) if request.device_config else {}]
    device = str(launcher.get("device", "CPU")).upper()
    for block in given:
        by_device = any(isinstance(v, Map) for v in block.values())
        found |= dict(block.get(device, {}) if by_device else block)
    return found
