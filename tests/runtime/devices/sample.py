"""Devices of third parties, with limits: they know vinoc through the protocol of `vinoc.runtime.devices.base` alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vinoc.ir.errors import EvaluationError, VinocError
from vinoc.runtime.devices.base import Capabilities, Host, OfGraph, PlainDevice, Prepared
from vinoc.runtime.devices.given import Given
from vinoc.runtime.engines import Reference
from vinoc.runtime.properties import CPU, Property


class Sample(PlainDevice):
    """Computes by definition, within its limits, and counts what it runs."""

    properties: Mapping[str, Property] = CPU
    runs = 0

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        graph = model.graph()
        self.check(graph)
        return OfGraph(graph, self.name, lambda: Counting(self, Reference(graph)))


class Counting:
    """Tells its device of every run."""

    def __init__(self, device: Sample, engine: Reference) -> None:
        self._device, self._engine = device, engine

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        type(self._device).runs += 1
        return self._engine.run(inputs)

    def reset(self) -> None:
        self._engine.reset()

    def variables(self) -> dict[str, Any]:
        return self._engine.variables()

    def times(self) -> list[Any]:
        return []


class NoSoftMax(Sample):
    """All that most networks need but SoftMax."""

    name = "NOSOFTMAX"
    rank = 5
    properties: Mapping[str, Property] = {**CPU, "SPEED": Property(3, int)}
    capabilities = Capabilities(
        ops=frozenset(
            {"ReLU", "Add", "Multiply", "Convolution", "MatMul", "Reshape", "Transpose", "MaxPool", "Concat"}
        ),
        layouts=("rows",),
    )

    def facts(self) -> Mapping[str, Any]:
        return {"DEVICE_ARCHITECTURE": "paper", "RANGE_FOR_STREAMS": (1, 1)}


class Half(Sample):
    """Half precision alone, and few operations."""

    name = "HALF"
    capabilities = Capabilities(
        precisions=frozenset({"f16"}), ops=frozenset({"ReLU", "Add", "Multiply", "Sigmoid"}), optimizations=("FP16",)
    )


class Slow(Sample):
    """Takes its time to compile: until the test says so."""

    name = "SLOW"
    rank = 9
    ready = threading.Event()

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        assert self.ready.wait(30)
        return super().compile(model, settings, host)


class Broken(Sample):
    """Compiles nothing."""

    name = "BROKEN"
    rank = 8

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        raise VinocError("out of order")


class Faulty(Sample):
    """Compiles, and fails after `good` runs."""

    name = "FAULTY"
    rank = 7
    good = 0

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        graph = model.graph()
        return OfGraph(graph, self.name, lambda: Failing(self, Reference(graph)))


class Failing(Counting):
    def run(self, inputs: Sequence[Any]) -> list[Any]:
        if type(self._device).runs >= Faulty.good:
            raise EvaluationError("the device is lost")
        return super().run(inputs)


class Other(Sample):
    """CPU kernels under another name: what a second processor would be."""

    name = "OTHER"

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        from vinoc.backends.cpu import CpuBackend
        from vinoc.passes.manager import PassManager

        graph = model.graph()
        ports = OfGraph(graph.clone(), self.name, lambda: Executing(executable))
        PassManager(CpuBackend.lowering).run(graph)
        executable = CpuBackend().compile(graph)
        return ports


class Executing:
    """An engine over a backend's executable."""

    def __init__(self, executable: Any) -> None:
        from vinoc.backends.cpu.engine.islands import State

        self._executable, self._state = executable, State()

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        results = self._executable.run(inputs, self._state)
        return [np.array(r) if isinstance(r, np.ndarray) else r for r in results]

    def reset(self) -> None:
        self._state.variables.clear()

    def variables(self) -> dict[str, Any]:
        return self._state.variables

    def times(self) -> list[Any]:
        return []


DEVICES = (NoSoftMax, Half, Slow, Broken, Faulty, Other)
