"""Quantized models judged against the float model, vinoc's beside those of NNCF and onnxruntime.

    python benchmarks/quantization.py --models DIR --data DIR --peers-python ENV/bin/python --work DIR

--models  as tasks name them: blazeface/blazeface.onnx ... (judge/tasks.py)
--data    faces/ (or images in the folder itself), *mnist*.npz and *cifar*.npz with `images` and `labels`; what is
          not there is not judged
ENV       pip install nncf==3.4.0 openvino==2026.4.1 onnxruntime==1.31.1 onnx sympy; without it vinoc alone is judged

Even indices calibrate (100 at most), odd ones judge. Each form of a model is made by a process of its own, which tells
its seconds and its memory (vinoc's the second time, when kernels are compiled; those of the first time are in the
figures), and is run in others: "kernels" by the int8 kernels of its runtime, "float" with its FakeQuantize or
QuantizeLinear computed in float. What the peers did lies in --work and is taken from there the next time; --again
FORM,... makes it anew. Prints tables, writes all figures to WORK/figures.json (or --json).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from judge.tables import text
from judge.tasks import EVEN, ODD, TASKS, Given, Outputs, Task, relative

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared" / "models"  # the default of --models
PEERS, OWN = HERE / "judge" / "runs.py", HERE / "judge" / "own.py"
SINGLE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


@dataclass(frozen=True)
class Form:
    """suffix   of the file that quantizing writes
    script   what makes it
    ways     how it is judged: words for the reader -> (script, runtime)
    instead  the form that is made where this one cannot be
    """

    suffix: str
    script: Path
    ways: dict[str, tuple[Path, str]]
    instead: str = ""


BY_OV = {"kernels": (PEERS, "openvino"), "float": (PEERS, "openvino-sim")}
BY_ORT = {"kernels": (PEERS, "onnxruntime"), "float": (PEERS, "onnxruntime-sim")}
OURS = {
    "kernels": (OWN, "cpu"),
    "float": (OWN, "reference"),
    "OpenVINO's kernels": (PEERS, "openvino"),
    "OpenVINO in float": (PEERS, "openvino-sim"),
}
FORMS = {
    "nncf-performance": Form(".xml", PEERS, BY_OV),
    "nncf-mixed": Form(".xml", PEERS, BY_OV),
    "ort": Form(".onnx", PEERS, BY_ORT, "ort-tensor"),
    "ort-rr": Form(".onnx", PEERS, BY_ORT, "ort-rr-tensor"),
    "vinoc-performance": Form(".xml", OWN, OURS),
    "vinoc-mixed": Form(".xml", OWN, OURS),
    "vinoc-accuracy": Form(".xml", OWN, OURS),
    "ort-tensor": Form(".onnx", PEERS, BY_ORT),
    "ort-rr-tensor": Form(".onnx", PEERS, BY_ORT),
}


class Failed(Exception):
    """What a process said before it failed."""


class Judge:
    """One task: its data, the float model's outputs, and its forms."""

    def __init__(self, task: Task, options: argparse.Namespace) -> None:
        self.task, self.options = task, options
        self.folder = options.work / task.name
        self.model = options.models / task.model
        self.keys: dict[str, str] = {}  # of the data, so that nothing is taken that was made of others
        self.folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> dict[str, Any] | None:
        """Figures of all forms; None without data."""
        options = self.options
        halves = [self.task.data(options.models, options.data, parity) for parity in (EVEN, ODD)]
        if halves[1] is not None and halves[1].labels is None and options.mirrored:
            halves[1] = Given(np.concatenate([halves[1].inputs, halves[1].inputs[..., ::-1]]))
        if halves[0] is None or halves[1] is None:
            return None
        for given, name in zip(halves, ("calibration", "judged"), strict=True):
            assert given is not None
            np.save(self.folder / f"{name}.npy", given.inputs)
            held: Any = np.ascontiguousarray(given.inputs)
            self.keys[name] = f"{zlib.crc32(held):08x}"
        given = halves[1]
        expected = self._outputs(PEERS, "onnxruntime", self.model, "float")
        found: dict[str, Any] = {
            "calibrated_on": len(halves[0].inputs), "judged_on": len(given.inputs),
            "float": self.task.figures(self.options.models, given, expected, expected),
            "forms": {},
        }  # fmt: skip
        for name in options.forms:
            found["forms"][name] = self._form(name, given, expected)
        return found

    def _form(self, name: str, given: Given, expected: Outputs) -> dict[str, Any]:
        form = FORMS[name]
        try:
            return self._made(name, form) | self._judged(name, form, given, expected)
        except Failed as error:
            if not form.instead:
                return {"failed": str(error)}
            return {"failed": str(error), "instead": self._form(form.instead, given, expected)}

    def _made(self, name: str, form: Form) -> dict[str, Any]:
        """What making it cost, and its sizes in bytes beside those of the float model in the same format."""
        out, told = self.folder / name, self.folder / f"{name}.{self.keys['calibration']}.json"
        if not told.exists() or form.script == OWN or name in self.options.again:
            words = (form.script, "quantize", name, self.model, self.folder / "calibration.npy", out)
            cost = self._script(*words)
            if form.script == OWN:  # kernels that the first run compiled are kept for the next ones
                cost = self._script(*words) | {"first": cost}
            told.write_text(json.dumps(cost))
        made: dict[str, Any] = json.loads(told.read_text())
        if form.suffix == ".onnx":
            pairs = {"onnx": (out.with_name(f"{name}.onnx"), self.model)}
        else:
            pairs = {s: (out.with_name(f"{name}.{s}"), out.with_name(f"{name}.f32.{s}")) for s in ("bin", "xml")}
        return made | {"sizes": {s: [p.stat().st_size for p in pair] for s, pair in pairs.items()}}

    def _judged(self, name: str, form: Form, given: Given, expected: Outputs) -> dict[str, Any]:
        path = self.folder / f"{name}{form.suffix}"
        outputs = {way: self._outputs(script, runtime, path, name) for way, (script, runtime) in form.ways.items()}
        return {
            way: self.task.figures(self.options.models, given, expected, found)
            | {"relative_l2": relative(expected, found), "from_float": relative(outputs["float"], found)}
            for way, found in outputs.items()
        }

    def _outputs(self, script: Path, runtime: str, model: Path, name: str) -> Outputs:
        """What a runtime makes of the judged half, kept for the next time."""
        out = self.folder / f"{name}.{runtime}.{self.keys['calibration']}.{self.keys['judged']}.npz"
        if not out.exists() or name.startswith("vinoc") or name in self.options.again:
            self._script(script, "infer", runtime, model, self.folder / "judged.npy", out)
        with np.load(out) as held:
            return [held[key] for key in held.files]

    def _script(self, script: Path, *words: Any) -> dict[str, Any]:
        """The answer of a process. Raises Failed with the last lines of what it said."""
        python = self.options.peers_python if script == PEERS else sys.executable
        done = subprocess.run(
            [python, script, *map(str, words)], capture_output=True, text=True, env=os.environ | SINGLE, check=False
        )
        if done.returncode:
            raise Failed(" ".join(done.stderr.strip().splitlines()[-1:]) or f"exit status {done.returncode}")
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer


