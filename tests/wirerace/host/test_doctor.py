"""The harness at rest, measured: figures are plausible in sign and order, or unknown if nothing reports them."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from wirerace.host import doctor, limits, loopback
from wirerace.host import machine as samples
from wirerace.host.doctor import measure_clock, percentile, quick_checkup
from wirerace.host.limits import ephemeral_ports, open_files, port_reuse_seconds
from wirerace.record.checkup import Checkup

NEEDS_LOAD = {name for name in Checkup.__struct_fields__ if name.startswith(("producer_", "load_seconds_"))} | {
    "polls_per_second",
    "messages_per_second",
}


@pytest.fixture(scope="module")
def quick() -> Checkup:
    return quick_checkup()


@pytest.mark.processes
@pytest.mark.parametrize("name", ["sleep_late", "round_trip", "reader_lag"])
def test_median_is_positive_and_no_more_than_the_99th_percentile(quick: Checkup, name: str) -> None:
    assert 0 < getattr(quick, f"{name}_seconds_p50") <= getattr(quick, f"{name}_seconds_p99")


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere some figures are unknown")
def test_linux_reports_what_it_allows(quick: Checkup) -> None:
    assert 0 < (quick.clock_step_seconds or 0)
    assert 0 < quick.clock_reading_seconds
    assert quick.kernel_stamps is True
    assert len(os.sched_getaffinity(0)) == quick.cores
    assert quick.others_cores is not None
    assert 0 <= quick.others_cores <= (os.cpu_count() or 1)
    assert (quick.ephemeral_ports or 0) / (quick.port_reuse_seconds or 1) == quick.connections_per_second
    assert None not in {quick.open_files_soft, quick.listen_backlog, quick.load_average, quick.stolen_cores}


@pytest.mark.processes
def test_quick_checkup_leaves_out_what_needs_the_load(quick: Checkup) -> None:
    assert {None} == {getattr(quick, name) for name in NEEDS_LOAD}


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process be bound to a core")
def test_checkup_leaves_the_process_as_it_was() -> None:
    cores, children = os.sched_getaffinity(0), psutil.Process().children()
    quick_checkup()

    assert cores == os.sched_getaffinity(0)
    assert children == psutil.Process().children()


@pytest.mark.processes
def test_checkup_on_a_platform_that_reports_nothing_has_unknown_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PROC", tmp_path)
    monkeypatch.setattr(limits, "DEVICES", tmp_path)
    for name in ("MEMORY_PRESSURE", "SLABINFO", "MEMINFO"):
        monkeypatch.setattr(samples, name, tmp_path / "none")
    monkeypatch.setattr(loopback, "SO_TIMESTAMPNS", None)
    monkeypatch.setattr(loopback, "process_cpu_seconds", lambda _pid: None)
    monkeypatch.setattr(doctor, "SLEEPS", 5)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    checkup = quick_checkup()

    known = {name for name in Checkup.__struct_fields__ if getattr(checkup, name) is not None}
    assert {"round_trip_seconds_p50", "sleep_late_seconds_p50", "cores"} <= known
    assert not known & {"reader_lag_seconds_p50", "others_cores", "connections_per_second", "clock_source"}
    assert checkup.socket_slab_bytes is None
    assert checkup.kernel_stamps is False


@pytest.mark.processes
def test_loopback_is_unknown_when_the_other_process_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(sys, "executable", "/bin/true")

    assert loopback.Loopback() == loopback.measure_loopback([])


def test_clock_that_stands_still_has_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "now_ns", lambda: 7)

    assert measure_clock()[0] is None


@pytest.mark.parametrize(
    ("count", "percent", "value"), [(1, 50, 1), (2, 50, 1), (3, 50, 2), (100, 99, 99), (101, 99, 100), (0, 50, None)]
)
def test_percentile_is_the_least_value_that_this_part_does_not_exceed(
    count: int, percent: float, value: int | None
) -> None:
    assert value == percentile(list(range(count, 0, -1)), percent)


@pytest.mark.parametrize(("reuse", "stamps", "seconds"), [(0, 1, 60), (1, 1, 1), (2, 1, 1), (2, 0, 60)])
def test_ports_rest_for_a_second_where_linux_may_reuse_them(
    reuse: int, stamps: int, seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PROC", tmp_path)
    directory = tmp_path / "sys/net/ipv4"
    directory.mkdir(parents=True)
    (directory / "tcp_tw_reuse").write_text(f"{reuse}\n")
    (directory / "tcp_timestamps").write_text(f"{stamps}\n")
    (directory / "ip_local_port_range").write_text("40000\t40099\n")

    assert seconds == port_reuse_seconds()
    assert range(40_000, 40_100) == ephemeral_ports()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_limit_on_open_files_is_the_systems_and_none_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource  # noqa: PLC0415 -- there is none on Windows

    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, resource.RLIM_INFINITY))

    assert (256, None) == open_files()
