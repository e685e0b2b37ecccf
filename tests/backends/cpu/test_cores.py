"""How many threads are worth having: processors, hyper-threads, the time of control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vinoc.backends.cpu import cores


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system of eight processors, without groups."""
    for name, folder in (("SYSTEM", "cpu"), ("GROUPS", "cgroup"), ("MEMBER", "member")):
        monkeypatch.setattr(cores, name, tmp_path / folder)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_one_for_each_processor(system: Path) -> None:
    assert cores.cores() == 8


def test_hyper_threads_of_a_core_count_once(system: Path) -> None:
    for n in range(8):
        write(system / f"cpu/cpu{n}/topology/thread_siblings_list", f"{n % 4},{n % 4 + 4}\n")
    assert cores.cores() == 4


def test_of_the_processors_that_the_process_is_bound_to(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(8):
        write(system / f"cpu/cpu{n}/topology/thread_siblings_list", f"{n // 2 * 2}-{n // 2 * 2 + 1}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 2, 3})
    assert cores.cores() == 2


@pytest.mark.parametrize(("limit", "wanted"), [("200000 100000", 2), ("250000 100000", 3), ("max 100000", 8)])
def test_quota_of_a_group(system: Path, limit: str, wanted: int) -> None:
    write(system / "member", "0::/\n")
    write(system / "cgroup/cpu.max", limit)
    assert cores.cores() == wanted


def test_quota_of_a_group_around_the_own_one(system: Path) -> None:
    write(system / "member", "0::/a/b\n")
    write(system / "cgroup/a/cpu.max", "300000 100000")
    write(system / "cgroup/a/b/cpu.max", "max 100000")
    assert cores.cores() == 3


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_quota_of_a_group_of_version_1(system: Path, folder: str) -> None:
    write(system / "member", f"5:memory:/x\n4:{folder}:/docker/1234\n0::/\n")
    write(system / f"cgroup/{folder}/cpu.cfs_quota_us", "50000")  # the path is the host's, the files are the group's
    write(system / f"cgroup/{folder}/cpu.cfs_period_us", "100000")
    assert cores.cores() == 1


@pytest.mark.parametrize("text", ["", "nonsense", "0::/..\n", "1:cpu:/\n"])
def test_what_cannot_be_read_is_no_limit(system: Path, text: str) -> None:
    write(system / "member", text)
    write(system / "cgroup/cpu.max", "no numbers")
    write(system / "cgroup/cpu/cpu.cfs_quota_us", "-1")
    assert cores.cores() == 8
