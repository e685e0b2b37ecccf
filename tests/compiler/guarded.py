"""Compiles files that may hold anything in a process of its own, with bounds on time and memory.

`Guard` is the side of the tests; run as a module, this file is the worker: one request a line, one answer a line.
"""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 20
"""A small model takes milliseconds; this much is a hang, on a slow machine too."""
MEGABYTES = 1024
"""What a compilation of a small model may hold at its worst."""
ADDRESS_SPACE = 6 << 30
ROOT = Path(__file__).resolve().parents[2]


class Outcome(NamedTuple):
    """What came of a request: `ok`, `refused` (a VinocError), or a kind of fault; the text says more."""

    kind: str
    text: str

    @property
    def good(self) -> bool:
        return self.kind in ("ok", "refused")


class Guard:
    """A worker that is started when needed, and again after it died."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.worker: subprocess.Popen[str] | None = None
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the guard

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self.errors.close()

    def compile(self, path: Path, targets: Sequence[str] = ("ir", "numpy")) -> Outcome:
        """Compiles a file for each of the targets, with the default passes; the worst outcome counts."""
        return self.ask({"path": str(path), "targets": list(targets), "seconds": self.seconds})

    def ask(self, request: dict[str, Any]) -> Outcome:
        worker = self._started()
        assert worker.stdin is not None
        assert worker.stdout is not None
        with suppress(BrokenPipeError):
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
        answer = worker.stdout.readline()
        if answer:
            return Outcome(*json.loads(answer))
        self.stop()
        self.errors.seek(0)
        return Outcome("died", self.errors.read()[-4000:])

    def stop(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            for stream in (worker.stdin, worker.stdout):
                with suppress(OSError):
                    stream.close()  # type: ignore[union-attr]  # both are pipes
            worker.wait()

    def _started(self) -> subprocess.Popen[str]:
        if self.worker is None:
            self.errors.seek(0)
            self.errors.truncate()
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            self.worker = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.compiler.guarded"], cwd=ROOT, env=environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            )  # fmt: skip
        return self.worker


# The worker


def serve() -> None:
    """Answers requests until there are no more. A request that takes too long ends the process with a traceback."""
    _limit_memory()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        faulthandler.dump_traceback_later(request["seconds"], exit=True)
        outcome = answer(Path(request["path"]), request["targets"])
        faulthandler.cancel_dump_traceback_later()
        answers.write(json.dumps(outcome) + "\n")
        answers.flush()


def answer(path: Path, targets: Sequence[str]) -> Outcome:
    """The first fault; without one a refusal, where any target refuses."""
    outcome = Outcome("ok", "")
    for target in targets:
        _forget_peak()
        found = _compile(path, target)
        if (peak := _peak()) > MEGABYTES:
            return Outcome("memory", f"{peak} MB for target {target}: {found}")
        if not found.good:
            return found
        if found.kind != "ok":
            outcome = found
    return outcome


def _compile(path: Path, target: str) -> Outcome:
    from vinoc.compiler.driver import compile_model_file
    from vinoc.ir.errors import VinocError

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "new", "out")
        try:
            compile_model_file(path, target=target, out_dir=out)
            return Outcome("ok", "")
        except VinocError as error:
            outcome = _judged(error)
        except BaseException as error:
            outcome = Outcome("fault", "".join(traceback.format_exception(error))[-6000:])
        left = [str(p.relative_to(folder)) for p in Path(folder).rglob("*")]
        return Outcome("left", f"{left} after {outcome}") if left else outcome


def _judged(error: Any) -> Outcome:
    """A refusal is good when it is the model's fault in words: no fault of vinoc, no Python exception in disguise."""
    text = str(error)
    if error.exit_code == 70:
        return Outcome("fault", "".join(traceback.format_exception(error))[-6000:])
    if "or its converter is at fault" in text:
        return Outcome("unforeseen", text)
    return Outcome("refused", text)


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Megabytes held at the worst since `_forget_peak`; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) >> 10
    return 0


if __name__ == "__main__":
    serve()
