"""`vinoc bench`: its report beside benchmark_app's, and what it does with its options."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from vinoc.compiler.cli import main
from vinoc.ir.errors import UsageError
from vinoc.tools.bench.measure import Limits, aligned, measure_async, measure_sync
from vinoc.tools.inputs.fill import Queue

from .calls import Call, caller

SMALL = """graph g(data: f32[1,3,16,16]) -> (y) {
  zero = Constant() : f32[] = [0.5]
  a = Add(data, zero) : f32[1,3,16,16]
  y = ReLU(a) : f32[1,3,16,16]
}
"""
DYNAMIC = """graph g(x: f32[N,3,H,W]) -> (y) {
  y = ReLU(x) : f32[N,3,H,W]
}
"""


@pytest.fixture
def vinoc(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys, "bench")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.vir"
    path.write_text(SMALL)
    return path


@pytest.fixture
def dynamic(tmp_path: Path) -> Path:
    path = tmp_path / "dynamic.vir"
    path.write_text(DYNAMIC)
    return path


@pytest.fixture(scope="module")
def ir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ir")
    (folder / "small.vir").write_text(SMALL)
    assert main([str(folder / "small.vir"), "-o", str(folder), "--silent"]) == 0
    return folder / "small.xml"


def benchmark_app(*words: object) -> str:
    """OpenVINO's own tool, in a process of its own."""
    code = "import sys; from openvino.tools.benchmark.main import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def console_fields(text: str) -> list[str]:
    """The titles of the report's lines, from `Count` on."""
    lines = text[text.index("Count:") :].splitlines()
    return [m[1] for line in lines if (m := re.match(r"(?:\[ INFO \])?\s*([A-Za-z0-9 ]+?):", line))]


def keys(path: Path) -> dict[str, list[str]]:
    return {k: list(v) for k, v in json.loads(path.read_text()).items()}


ASKED = ("-niter", 4, "-nireq", 2, "-json_stats", "-report_type", "detailed_counters", "-pc", "-pcsort", "sort",
         "-report_folder")  # fmt: skip


