"""Reports: on the console, and as files whose fields are those of benchmark_app."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...backends.files import write_text
from ...runtime.profiling import ProfilingInfo
from .figures import Latency
from .settings import Settings

Rows = list[tuple[str, str]]
HEADS = {"cmd_options": "Command line parameters", "configuration_setup": "Configuration setup",
         "execution_results": "Execution results"}  # fmt: skip
COUNTERS = ("layerName", "execStatus", "layerType", "execType", "realTime (ms)", "cpuTime (ms)")


def command_line(words: Sequence[str]) -> Rows:
    """(option, value) for every option; several values are joined."""
    rows: Rows = []
    for word in words:
        if word.startswith("-") and not word[1:2].isdigit():
            name, _, value = word.partition("=")
            rows.append((name, value))
        elif rows:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]},{word}".lstrip(","))
        else:
            rows.append(("-m", word))
    return rows


def milliseconds(value: float, average: float) -> str:
    """Microseconds where the average is below a millisecond."""
    return f"{value * 1000:.2f} us" if average < 1 else f"{value:.2f} ms"


def latency_lines(latency: Latency, percentile: int, width: int = 12) -> Iterator[str]:
    """The four numbers, each on a line."""
    first = "Median:" if percentile == 50 else f"{percentile} percentile:"
    named = ((first, latency.median), ("Average:", latency.average), ("Min:", latency.min), ("Max:", latency.max))
    for title, value in named:
        yield f"   {title:<{width}}   {milliseconds(value, latency.average)}"


def latency_rows(latency: Latency, percentile: int) -> Rows:
    """The same as fields of the report."""
    first = "latency (ms)" if percentile == 50 else f"latency ({percentile} percentile) (ms)"
    named = ((first, latency.median), ("avg latency", latency.average), ("min latency", latency.min),
             ("max latency", latency.max))  # fmt: skip
    return [(title, f"{value:.2f}") for title, value in named]


class Report:
    """The three tables of the report; written when all is known, and where something failed too."""

    def __init__(self, settings: Settings, words: Sequence[str]) -> None:
        self.settings = settings
        self.tables: dict[str, Rows] = {head: [] for head in HEADS}
        self.tables["cmd_options"] = command_line(words)

    def setup(self, *rows: tuple[str, object]) -> None:
        self.tables["configuration_setup"] += [(k, str(v)) for k, v in rows]

    def results(self, *rows: tuple[str, object]) -> None:
        self.tables["execution_results"] += [(k, str(v)) for k, v in rows]

    def write(self) -> Path:
        """benchmark_report.csv or .json in the folder of reports."""
        folder = self.settings.report_folder
        if self.settings.json_stats:
            data = {head: dict(rows) for head, rows in self.tables.items()}
            return write_text(folder / "benchmark_report.json", json.dumps(data, indent=2) + "\n")
        lines: list[str] = []
        for head, rows in self.tables.items():
            lines += [HEADS[head], *(f"{k};{v}" for k, v in rows), ""]
        return write_text(folder / "benchmark_report.csv", "\n".join(lines) + "\n")

    def write_counters(self, requests: Sequence[Sequence[ProfilingInfo]]) -> Path | None:
        """The time of every layer: of each request, or the mean of all. None where that was not asked for."""
        kind = self.settings.report_type
        if kind not in ("average_counters", "detailed_counters"):
            return None
        blocks = [averaged(requests)] if kind == "average_counters" else [counters(r) for r in requests]
        path = self.settings.report_folder / f"benchmark_{kind}_report.{'json' if self.settings.json_stats else 'csv'}"
        if not self.settings.json_stats:
            return write_text(path, "\n".join("\n".join(_csv(b)) + "\n" for b in blocks))
        shaped = [_json(b) for b in blocks]
        average = kind == "average_counters"
        data = {"report_type": kind.partition("_")[0]} | (
            {"avg_performance": shaped[0]} if average else {"detailed_performance": shaped}
        )
        return write_text(path, json.dumps(data, indent=4) + "\n")

    def write_sorted(self, requests: Sequence[Sequence[ProfilingInfo]]) -> Path | None:
        """-pcsort: the layers of the last request with their shares. None where there is no report."""
        if not self.settings.report_type or not self.settings.perf_counts_sort or not requests:
            return None
        block = in_order(counters(requests[-1]), self.settings.perf_counts_sort)
        shares = [f"{c[4] / (sum(b[4] for b in block) or 1):.2%}" for c in block]
        path = self.settings.report_folder / f"benchmark_sorted_report.{'json' if self.settings.json_stats else 'csv'}"
        if self.settings.json_stats:
            shaped = _json(block)
            shaped["nodes"] = [{**node, "%": share} for node, share in zip(shaped["nodes"], shares, strict=True)]
            return write_text(path, json.dumps({"report_type": "sorted", "avg_performance": shaped}, indent=4) + "\n")
        rows = [f"{line},{share}" for line, share in zip(list(_csv(block, ","))[1:-1], shares, strict=True)]
        return write_text(path, "\n".join([",".join((*COUNTERS, "proportion (%)")), *rows]) + "\n")


Counter = tuple[str, str, str, str, float, float]
"""Layer, status, kind, kernel, milliseconds of wall time and of processor time."""


def counters(infos: Sequence[ProfilingInfo]) -> list[Counter]:
    """The steps of one request's last inference."""
    out: list[Counter] = []
    for i in infos:
        status = f"Status.{str(i.status).removeprefix('Status.')}"
        real, cpu = (t.total_seconds() * 1e3 for t in (i.real_time, i.cpu_time))
        out.append((i.node_name, status, i.node_type, i.exec_type, real, cpu))
    return out


