"""`vinoc bench`: the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from ...compiler.cli.options import FILE, SETTINGS, Finite, debug, every
from ...ir.errors import UsageError
from ..words import ToolCommand, words
from ..words import spelled as _option
from .settings import HINTS, REPORTS, SORTS, Settings


class BenchCommand(ToolCommand):
    many = frozenset({"inputs"})
    switches = frozenset({"load_from_file", "inference_only", "json_stats", "perf_counts", "pcseq"})


def _switch(*names: str, help: str, default: bool | None = False) -> Callable[[Any], Any]:
    return _option(*names, type=bool, default=default, metavar="[BOOL]", help=help)


OPTIONS = every(
    _option("m", "path_to_model", "path", type=FILE, metavar="FILE", help="The model, in place of the argument."),
    _option("d", "target_device", "device", default="CPU", metavar="DEVICE", help="Where to run it [CPU]."),
    _option("hint", "perf_hint", "hint", type=click.Choice(list(HINTS), case_sensitive=False),
            help="What the device is tuned for [throughput; with -api sync: latency]."),
    _option("api", "api_type", "api", type=click.Choice(["sync", "async"]),
            help="One inference after the other, or several at a time [async; with -hint latency: sync]."),
    _option("niter", "number_iterations", "niter", type=click.IntRange(0), metavar="N",
            help="Inferences to measure; 0: compile only."),
    _option("t", "time", "time", type=Finite(0), metavar="SECONDS", help="How long [60, without -niter]."),
    _option("max_irate", "maximum_inference_rate", "max_irate", type=Finite(0), default=0.0, metavar="FPS",
            help="Samples a second at most."),
    _option("nireq", "number_infer_requests", "nireq", type=click.IntRange(0), default=0, metavar="N",
            help="Requests at a time [what the device says]."),
    _option("nstreams", "number_streams", "nstreams", default="", metavar="N", help="Streams: 2, or CPU:2,OTHER:1."),
    _option("nthreads", "number_threads", "nthreads", type=click.IntRange(0), default=0, metavar="N", help="Threads."),
    _option("pin", "infer_threads_pinning", "pin", type=bool, metavar="YES|NO", help="Threads stay on their cores."),
    _option("b", "batch_size", "batch", type=click.IntRange(1), metavar="N", help="The batch."),
    _option("shape", "shape", default="", metavar="LIST", help="Shapes: [1,3,224,224], a[1,3],b[?,4], [1..8,3]."),
    _option("data_shape", "data_shape", default="", metavar="LIST",
            help="Shapes of the data for dynamic inputs, in turn: [1,3,32,32][2,3,16,16]."),
    _option("layout", "layout", default="", metavar="LIST", help="Names of dimensions: [NCHW], a[NCHW],b[NC]."),
    _option("i", "paths_to_input", "inputs", multiple=True, metavar="PATH...",
            help="Images, .npy, .npz, .bin, folders of them, or input:path,path; else random values."),
    _option("ip", "input_precision", "input_precision", default="", metavar="TYPE", help="Type of all inputs."),
    _option("op", "output_precision", "output_precision", default="", metavar="TYPE", help="Type of all outputs."),
    _option("iop", "input_output_precision", "io_precision", default="", metavar="LIST",
            help="Types by name: input:f16,output:f32."),
    _option("mean_values", "imean", "mean_values", default="", metavar="LIST", help="Subtracted: [123,117,104]."),
    _option("scale_values", "iscale", "scale_values", default="", metavar="LIST", help="Then divided by."),
    _option("infer_precision", "infer_precision", default="", metavar="TYPE", help="f32, f16, bf16; CPU:bf16."),
    _option("cdir", "cache_dir", "cache_dir", default="", metavar="DIR", help="Keep the compiled model there."),
    _switch("lfile", "load_from_file", "load_from_file", help="The device reads the file itself."),
    _option("c", "path_to_cldnn_config", "kernels", metavar="FILE", hidden=True,
            help="Kernels for GPUs, of which there are none."),
    _option("extensions", "plugin", "extensions", default="", metavar="FILES", help="Plugin files."),
    _switch("inference_only", "inference_only", default=None, help="Inputs stay the same [static models]."),
    _option("no_warmup", "no_warmup", is_flag=True, help="No inference before those that are measured."),
    _option("latency_percentile", "latency_percentile", type=int, default=50, metavar="P", help="[50]: the median."),
    _option("report_type", "report_type", type=click.Choice(REPORTS), default=None, help="Write a report."),
    _option("report_folder", "report_folder", type=FILE, default=Path(), metavar="DIR", help="Where reports go."),
    _switch("json_stats", "json_stats", help="Reports as JSON in place of CSV."),
    _switch("pc", "perf_counts", "perf_counts", default=None, help="Print the time of every layer."),
    _option("pcsort", "perf_counts_sort", "perf_counts_sort", type=click.Choice(SORTS), default=None,
            help="Print it in this order, with shares."),
    _switch("pcseq", "pcseq", help="Tell the latencies of each data shape; that is done anyway."),
    _option("exec_graph_path", "exec_graph_path", type=FILE, metavar="FILE", help="Write what ran as XML."),
    _option("dump_config", "dump_config", type=FILE, metavar="FILE", help="Write the device's properties as JSON."),
    _option("load_config", "load_config", type=FILE, metavar="FILE", help="Read them."),
    _option("repeats", "repeats", type=int, default=1, metavar="N", help="Measure again: mean, deviation, boxes."),
    _option("sweep_streams", "sweep_streams", default="", metavar="LIST", help="Measure for 1,2,4 or 1..4 streams,"),
    _option("sweep_batches", "sweep_batches", default="", metavar="LIST", help="and for each with these batches."),
    _option("compare", "compare", multiple=True, metavar="WHAT",
            help="onnxruntime, openvino, a model, or engine=,model=,device=,precision=,threads=,streams=,label=."),
    _option("rounds", "rounds", type=click.IntRange(1), default=15, metavar="N", help="Of --compare [15]."),
    _option("sample_seconds", "sample_seconds", type=Finite(0.001), default=0.05, metavar="S",
            help="Of each sample of --compare [0.05]."),
    _option("again", "again", is_flag=True, help="With --compare: MODEL a second time, for the noise."),
    _option("chart", "chart", type=FILE, metavar="FILE", help="Draw the result: .svg, .png or .html."),
    _option("json", "as_json", type=FILE, metavar="FILE", help="Write all samples of --compare, all pairs of a sweep."),
    _option("price", "price", type=Finite(), metavar="X", help="Of the machine, for throughput per price."),
    _option("watts", "watts", type=Finite(), metavar="W", help="It takes, for throughput per watt."),
)  # fmt: skip


@click.command(cls=BenchCommand, context_settings=SETTINGS, short_help="Measure how fast a model runs.")
@click.argument("model", required=False, type=FILE)
@OPTIONS
@debug
def command(model: Path | None, path: Path | None, **given: Any) -> None:
    """Measures MODEL. Options, steps and reports are those of OpenVINO's benchmark_app; one dash or two, all the same.

    vinoc bench model.onnx -t 5 -hint latency
    """
    from ...compiler.paths import check_file
    from ..charts.page import SUFFIXES
    from .prepare import existing

    if given["kernels"] is not None:
        raise UsageError("there is no GPU that these kernels could be for", "-c", "leave it out")
    if (model is None) == (path is None):
        raise UsageError("one model is to be given", "-m", "vinoc bench MODEL, or vinoc bench -m MODEL")
    check_file(given["chart"], "--chart", SUFFIXES, "a chart")
    check_file(given["as_json"], "--json")
    given = {**given, "report_type": given["report_type"] or "", "perf_counts_sort": given["perf_counts_sort"] or ""}
    names = [f.name for f in fields(Settings) if f.name in given]
    settings = Settings(model=existing(model or path or Path()), **{n: given[n] for n in names})
    if given["compare"]:
        _compare(settings, given)
    elif given["sweep_streams"] or given["sweep_batches"]:
        _sweep(settings, given)
    else:
        _bench(settings)


def _bench(settings: Settings) -> None:
    from .log import Log
    from .pages import of_outcome
    from .progress import progress
    from .steps import bench

    outcome = bench(settings, words(), Log(), progress)
    if settings.chart is not None and outcome.runs:
        _draw(of_outcome(outcome), settings.chart)


def _sweep(settings: Settings, given: dict[str, Any]) -> None:
    from ...compiler.cli.console import print_table
    from .pages import of_sweep
    from .progress import progress
    from .sweep import COLUMNS, Cell, best, numbers, sweep

    streams = numbers("--sweep_streams", given["sweep_streams"])
    batches = numbers("--sweep_batches", given["sweep_batches"])

    def tell(cell: Cell) -> None:
        print(f"{cell.streams} streams, batch {cell.batch}: {cell.outcome.throughput:.1f} FPS", file=sys.stderr)

    cells = sweep(settings, streams, batches, words(), progress, tell)
    print_table(COLUMNS, [c.row() for c in cells])
    fast, wide = best(cells)
    print(f"least latency: {fast.outcome.latency.median:.3f} ms with {fast.streams} streams, batch {fast.batch}")
    print(f"most throughput: {wide.outcome.throughput:.1f} FPS with {wide.streams} streams, batch {wide.batch}")
    _write(given["as_json"], [c.as_dict() for c in cells])
    if settings.chart is not None:
        _draw(of_sweep(f"{settings.model.name} on {settings.device}", cells), settings.chart)


def _compare(settings: Settings, given: dict[str, Any]) -> None:
    from ...compiler.cli.console import print_table
    from .compare import compare, contenders, table
    from .figures import Value
    from .pages import of_comparison
    from .progress import progress

    made = contenders(settings, given["compare"])
    with progress("Comparing") as tick:
        found = compare(made, settings, given["rounds"], given["sample_seconds"], given["again"], tick)
    head, *rows = table(found)
    print_table(head, rows)
    print(f"{given['rounds']} rounds in turn; ratios are medians of the rounds' ratios")
    noise = found.noise()
    if noise is not None:
        print(f"noise: {noise[0]:.3f} to {noise[1]:.3f}, the middle half of {made[0].label} beside itself")
    for name in found.samples:
        value = Value.of(1e3 * found.batch / found.median(name), settings.price, settings.watts)
        for title, figure in value.rows():
            print(f"{name}: {title} {figure}")
    _write(given["as_json"], asdict(found))
    if settings.chart is not None:
        _draw(of_comparison(f"{settings.model.name}: {', '.join(c.label for c in made)}", found), settings.chart)


def _write(path: Path | None, data: Any) -> None:
    if path is not None:
        from ...backends.files import write_text

        write_text(path, json.dumps(data, indent=1) + "\n")


def _draw(page: Any, path: Path) -> None:
    from ..charts.page import write_page

    for file in write_page(page, path):
        print(f"chart: {file}")