def words(text: str) -> list[str]:
    return [w for w in text.split(",") if w]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=SHARED)
    parser.add_argument("--data", type=Path, help="by default the folder data of the models")
    parser.add_argument("--peers-python", default="", help="interpreter of an environment with the peers")
    parser.add_argument("--work", type=Path, default=Path("out/quantization"))
    parser.add_argument("--tasks", type=words, default=list(TASKS), help=f"of {','.join(TASKS)}")
    parser.add_argument(
        "--forms", type=words, default=[n for n in FORMS if "tensor" not in n], help=f"of {','.join(FORMS)}"
    )
    parser.add_argument("--again", type=words, default=[], help="forms to make and run anew")
    parser.add_argument("--mirrored", action="store_true", help="photos are judged as they are and mirrored as well")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tables", type=Path, metavar="JSON", help="print the tables of figures that are there")
    options = parser.parse_args()
    if options.tables:
        print(text(json.loads(options.tables.read_text())))
        return
    options.data = options.data or options.models / "data"
    for given, known in ((options.tasks, TASKS), (options.forms, FORMS)):
        if unknown := sorted(set(given) - set(known)):
            parser.error(f"no {', '.join(unknown)}: there are {', '.join(known)}")
    if not options.peers_python:
        options.peers_python = sys.executable
        options.forms = [name for name in options.forms if FORMS[name].script != PEERS]
    found = {}
    for name in options.tasks:
        print(f"{name} ...", file=sys.stderr, flush=True)
        result = Judge(TASKS[name], options).run()
        if result is None:
            print(f"{name} is not judged: no data in {options.data}", file=sys.stderr)
            continue
        found[name] = result
        path = options.json or options.work / "figures.json"
        path.write_text(json.dumps(found, indent=1))
    print(text(found))


if __name__ == "__main__":
    main()
