"""Load processes with a wrong clock: each latency is within the reported error of what a right clock measures."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import gevent
import pytest

from loadtests import keeping, wall
from loadtests.keeping import ClockKeeper, HostPlace, keep_clock, meetings_of
from loadtests.probing import Answering, Prober
from loadtests.wall import Shift, host_clocks
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.observe.account import NO_WINDOW, Window

PATIENCE_SECONDS = 60


@pytest.fixture
def clock_port() -> Iterator[int]:
    """A process that answers probes of this host's clock."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    answering = subprocess.Popen([sys.executable, "-m", "wirerace.runner.clocks", "127.0.0.1", str(port)])
    yield port
    answering.terminate()
    answering.wait()


@pytest.fixture
def own_clock() -> Iterator[None]:
    yield
    wall.follow_none()


@pytest.mark.processes
@pytest.mark.parametrize(("by_seconds", "drift"), [("0.03", "20e-6"), ("-0.03", "-20e-6")])
def test_latencies_are_within_the_error_of_those_of_a_right_clock(clock_port: int, by_seconds: str, drift: str) -> None:
    """The same arrivals by two clocks: the kernel's stamp as it is, and as a shifted and drifting host corrects it."""
    command = [sys.executable, "-m", "tests.loadtests.shifted", str(clock_port), by_seconds, drift]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert not done.returncode, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    off_ns = [abs(corrected - true) for corrected, true in found["latencies"]]

    assert len(off_ns) > 50
    assert max(off_ns) <= found["error_ns"]
    assert found["error_ns"] < 5_000_000  # a sixth of the shift, on the busiest machine
    assert found["is_set_right"]


@pytest.mark.long
@pytest.mark.usefixtures("own_clock")
def test_hosts_meet_and_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answers by its own wrong clock, whatever it knows of the right one."""
    monkeypatch.setattr(keeping, "FIRST_SECONDS", 0.05)
    right = Answering("127.0.0.1", host_clocks())
    monkeypatch.setenv(wall.SHIFTED, f"0.03,0,{now_ns()}")
    ahead = ClockKeeper(f"127.0.0.1:{right.port}")
    monkeypatch.setenv(wall.SHIFTED, f"-0.01,0,{now_ns()}")
    behind = ClockKeeper(f"127.0.0.1:{right.port}")
    ahead.settle()
    ahead.meet([behind.place])
    ahead.meet([behind.place])  # again, with another window
    gevent.sleep(0.5)
    window = Window(now_ns(), now_ns() + NS_PER_SECOND // 5)
    gevent.sleep(0.3)
    one, other = ahead.finish(window), behind.finish(window)

    assert one is ahead.finish(window)
    assert one.error_ns is not None
    assert other.error_ns is not None
    (met,) = one.meetings
    assert met.place == other.place
    assert met.error_ns is not None
    assert abs(one.corrected_ns + 30_000_000) <= one.error_ns
    assert abs(met.ahead_ns + 40_000_000) <= met.error_ns
    assert abs(one.corrected_ns - met.ahead_ns - other.corrected_ns) <= one.error_ns + met.error_ns + other.error_ns
    right.close()


@pytest.mark.long
@pytest.mark.usefixtures("own_clock")
def test_clock_that_does_not_answer_is_named_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr("loadtests.probing.ANSWER_SECONDS", 0.02)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        keeper = ClockKeeper(place)
        gevent.sleep(0.2)
        found = keeper.finish(Window(now_ns() - 1000, now_ns()))

    assert [place in record.message for record in caplog.records] == [True]
    assert found.probes > found.answers == 0
    assert (found.error_ns, found.least_round_trip_ns, found.corrected_ns) == (None, None, 0)
    assert abs(wall.now_ns() - now_ns()) < NS_PER_SECOND


@pytest.mark.usefixtures("own_clock")
def test_place_that_cannot_be_found_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with mock.patch("loadtests.probing.socket.getaddrinfo", side_effect=OSError(-2, "Name or service not known")):
        assert keep_clock("nowhere.invalid:5558") is None

    assert "The clock of nowhere.invalid:5558 cannot be asked: Name or service not known" in caplog.text


def test_without_another_host_nothing_is_probed_and_nothing_corrected() -> None:
    wall.follow(mock.Mock(), host_clocks())

    assert keep_clock("") is None
    assert wall.stamped is None
    assert wall.now_ns() <= now_ns()


@pytest.mark.long
def test_answer_of_somebody_else_is_not_believed() -> None:
    """A datagram from another place than was asked could be anybody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        prober = Prober(silent.getsockname(), host_clocks())
        stranger = Answering("127.0.0.1", host_clocks())
        prober._socket.sendto(b"", ("127.0.0.1", stranger.port))
        prober._place, place = ("127.0.0.1", stranger.port), prober._place
        prober._ask_pair()
        prober._place = place
        gevent.sleep(0.05)
    assert prober._waiting == {0: []}
    prober.close()
    stranger.close()


@pytest.mark.long
@pytest.mark.usefixtures("own_clock")
def test_without_a_window_there_is_no_error() -> None:
    right = Answering("127.0.0.1", host_clocks())
    keeper = ClockKeeper(f"127.0.0.1:{right.port}")
    found = keeper.finish(NO_WINDOW)

    assert found.error_ns is None
    assert found.answers > 0
    right.close()


def test_first_worker_of_each_host_meets_the_next_host() -> None:
    """One host has nobody to meet, two make one triangle with the producer's, three make three."""
    a, b, c = (HostPlace(name, f"10.0.0.{number}", 9000 + number) for number, name in enumerate("abc"))

    assert meetings_of({"1": [a], "2": []}) == []
    assert meetings_of({"1": [a], "2": [HostPlace("a", a.address, 1)], "3": [b]}) == [("1", b)]
    assert meetings_of({"1": [a], "2": [b], "3": [c]}) == [("1", b), ("2", c), ("3", a)]


def test_shift_is_exact() -> None:
    assert Shift(5, 0.5, 100).of(300) == 405