def test_reports_have_the_fields_of_benchmark_app(ir: Path, tmp_path: Path, vinoc: Call) -> None:
    """The same options on the same IR; vinoc's report may have more fields, and lacks none."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    theirs = benchmark_app("-m", ir, *ASKED, tmp_path / "theirs", "-dump_config", tmp_path / "theirs" / "c.json")
    ours = vinoc("-m", ir, *ASKED, tmp_path / "ours", "-dump_config", tmp_path / "ours" / "c.json")
    assert sorted(p.name for p in (tmp_path / "theirs").iterdir()) == sorted(
        p.name for p in (tmp_path / "ours").iterdir()
    )
    assert [f for f in console_fields(ours) if f in console_fields(theirs)] == console_fields(theirs)
    steps = [re.findall(r"\[Step (\d+/\d+)\]", text) for text in (theirs, ours)]
    assert steps[0] == steps[1]
    expected, found = (keys(tmp_path / side / "benchmark_report.json") for side in ("theirs", "ours"))
    assert list(found) == list(expected)
    for head, fields in expected.items():
        assert [f for f in found[head] if f in fields] == fields, head
    counters = [
        json.loads((tmp_path / side / "benchmark_detailed_counters_report.json").read_text())
        for side in ("theirs", "ours")
    ]
    assert counters[0].keys() == counters[1].keys()
    blocks = [c["detailed_performance"] for c in counters]
    assert len(blocks[0]) == len(blocks[1]) == 2
    assert blocks[0][0].keys() == blocks[1][0].keys()
    assert blocks[0][0]["nodes"][0].keys() == blocks[1][0]["nodes"][0].keys()
    ordered = [json.loads((tmp_path / s / "benchmark_sorted_report.json").read_text()) for s in ("theirs", "ours")]
    assert ordered[0].keys() == ordered[1].keys()
    assert ordered[0]["avg_performance"]["nodes"][0].keys() == ordered[1]["avg_performance"]["nodes"][0].keys()
    configs = [json.loads((tmp_path / side / "c.json").read_text())["CPU"] for side in ("theirs", "ours")]
    assert configs[0].items() <= configs[1].items()


def test_tables_of_numbers_are_those_of_benchmark_app(ir: Path, tmp_path: Path, vinoc: Call) -> None:
    """CSV: heads and separators; the mean of layers has the same columns."""
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    words = ("-m", ir, "-niter", 2, "-hint", "latency", "-report_type", "average_counters", "-pcsort", "no_sort",
             "-report_folder")  # fmt: skip
    benchmark_app(*words, tmp_path / "theirs")
    vinoc(*words, tmp_path / "ours")
    theirs, ours = (
        [line.split(";")[0] for line in (tmp_path / side / "benchmark_report.csv").read_text().splitlines()]
        for side in ("theirs", "ours")
    )
    assert [line for line in ours if line in theirs and line] == [line for line in theirs if line]
    counters = [
        (tmp_path / side / "benchmark_average_counters_report.csv").read_text().strip().splitlines()
        for side in ("theirs", "ours")
    ]
    assert counters[0][0] == counters[1][0]
    assert all(line.count(";") == 5 for line in counters[1])
    assert counters[1][-1].startswith("Total;;;;")
    heads = [(tmp_path / s / "benchmark_sorted_report.csv").read_text().splitlines()[0] for s in ("theirs", "ours")]
    assert heads[1] == heads[0].replace('"', "").strip()


def test_every_option_of_benchmark_app_is_known(vinoc: Call) -> None:
    """As its parser has them."""
    from openvino.tools.benchmark.parameters import parse_args

    from vinoc.tools.bench.cli import command

    known = {o for p in command.params for o in p.opts}
    theirs = {o for a in parse_args()._actions for o in a.option_strings}
    assert theirs - known == {"-h", "--help"}  # click brings these


def test_steps_and_inputs(small: Path, vinoc: Call) -> None:
    shown = vinoc(small, "-niter", 3, "-hint", "latency")
    assert "data (node: data) : f32 / [N,C,H,W] / [1,3,16,16]" in shown
    assert "data (node: data) : u8 / [N,C,H,W] / [1,3,16,16]" in shown
    assert "Start inference synchronously, limits: 3 iterations" in shown
    assert "Count:            3 iterations" in shown


def test_batch_types_mean_and_scale(small: Path, vinoc: Call) -> None:
    shown = vinoc(small, "-niter", 1, "-b", 4, "-iop", "data:f16,y:f16", "-mean_values", "[1,2,3]", "-scale_values",
                  "data[2,2,2]")  # fmt: skip
    assert "Reshaping model: 'data': [4,3,16,16]" in shown
    assert "Model batch size: 4" in shown
    assert "data (node: data) : f16 / [N,C,H,W] / [4,3,16,16]" in shown
    assert "y : f16 / [...] / [4,3,16,16]" in shown


def test_shapes_of_data_are_told_one_by_one(dynamic: Path, vinoc: Call) -> None:
    shown = vinoc(dynamic, "-niter", 5, "-nireq", 1, "-data_shape", "[1,3,8,8][2,3,4,4]")
    assert "aligned from 5 to 6" in shown
    assert "1. x: [1,3,8,8]" in shown
    assert "2. x: [2,3,4,4]" in shown
    assert "full mode" in shown


def test_integers_that_are_too_large_are_made_smaller(tmp_path: Path, vinoc: Call) -> None:
    model = tmp_path / "pick.vir"
    model.write_text(
        "graph g(i: i64[8]) -> (y) {\n  t = Constant() : f32[4] = [1, 2, 3, 4]\n  axis = Constant() : i64[] = [0]\n"
        "  y = Gather(t, i, axis) : f32[8]\n}\n"
    )
    shown = vinoc(model, "-niter", 2)
    assert "Random integers up to 255 are too large for the model, 0 and 1 are fed" in shown
    assert "Count:            2 iterations" in shown


def test_a_file_is_fed(small: Path, tmp_path: Path, vinoc: Call) -> None:
    np.save(tmp_path / "a.npy", np.zeros((1, 3, 16, 16), np.uint8))
    shown = vinoc(small, "-niter", 1, "-i", tmp_path / "a.npy")
    assert f"Prepare array {tmp_path}/a.npy" in shown
    assert "random" not in shown


def test_compile_only(small: Path, vinoc: Call) -> None:
    shown = vinoc(small, "-niter", 0)
    assert "Skipping inference" in shown
    assert "[Step 11/11]" in shown
    assert "Count" not in shown


def test_executed_graph(small: Path, tmp_path: Path, vinoc: Call) -> None:
    vinoc(small, "-niter", 1, "-exec_graph_path", tmp_path / "e.xml")
    net = ElementTree.parse(tmp_path / "e.xml").getroot()
    layers = {layer.get("id"): layer for layer in net.iter("layer")}
    times = [layer.find("data").get("execTimeMcs") for layer in layers.values()]  # type: ignore[union-attr]
    assert any(t is not None and t.isdigit() for t in times)
    for edge in net.iter("edge"):
        ports = [p.get("id") for p in layers[edge.get("from-layer")].iter("port")]
        assert edge.get("from-port") in ports
        assert edge.get("to-layer") in layers
    assert len(list(net.iter("edge"))) >= 2


def test_compiled_models_and_configurations(small: Path, ir: Path, tmp_path: Path, vinoc: Call) -> None:
    import vinoc as package

    blob = tmp_path / "small.blob"
    blob.write_bytes(package.Core().compile_model(small, "CPU").export_model() or b"")
    shown = vinoc(blob, "-niter", 1)
    assert "Import model took" in shown
    assert "Compile model took" in vinoc(ir, "-niter", 1, "-lfile")
    (tmp_path / "c.json").write_text('{"CPU": {"NUM_STREAMS": "1", "PERFORMANCE_HINT": "LATENCY"}}')
    shown = vinoc(small, "-niter", 2, "-load_config", tmp_path / "c.json")
    assert "NUM_STREAMS: 1" in shown
    assert "No performance hint" not in shown


def test_several_devices_get_their_own_properties(small: Path, vinoc: Call) -> None:
    words = ("-niter", 2, "-d", "MULTI:CPU,TEMPLATE", "-nstreams", "CPU:2", "-infer_precision", "CPU:bf16")
    shown = vinoc(small, *words)
    assert re.search(r"DEVICE_PROPERTIES: .*'NUM_STREAMS': 2", shown)
    assert "Execution Devices:['CPU', 'TEMPLATE']" in shown


def test_repeats_value_and_charts(small: Path, tmp_path: Path, vinoc: Call) -> None:
    for suffix in ("html", "svg", "png"):
        shown = vinoc(small, "-niter", 4, "--repeats", 3, "--price", 100, "--watts", 10, "--chart",
                      tmp_path / f"a.{suffix}")  # fmt: skip
    assert "Over 3 repeats, mean ± standard deviation:" in shown
    assert "Energy per inference" in shown
    page = (tmp_path / "a.html").read_text()
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    for number in (1, 2):
        ElementTree.parse(tmp_path / f"a-{number}.svg")
        assert (tmp_path / f"a-{number}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_sweep(small: Path, tmp_path: Path, vinoc: Call) -> None:
    shown = vinoc(
        small,
        "-niter",
        4,
        "--sweep_streams",
        "1..2",
        "--sweep_batches",
        "1,3",
        "--json",
        tmp_path / "s.json",
        "--chart",
        tmp_path / "s.svg",
    )
    rows = [line.split() for line in shown.splitlines() if re.match(r"\d+ +\d+ +\d+ ", line)]
    assert [tuple(map(int, r[:3])) for r in rows] == [(1, 1, 1), (2, 1, 2), (1, 3, 1), (2, 3, 2)]
    assert "most throughput" in shown
    ElementTree.parse(tmp_path / "s.svg")
    found = json.loads((tmp_path / "s.json").read_text())
    assert [f["batch"] for f in found] == [1, 1, 3, 3]
    assert all(f["throughput_fps"] > 0 for f in found)


def test_compare(ir: Path, small: Path, tmp_path: Path, vinoc: Call) -> None:
    shown = vinoc(ir, "-nthreads", 1, "--compare", "openvino", "--compare", f"{small},label=text", "--compare",
                  "device=TEMPLATE", "--again", "--rounds", 3, "--sample_seconds", 0.002, "--chart",
                  tmp_path / "c.html")  # fmt: skip
    for name in ("vinoc", "vinoc again", "openvino", "text", "vinoc TEMPLATE"):
        assert re.search(rf"^{name}  ", shown, re.M), name
    assert "noise:" in shown
    assert (tmp_path / "c.html").read_text().count("<svg") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-d", "GPU"], "no device 'GPU'"),
        (["-latency_percentile", "0"], "0 is no percentile"),
        (["-i", "nowhere.npy"], "there is no file or folder 'nowhere.npy'"),
        (["-iop", "nothing:f32"], "no input or output 'nothing'"),
        (["-ip", "f33"], "no element type 'f33'"),
        (["-report_folder", "nowhere"], "there is no folder 'nowhere'"),
        (["-nstreams", "GPU:2"], "device 'GPU' takes no part"),
        (["-nstreams", "99999999999999999999"], "NUM_STREAMS is '99999999999999999999', expected a number up to 4096"),
        (["-t", "nan"], "nan is no finite number"),
        (["-max_irate", "1e400"], "1e400 is no finite number"),
        (["--compare", "engine=ouvino"], "no engine 'ouvino'"),
        (["--compare", "modl=x"], "did you mean 'model'?"),
        (["--chart", "a.gif"], "a chart is .svg, .png or .html"),
        (["-shape", "data[1,3,16]x"], "cannot be read"),
        (["-b", "2", "-layout", "[CDHW]"], "no input has a batch"),
        (["--sweep_streams", "0"], "'0' is no number"),
        (["-c", "kernels.xml"], "there is no GPU"),
    ],
)
def test_what_is_wrong_is_told(small: Path, vinoc: Call, words: list[str], message: str) -> None:
    assert message in vinoc(small, "-niter", 1, *words, code=2)


def test_devices_with_commas_are_compared(small: Path, vinoc: Call) -> None:
    shown = vinoc(small, "--compare", "device=HETERO:CPU,TEMPLATE,threads=1", "--rounds", 1, "--sample_seconds", 0.002)
    assert "vinoc HETERO:CPU,TEMPLATE 1" in shown


def test_png_needs_pillow(small: Path, tmp_path: Path, vinoc: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    shown = vinoc(small, "-niter", 1, "--chart", tmp_path / "a.png", code=1)
    assert "pip install 'vinoc[charts]'" in shown


def test_an_absent_engine_says_how_it_is_installed(
    small: Path, vinoc: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    (tmp_path / "x.xml").write_text("<net/>")
    assert "pip install 'vinoc[openvino]'" in vinoc(
        small, "--compare", f"openvino,model={tmp_path}/x.xml", "--rounds", 1, code=1
    )


def test_errors_stand_in_the_report(small: Path, tmp_path: Path, vinoc: Call) -> None:
    vinoc(small, "-i", "nowhere.npy", "-report_type", "no_counters", "-report_folder", tmp_path, code=2)
    assert "error;" in (tmp_path / "benchmark_report.csv").read_text()


def queue(batches: list[int]) -> Queue:
    return Queue({"x": list(range(len(batches)))}, batches)


def test_measure_counts_frames_and_groups() -> None:
    seen: list[int] = []
    feeds = queue([1, 4])
    found = measure_sync(lambda a: seen.append(a["x"]), feeds, Limits(iterations=6), True, lambda share: None)
    assert sorted(seen) == [0, 0, 0, 1, 1, 1]
    assert found.count == 6
    assert found.frames == 15
    assert sorted(found.groups) == [0, 0, 0, 1, 1, 1]


def test_measure_with_several_requests_and_an_error(dynamic: Path) -> None:
    import vinoc as package

    jobs = package.AsyncInferQueue(package.Core().compile_model(dynamic, "CPU"), 3)
    images = [np.zeros((n, 3, 4, 4), np.float32) for n in (1, 2)]
    found = measure_async(jobs, Queue({"x": images}, [1, 2]), Limits(iterations=8), True, lambda share: None)
    assert (found.count, found.frames) == (8, 12)
    assert sorted(found.groups) == [0] * 4 + [1] * 4
    assert all(ms > 0 for ms in found.latencies)
    wrong = Queue({"x": [np.zeros((1, 4, 4, 4), np.float32)]}, [1])
    with pytest.raises(UsageError, match="dimension 1"):
        measure_async(jobs, wrong, Limits(seconds=60), False, lambda share: None)


def test_rate_is_limited() -> None:
    found = measure_sync(lambda a: None, queue([1]), Limits(iterations=10, rate=100), False, lambda share: None)
    assert found.seconds > 0.08


def test_aligned() -> None:
    assert aligned(5, 2, 1, True) == 6
    assert aligned(5, 2, 4, True) == 8
    assert aligned(5, 2, 1, False) == 5
    assert aligned(0, 2, 1, True) == 0
