"""What a measurement is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...compiler.paths import check_file, check_folder
from ...ir.errors import UsageError

HINTS = {
    "throughput": "THROUGHPUT",
    "tput": "THROUGHPUT",
    "cumulative_throughput": "CUMULATIVE_THROUGHPUT",
    "ctput": "CUMULATIVE_THROUGHPUT",
    "latency": "LATENCY",
    "none": "",
}
REPORTS = ("no_counters", "average_counters", "detailed_counters")
SORTS = ("no_sort", "sort", "simple_sort")
SECONDS = 60.0
"""How long is measured where neither a time nor a number of inferences is asked for."""


@dataclass
class Settings:
    """The options by their short names; None or "" where they are not given."""

    model: Path
    device: str = "CPU"
    hint: str | None = None
    api: str | None = None
    niter: int | None = None
    time: float | None = None
    nireq: int = 0
    nstreams: str = ""
    nthreads: int = 0
    pin: bool | None = None
    batch: int | None = None
    shape: str = ""
    data_shape: str = ""
    layout: str = ""
    inputs: tuple[str, ...] = ()
    input_precision: str = ""
    output_precision: str = ""
    io_precision: str = ""
    infer_precision: str = ""
    cache_dir: str = ""
    mean_values: str = ""
    scale_values: str = ""
    extensions: str = ""
    load_from_file: bool = False
    inference_only: bool | None = None
    no_warmup: bool = False
    max_irate: float = 0.0
    latency_percentile: int = 50
    report_type: str = ""
    report_folder: Path = Path()
    json_stats: bool = False
    perf_counts: bool | None = None
    perf_counts_sort: str = ""
    pcseq: bool = False
    exec_graph_path: Path | None = None
    dump_config: Path | None = None
    load_config: Path | None = None
    repeats: int = 1
    chart: Path | None = None
    price: float | None = None
    watts: float | None = None

    def __post_init__(self) -> None:
        if not self.api:
            self.api = "sync" if self.hint == "latency" else "async"
        self.check()

    @property
    def is_blob(self) -> bool:
        return self.model.suffix == ".blob"

    @property
    def compile_only(self) -> bool:
        return self.niter == 0

    @property
    def counts(self) -> bool:
        """Whether the time of every layer is wanted."""
        asked = self.report_type in REPORTS[1:] or self.perf_counts_sort or self.exec_graph_path is not None
        return self.perf_counts if self.perf_counts is not None else bool(asked)

    @property
    def seconds(self) -> float:
        """How long to measure; 0: until enough inferences have run."""
        return self.time if self.time else 0.0 if self.niter else SECONDS

    def check(self) -> None:
        """Raises UsageError for what contradicts itself."""
        if not 1 <= self.latency_percentile <= 100:
            raise UsageError(f"{self.latency_percentile} is no percentile", "-latency_percentile", "from 1 to 100")
        if self.is_blob and (self.input_precision or self.output_precision or self.io_precision):
            raise UsageError("the element types of a compiled model are fixed", "-ip, -op, -iop", "compile it anew")
        fixed = self.is_blob or self.load_from_file
        if fixed and (self.mean_values or self.scale_values):
            raise UsageError(
                "a model that is loaded compiled takes neither mean nor scale",
                "-mean_values, -scale_values",
                "bake them in: vinoc MODEL --mean_values ...",
            )
        if fixed and (self.shape or self.batch):
            raise UsageError("a model that is loaded compiled has fixed shapes", "-shape, -b", "leave them out")
        if self.api == "sync" and self.time is None and self.niter and self.nireq > self.niter:
            raise UsageError(f"{self.nireq} requests for {self.niter} iterations", "-nireq", "give fewer")
        if self.repeats < 1:
            raise UsageError(f"{self.repeats} repeats", "--repeats", "at least 1")
        for name in ("price", "watts"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UsageError(f"{value} is not positive", f"--{name}")
        check_folder(self.report_folder, "-report_folder")
        for name in ("dump_config", "exec_graph_path"):
            check_file(getattr(self, name), f"-{name}")


def per_device(option: str, text: str, devices: list[str]) -> dict[str, str]:
    """`2` for all devices, `CPU:2,TEMPLATE:1` for each. Raises UsageError for devices that take no part."""
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, colon, value = part.rpartition(":")
        if not colon:
            found.update(dict.fromkeys(devices, part))
        elif name not in devices:
            raise UsageError(f"device '{name}' takes no part", option, f"devices: {', '.join(devices)}")
        else:
            found[name] = value
    return found


def devices_in(name: str) -> list[str]:
    """The devices of `MULTI:CPU,TEMPLATE`, itself first; of `CPU` that one."""
    first, colon, rest = name.partition(":")
    parts = [d.partition("(")[0].strip() for d in rest.split(",")] if colon else []
    return [first, *filter(None, parts)]
