"""Where the models of launchers are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ....ir.errors import UsageError, did_you_mean
from .merge import Entry, Merged
from .paths import Prefixes
from .request import Request

SUFFIXES = (".xml", ".onnx", ".vir")


class Found(NamedTuple):
    """A model, and its weights where they are not beside it by the same name. None: a caller has it, or a problem is
    noted."""

    model: Path | None = None
    weights: Path | None = None


def models_of(entry: Entry, request: Request, out: Merged) -> Iterator[Found]:
    """The model of a launcher, below each folder of -m; or each file of -m. Notes problems."""
    text, weights = entry.launcher.get("model"), entry.launcher.get("weights")
    if request.without_models:
        path = None if text is None else Prefixes(request.folder).path(text, ("models",))
        yield Found(path if path is not None and path.is_file() else None)
        return
    given = request.models or tuple(f for f in [request.prefixes.folder("models")] if f is not None)
    if _missing(given, out):
        yield Found()
        return
    where = entry.launcher.where("model")
    if text is None and not given:
        out.wrong(f"no model is given for '{entry.name}'", where, "model: FILE below the launcher, or -m FILE")
        yield Found()
        return
    for place in given or ((Path(),) if Path(str(text)).exists() else (request.folder,)):
        if text is None or place.is_file():
            yield Found(_file(place, entry.name, where, out))
            continue
        model = _file(place / Path(str(text)).expanduser(), entry.name, where, out)
        yield Found(model, _weights(model, weights, place, entry, out))


def _missing(given: tuple[Path, ...], out: Merged) -> bool:
    """Whether a path of -m leads nowhere, which is noted once."""
    missing = [m for m in given if not m.exists()]
    for path in missing:
        problem = UsageError(f"there is no file or folder '{path}'", "-m")
        if str(problem) not in map(str, out.problems):
            out.problems.append(problem)
    return bool(missing)


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


def _weights(model: Path | None, text: object, place: Path, entry: Entry, out: Merged) -> Path | None:
    """The file of the weights, None where it is the one that is found without a name."""
    if text is None or model is None or model.suffix != ".xml":
        return None
    path = place / Path(str(text)).expanduser()
    if not path.is_file():
        out.wrong(f"there are no weights '{path}'", entry.launcher.where("weights"))
        return None
    return None if path.resolve() == model.with_suffix(".bin").resolve() else path
