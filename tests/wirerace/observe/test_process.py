"""What a process exports about itself is what prometheus_client exports, and costs the same with many files open."""

import os
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from wirerace.observe import process
from wirerace.observe.metrics import samples
from wirerace.observe.process import ProcessMetrics, open_file_count

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def exported(collector: object) -> tuple[dict[str, float], list[str]]:
    """Return the samples, and the lines about them."""
    registry = CollectorRegistry()
    registry.register(collector)  # type: ignore[arg-type]
    text = generate_latest(registry).decode()
    return samples(text), sorted(line for line in text.splitlines() if line.startswith("#"))


def test_names_types_and_values_are_those_of_prometheus_client() -> None:
    (ours, lines), (theirs, their_lines) = exported(ProcessMetrics()), exported(ProcessCollector(registry=None))

    assert their_lines == lines
    assert theirs.keys() == ours.keys()
    assert theirs["process_max_fds"] == ours["process_max_fds"]
    assert theirs["process_start_time_seconds"] == ours["process_start_time_seconds"] <= time.time()
    assert ours["process_resident_memory_bytes"] == pytest.approx(theirs["process_resident_memory_bytes"], rel=0.2)
    assert ours["process_cpu_seconds_total"] == pytest.approx(theirs["process_cpu_seconds_total"], abs=0.5)


@pytest.mark.parametrize("is_counted", [True, False])
def test_open_files_are_counted(monkeypatch: pytest.MonkeyPatch, *, is_counted: bool) -> None:
    """Linux says their number since 6.2; before that, 0."""
    if not is_counted:
        monkeypatch.setattr(process, "_counted_files", lambda: 0)
    before = open_file_count()
    ends = [os.pipe() for _ in range(5)]
    try:
        assert before + 10 == open_file_count()
    finally:
        for end in (end for pair in ends for end in pair):
            os.close(end)


def test_files_that_the_kernel_counts_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 10,000 connections a list of them takes 8 ms."""
    monkeypatch.setattr(process, "_counted_files", lambda: 10_000)
    monkeypatch.delattr("os.listdir")

    assert 10_000 == exported(ProcessMetrics())[0]["process_open_fds"]


def test_without_proc_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)

    assert ({}, []) == exported(ProcessMetrics())