def averaged(requests: Sequence[Sequence[ProfilingInfo]]) -> list[Counter]:
    """The mean of each layer over the requests that ran it."""
    found: dict[tuple[str, str, str, str, int], list[tuple[float, float]]] = {}
    for infos in requests:
        seen: dict[tuple[str, str, str, str], int] = {}
        for *what, real, cpu in counters(infos):
            key = (str(what[0]), str(what[1]), str(what[2]), str(what[3]))
            seen[key] = seen.get(key, -1) + 1
            found.setdefault((*key, seen[key]), []).append((real, cpu))
    return [
        (*key[:4], sum(r for r, _ in times) / len(times), sum(c for _, c in times) / len(times))
        for key, times in found.items()
    ]


def _csv(block: Sequence[Counter], mark: str = ";") -> Iterator[str]:
    """A head, a line for each layer, the sums; `mark` stands between columns."""
    yield mark.join(COUNTERS)
    for *what, real, cpu in block:
        yield mark.join([*(str(w).replace(mark, " ") for w in what), f"{real:.3f}", f"{cpu:.3f}"])
    yield mark.join(["Total", "", "", "", f"{sum(c[4] for c in block):.3f}", f"{sum(c[5] for c in block):.3f}"])


def _json(block: Sequence[Counter]) -> dict[str, Any]:
    nodes = [
        {"name": n, "node_type": kind, "status": status, "real_time": f"{real:.3f}", "cpu_time": f"{cpu:.3f}",
         "exec_type": kernel}
        for n, status, kind, kernel, real, cpu in block
    ]  # fmt: skip
    return {
        "nodes": nodes,
        "total_real_time": f"{sum(c[4] for c in block):.3f}",
        "total_cpu_time": f"{sum(c[5] for c in block):.3f}",
    }


def in_order(block: Sequence[Counter], order: str) -> list[Counter]:
    """-pcsort: as they run (no_sort), by their time (sort), by time without those that did not run (simple_sort)."""
    rows = sorted(block, key=lambda c: -c[4]) if order in ("sort", "simple_sort") else list(block)
    return [c for c in rows if order != "simple_sort" or c[1] != "Status.NOT_RUN"]


WIDTH = 40


def counter_lines(block: Sequence[Counter], order: str = "") -> Iterator[str]:
    """-pc and -pcsort: a line for each layer, then the sums."""
    total = sum(c[4] for c in block)
    for name, status, kind, kernel, real, cpu in in_order(block, order):
        shown = name if len(name) <= WIDTH else name[: WIDTH - 3] + "..."
        share = f"  proportion: {real / total:.2%}" if order and total else ""
        yield (
            f"{shown:<{WIDTH}}  {status:<16}  layerType: {kind:<20}  execType: {kernel:<24}  "
            f"realTime (ms): {real:<9.3f}  cpuTime (ms): {cpu:.3f}{share}"
        )
    yield f"Total time:     {total:.3f} milliseconds"
    yield f"Total CPU time: {sum(c[5] for c in block):.3f} milliseconds"
