"""Tables of what was judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .tasks import TASKS, Task

WAYS = {"kernels": "kernels", "float": "in float", "OpenVINO's kernels": "", "OpenVINO in float": ""}
APART = ("kernels", "OpenVINO in float")
SPENT = {"seconds": "seconds", "cpu_seconds": "CPU seconds", "peak_mb": "peak MB", "rise_mb": "rise MB"}


def accuracy(found: dict[str, Any]) -> Iterator[str]:
    """A row for each form of a model: the main figure, in brackets the relative L2 of each output."""
    titles = [*(title or way for way, title in WAYS.items()), *(f"{way} - float" for way in APART)]
    yield f"| model | form | {' | '.join(titles)} |"
    yield "|---" * (2 + len(titles)) + "|"
    for key, result in found.items():
        task = TASKS[key]
        main = result["float"][task.main[0]]
        yield f"| {key}, {task.main[0]} of {result['judged_on']} | f32 | {main:.2f} |" + " |" * (len(titles) - 1)
        for name, form in result["forms"].items():
            made = done(form)
            cells = [told(made.get(way), task) for way in WAYS]
            apart = [f"{max(made[way]['from_float']):.0e}" if way in made else "-" for way in APART]
            if "failed" in made:
                cells[0] = made["failed"][:80]
            yield f"| {key} | {titled(name, form)} | {' | '.join([*cells, *apart])} |"


def told(figures: dict[str, Any] | None, task: Task) -> str:
    digits = 3 if task.main[0] == "f1" else 2
    return f"{figures[task.main[0]]:.{digits}f} ({errors(figures['relative_l2'])})" if figures else "-"


def errors(values: list[float]) -> str:
    return ", ".join(f"{v:.3f}" if v >= 1e-3 else f"{v:.0e}" for v in values)


def done(form: dict[str, Any]) -> dict[str, Any]:
    """A form, or what was made in its place."""
    made: dict[str, Any] = form.get("instead", form)
    return made


def titled(name: str, form: dict[str, Any]) -> str:
    return f"{name} (per tensor)" if "instead" in form else name


def costs(found: dict[str, Any]) -> Iterator[str]:
    yield f"| model | form | .bin or .onnx kB | of f32 | .xml kB | of f32 | {' | '.join(SPENT.values())} |"
    yield "|---" * (6 + len(SPENT)) + "|"
    for key, result in found.items():
        for name, form in result["forms"].items():
            made = done(form)
            if "sizes" in made:
                sizes = [s for kinds in (("bin", "onnx"), ("xml",)) for s in size(made["sizes"], kinds)]
                spent = [f"{made[k]:.1f}" for k in SPENT]
                yield f"| {key} | {titled(name, form)} | {' | '.join(sizes + spent)} |"


def size(sizes: dict[str, list[int]], kinds: tuple[str, ...]) -> list[str]:
    """kB of a file, and its share of that of the float model."""
    for kind in kinds:
        if kind in sizes:
            now, before = sizes[kind]
            return [f"{now / 1e3:.1f}", f"{now / before:.3f}"]
    return ["-", "-"]


KINDS = {"top1": ("top-1 %", 2), "f1": ("F1", 3), "nme": ("NME %", 2)}


def summary(found: dict[str, Any]) -> Iterator[str]:
    """A row for each model: the main figure of each form, by its kernels, and the relative L2 of its first output."""
    names = list(dict.fromkeys(name for result in found.values() for name in result["forms"]))
    yield f"| model, figure | f32 | {' | '.join(names)} |"
    yield "|---" * (2 + len(names)) + "|"
    for key, result in found.items():
        main = TASKS[key].main[0]
        title, digits = KINDS[main]
        cells = [f"{key}, {title}", f"{result['float'][main]:.{digits}f}"]
        for name in names:
            way = done(result["forms"].get(name, {})).get("kernels")
            cells.append(f"{way[main]:.{digits}f} ({way['relative_l2'][0]:.3f})" if way else "-")
        yield f"| {' | '.join(cells)} |"


def text(found: dict[str, Any]) -> str:
    """All tables."""
    return "\n".join([*accuracy(found), "", *summary(found), "", *costs(found)])
