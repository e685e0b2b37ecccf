"""Decoders with a cache, random weights: a prompt of many rows, then one token at a time.

    python benchmarks/decoders.py DIR [NAME ...] --threads 1 --rounds 5
    python benchmarks/decoders.py DIR --isa avx2 --engines ov,vinoc

Three are written: one as exporters write GPT-2 (Radford et al. 2019), one as they write Llama (Touvron et al. 2023,
arXiv:2302.13971: RMS normalization, rotated positions, groups of heads that share keys), and one of the same with the
operators of com.microsoft (GroupQueryAttention, SkipSimplifiedLayerNormalization).

Prints a Markdown table: milliseconds of a prompt and of a token behind it, all engines in one process in turn, medians
over the rounds (the best) and ratios as in peers.py; then, of a fresh process for each engine, the seconds until it is
ready, and the MiB that it holds after a prompt, after a token behind it, and at most.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from engines import hold, load

from vinoc.tools.bench.interleave import interleaved, ratio

PROMPT = 128


class _Decoder:
    """Nodes, weights, inputs and outputs of a decoder of so many layers, with heads of `size` elements."""

    def __init__(self, layers: int, width: int, heads: int, shared: int, words: int) -> None:
        from networks import _Maker

        self.m = _Maker(3)
        self.layers, self.width, self.heads, self.shared, self.words = layers, width, heads, shared, words
        self.size = width // heads
        self.inputs = {"input_ids": ("i", ["batch", "new"]), "attention_mask": ("i", ["batch", "total"])}
        self.outputs: dict[str, tuple[str, list[Any]]] = {"logits": ("f", ["batch", "new", words])}
        for layer in range(layers):
            for part in ("key", "value"):
                self.inputs[f"past.{layer}.{part}"] = ("f", ["batch", shared, "past", self.size])
                self.outputs[f"present.{layer}.{part}"] = ("f", ["batch", shared, "total", self.size])

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.m.op(kind, *inputs, **attributes)

    def ints(self, *numbers: int) -> str:
        return self.m.constant(np.array(numbers, np.int64))

    def number(self, value: float, kind: Any = np.float32) -> str:
        return self.m.constant(np.asarray(value, kind))

    def scale(self) -> str:
        return self.m.constant((1 + 0.01 * self.m.rng.standard_normal(self.width)).astype(np.float32))

    def linear(self, x: str, into: int, out: int, bias: bool = False) -> str:
        y = self.op("MatMul", x, self.m.normal(into, out, scale=into**-0.5))
        return self.op("Add", y, self.m.normal(out, scale=0.02)) if bias else y

    def embedded(self) -> str:
        return self.op("Gather", self.m.normal(self.words, self.width, scale=0.5), "input_ids")

    def hidden(self) -> str:
        """What is added to scores: nothing, or a large number where a key is behind the query or masked."""
        zero, one = self.number(0, np.int64), self.number(1, np.int64)
        new, total = (self.op("Gather", self.op("Shape", name), one) for name in ("input_ids", "attention_mask"))
        rows = self.op("Unsqueeze", self.op("Range", self.op("Sub", total, new), total, one), self.ints(1))
        columns = self.op("Unsqueeze", self.op("Range", zero, total, one), self.ints(0))
        seen = self.op("Unsqueeze", self.op("LessOrEqual", columns, rows), self.ints(0, 1))
        given = self.op("Unsqueeze", self.op("Cast", "attention_mask", to=9), self.ints(1, 2))
        return self.op("Where", self.op("And", seen, given), self.number(0), self.number(-3.4e38))

    def attention(self, layer: int, parts: tuple[str, str, str], mask: str, angles: tuple[str, str] | None) -> str:
        counts = self.heads, self.shared, self.shared
        split = [self.op("Reshape", p, self.ints(0, 0, n, self.size)) for p, n in zip(parts, counts, strict=True)]
        q, k, v = (self.op("Transpose", p, perm=[0, 2, 1, 3]) for p in split)
        if angles:
            q, k = (self.rotated(p, *angles) for p in (q, k))
        k, v = (
            self.op("Concat", f"past.{layer}.{part}", p, name=f"present.{layer}.{part}", axis=2)
            for part, p in (("key", k), ("value", v))
        )
        k, v = (self.repeated(p) for p in (k, v))
        scores = self.op("MatMul", q, self.op("Transpose", k, perm=[0, 1, 3, 2]))
        scores = self.op("Add", self.op("Mul", scores, self.number(self.size**-0.5)), mask)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        return self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.ints(0, 0, self.width))

    def rotated(self, x: str, cos: str, sin: str) -> str:
        half = self.size // 2
        first, second = (
            self.op("Slice", x, self.ints(a), self.ints(b), self.ints(3)) for a, b in ((0, half), (half, self.size))
        )
        turned = self.op("Concat", self.op("Neg", second), first, axis=3)
        return self.op("Add", self.op("Mul", x, cos), self.op("Mul", turned, sin))

    def repeated(self, x: str) -> str:
        """[batch, shared, total, size] for all heads."""
        times = self.heads // self.shared
        if times == 1:
            return x
        sizes = self.op("Shape", x)
        batch, total = (self.op("Gather", sizes, self.ints(i)) for i in (0, 2))
        wide = self.op("Concat", batch, self.ints(self.shared, times), total, self.ints(self.size), axis=0)
        flat = self.op("Concat", batch, self.ints(self.heads), total, self.ints(self.size), axis=0)
        return self.op("Reshape", self.op("Expand", self.op("Unsqueeze", x, self.ints(2)), wide), flat)

    def rms(self, x: str) -> str:
        mean = self.op("ReduceMean", self.op("Pow", x, self.number(2)), self.ints(-1), keepdims=1)
        root = self.op("Sqrt", self.op("Add", mean, self.number(1e-6)))
        return self.op("Mul", self.scale(), self.op("Mul", x, self.op("Div", self.number(1), root)))

    def gated(self, x: str) -> str:
        hidden = (8 * self.width // 3 + 63) // 64 * 64
        gate = self.linear(x, self.width, hidden)
        gate = self.op("Mul", gate, self.op("Sigmoid", gate))
        return self.linear(self.op("Mul", gate, self.linear(x, self.width, hidden)), hidden, self.width)

    def angles(self) -> np.ndarray[Any, Any]:
        """[positions, size / 2]"""
        found: np.ndarray[Any, Any] = np.arange(2048)[:, None] * 1e4 ** (-np.arange(0, self.size, 2) / self.size)
        return found

    def write(self, last: str, path: Path) -> None:
        import onnx
        from onnx import TensorProto, helper

        self.m.op("Identity", last, name="logits")
        kinds = {"i": TensorProto.INT64, "f": TensorProto.FLOAT}
        sides = [
            [helper.make_tensor_value_info(name, kinds[kind], shape) for name, (kind, shape) in side.items()]
            for side in (self.inputs, self.outputs)
        ]
        graph = helper.make_graph(self.m.nodes, path.stem, *sides, self.m.weights)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def gpt2(path: Path) -> None:
    d = _Decoder(4, 768, 12, 12, 32000)
    d.inputs["position_ids"] = ("i", ["batch", "new"])
    x = d.op("Add", d.embedded(), d.op("Gather", d.m.normal(1024, 768, scale=0.1), "position_ids"))
    mask = d.hidden()

    def norm(x: str) -> str:
        return d.op("LayerNormalization", x, d.scale(), d.scale(), axis=-1, epsilon=1e-5)

    for layer in range(d.layers):
        y = norm(x)
        q, k, v = (d.linear(y, 768, 768, bias=True) for _ in range(3))
        x = d.op("Add", x, d.linear(d.attention(layer, (q, k, v), mask, None), 768, 768, bias=True))
        y = d.linear(norm(x), 768, 3072, bias=True)
        x = d.op("Add", x, d.linear(_gelu(d, y), 3072, 768, bias=True))
    d.write(d.linear(norm(x), 768, d.words), path)


def _gelu(d: _Decoder, x: str) -> str:
    cube = d.op("Mul", d.op("Pow", x, d.number(3)), d.number(0.044715))
    inner = d.op("Tanh", d.op("Mul", d.op("Add", x, cube), d.number(0.7978846)))
    return d.op("Mul", d.op("Mul", x, d.number(0.5)), d.op("Add", inner, d.number(1)))


def llama(path: Path) -> None:
    d = _Decoder(4, 512, 8, 4, 16000)
    d.inputs["position_ids"] = ("i", ["batch", "new"])
    tables = [d.m.constant(np.tile(f(d.angles()), 2).astype(np.float32)) for f in (np.cos, np.sin)]
    cos, sin = (d.op("Unsqueeze", d.op("Gather", t, "position_ids"), d.ints(1)) for t in tables)
    x, mask, shared = d.embedded(), d.hidden(), d.shared * d.size
    for layer in range(d.layers):
        y = d.rms(x)
        q, k, v = (d.linear(y, d.width, n) for n in (d.width, shared, shared))
        x = d.op("Add", x, d.linear(d.attention(layer, (q, k, v), mask, (cos, sin)), d.width, d.width))
        x = d.op("Add", x, d.gated(d.rms(x)))
    d.write(d.linear(d.rms(x), d.width, d.words), path)


def grouped(path: Path) -> None:
    """With the operators of com.microsoft."""
    from onnx import helper

    d = _Decoder(3, 1024, 16, 4, 16000)
    cos, sin = (d.m.constant(f(d.angles()).astype(np.float32)) for f in (np.cos, np.sin))
    total = d.op("Cast", d.op("Gather", d.op("Shape", "attention_mask"), d.number(1, np.int64)), to=6)
    lengths = d.op("Sub", d.op("ReduceSum", "attention_mask", d.ints(1), keepdims=0), d.number(1, np.int64))
    lengths, x, shared = d.op("Cast", lengths, to=6), d.embedded(), d.shared * d.size

    def added(x: str, y: str, name: str) -> tuple[str, str]:
        outs = [f"{name}_normal", "", "", f"{name}_sum"]
        node = helper.make_node(
            "SkipSimplifiedLayerNormalization", [x, y, d.scale()], outs, domain="com.microsoft", epsilon=1e-6
        )
        d.m.nodes.append(node)
        return outs[0], outs[3]

    y = d.op("SimplifiedLayerNormalization", x, d.scale(), axis=-1, epsilon=1e-6)
    for layer in range(d.layers):
        parts = [d.linear(y, d.width, n) for n in (d.width, shared, shared)]
        cache = [f"{side}.{layer}.{part}" for side in ("past", "present") for part in ("key", "value")]
        node = helper.make_node(
            "GroupQueryAttention", [*parts, *cache[:2], lengths, total, cos, sin], [f"mixed{layer}", *cache[2:]],
            domain="com.microsoft", num_heads=d.heads, kv_num_heads=d.shared, do_rotary=1,
        )  # fmt: skip
        d.m.nodes.append(node)
        y, x = added(x, d.linear(f"mixed{layer}", d.width, d.width), f"attention{layer}")
        y, x = added(x, d.gated(y), f"gated{layer}")
    d.write(d.linear(y, d.width, d.words), path)


MADE = {"gpt2_4x768": gpt2, "llama_4x512": llama, "grouped_3x1024": grouped}


# Measuring


def feeds(path: Path, new: int, past: int) -> dict[str, Any]:
    """Inputs for so many new tokens behind so many."""
    import onnx

    rng, found = np.random.default_rng(0), {}
    sizes = {"batch": 1, "new": new, "past": past, "total": past + new}
    for value in onnx.load(str(path), load_external_data=False).graph.input:
        shape = [d.dim_value or sizes[d.dim_param] for d in value.type.tensor_type.shape.dim]
        name = value.name
        whole = {"attention_mask": np.ones(shape), "position_ids": past + np.arange(new)[None]}
        array = whole.get(name, rng.integers(0, 1000, shape))
        found[name] = array.astype(np.int64) if "past" not in name else rng.standard_normal(shape).astype(np.float32)
    return found


def times(path: Path, threads: int, options: argparse.Namespace) -> Iterator[str]:
    """Cells: of a prompt and of a token, milliseconds of each engine, then ratios."""
    engines = {name: load(name, str(path), threads) for name in options.engines}
    clock = time.process_time if threads == 1 else time.perf_counter
    for new, past in ((PROMPT, 0), (1, PROMPT)):
        given = feeds(path, new, past)
        runs = {name: lambda run=run: run(given) for name, run in engines.items()}  # noqa: B023
        samples = interleaved(runs, options.rounds, 0.3, threads > 1, clock)
        yield from (f"{statistics.median(s):.2f} ({min(s):.2f})" for s in samples.values())
        yield from (f"{ratio(samples, 'vinoc', peer):.2f}" for peer in options.engines if peer != "vinoc")


def once(path: Path, threads: int, options: argparse.Namespace) -> None:
    """One engine in this process: seconds until it is ready, MiB after a prompt, after a token, at most."""
    inputs = pickle.loads(options.inputs.read_bytes())
    began = time.perf_counter()
    run = load(options.engines[0], str(path), threads)
    found = [time.perf_counter() - began]
    for given in inputs:
        run(given)
        found.append(_mib("VmRSS"))
    print(json.dumps([*found, _mib("VmHWM")]))


def _mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def memory(path: Path, threads: int, options: argparse.Namespace) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder, "inputs")  # made here: to read a model for its inputs takes memory
        inputs.write_bytes(pickle.dumps([feeds(path, PROMPT, 0), feeds(path, 1, PROMPT)]))
        for name in options.engines:
            command = [sys.executable, __file__, str(path.parent), path.stem, "--threads", str(threads)]
            command += ["--isa", options.isa, "--once", name, "--inputs", str(inputs)]
            found = []
            for _ in range(3):  # the first fills caches of files and of kernels
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found.append(json.loads(done.stdout.splitlines()[-1]))
            ready, *mib = (statistics.median(column) for column in zip(*found[1:], strict=True))
            yield [path.stem, f"{path.stat().st_size / 2**20:.0f}", name, f"{ready:.2f}", *(f"{m:.0f}" for m in mib)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=[*MADE])
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", default="ort,ov,vinoc", type=lambda text: text.split(","))
    parser.add_argument("--isa", default="", help="hold OpenVINO and vinoc to it")
    parser.add_argument("--once", default="", help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.isa:
        hold(options.isa)
    options.folder.mkdir(parents=True, exist_ok=True)
    files = [options.folder / f"{name}.onnx" for name in options.names]
    if options.once:
        options.engines = [options.once]
        return once(files[0], int(options.threads), options)
    for file in files:
        if not file.exists():
            MADE[file.stem](file)
    peers = [f"vinoc / {name}" for name in options.engines if name != "vinoc"]
    row(["decoder", "threads", *(f"{what}: {c}" for what in ("prompt", "token") for c in (*options.engines, *peers))])
    row(["---"] * (2 + 2 * (len(options.engines) + len(peers))))
    for threads in map(int, options.threads.split(",")):
        for file in files:
            row([file.stem, str(threads), *times(file, threads, options)])
    print()
    row(["decoder", "MiB of weights", "engine", "ready, s", "MiB after a prompt", "after a token", "at most"])
    row(["---"] * 7)
    for file in files:
        for cells in memory(file, int(options.threads.split(",")[0]), options):
            row(cells)
    return None


def row(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
