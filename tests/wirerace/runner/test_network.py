"""A path's proxy is observed: its lateness, its CPU time, and its core."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.wirerace.analysis.records import MS, WINDOW, recorded, trial_of, truth_of
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.errors import TrialFailed
from wirerace.experiment.model import Experiment, LoadOptions
from wirerace.experiment.paths import NetworkPath
from wirerace.experiment.settings import alone
from wirerace.host import cores
from wirerace.host.cores import Cores, cautions, cores_of
from wirerace.observe.account import AccountRecord
from wirerace.record.samples import ProxyReport
from wirerace.runner.network import proxy, stamps
from wirerace.runner.network.control import ProxyControl, is_whole
from wirerace.runner.network.proxy import Proxy
from wirerace.runner.peer import Peer

DELAY_SECONDS = 0.02
PATIENCE_SECONDS = 10.0
STILL_SECONDS = 0.3


class Path:
    """A client and a server with a proxy between them, which works only when the test calls it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = Proxy(0, self._listener.getsockname(), NetworkPath(DELAY_SECONDS))
        self.client = socket.create_connection(("127.0.0.1", self.proxy.port), PATIENCE_SECONDS)
        self.proxy.turn(PATIENCE_SECONDS)
        self.server = self._listener.accept()[0]
        self.server.setblocking(False)

    def received(self, size: int) -> bytes:
        """Run the proxy until a number of bytes has come."""
        data, deadline = b"", time.monotonic() + PATIENCE_SECONDS
        while len(data) < size and time.monotonic() < deadline:
            self.proxy.turn(0.001)
            try:
                data += self.server.recv(size)
            except BlockingIOError:
                continue
        return data

    def close(self) -> None:
        self.proxy.close()
        for stream in (self.client, self.server, self._listener):
            stream.close()


class Controlled:
    """A proxy that works in a thread, and its control."""

    def __init__(self) -> None:
        self.proxy = Proxy(0, ("127.0.0.1", 1), NetworkPath(DELAY_SECONDS))
        self.control = ProxyControl(0, self.proxy)
        self.peer = Peer("the proxy", self.control.port)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._turn)
        self._thread.start()

    def _turn(self) -> None:
        while not self._ending.is_set():
            self.proxy.turn(0.01)

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self.control.close()
        self.proxy.close()


@pytest.fixture
def path() -> Iterator[Path]:
    found = Path()
    found.client.sendall(b"x")
    assert b"x" == found.received(1), "the first bytes of a connection have a round trip to wait for"
    found.proxy.report()
    yield found
    found.close()


def late_ns(report: ProxyReport) -> tuple[int, int]:
    return report.late.recorded, report.late.max_ns or 0


@pytest.mark.long
def test_what_is_forwarded_is_counted_once_with_how_late_it_was(path: Path) -> None:
    path.client.sendall(b"one")
    assert b"one" == path.received(3)
    first, second = path.proxy.report(), path.proxy.report()

    assert (1, 0) == (first.late.recorded, second.late.recorded), "a report begins again"
    assert first.began_ns < first.ended_ns == second.began_ns <= second.ended_ns
    assert first.cpu_seconds > 0


@pytest.mark.long
def test_proxy_that_stands_still_while_something_is_on_its_way_is_late(path: Path) -> None:
    path.client.sendall(b"one")
    path.proxy.turn(PATIENCE_SECONDS)  # reads it
    time.sleep(STILL_SECONDS)  # what is tested
    assert b"one" == path.received(3)

    count, latest_ns = late_ns(path.proxy.report())
    assert 1 == count
    assert latest_ns >= (STILL_SECONDS - DELAY_SECONDS) * 1e9


@pytest.mark.long
@pytest.mark.skipif(stamps.SO_TIMESTAMPNS is None, reason="needs the kernel's stamps: Linux")
def test_proxy_that_stands_still_before_it_reads_is_as_late(path: Path) -> None:
    """The delay counts from the arrival, so late reading must be reported as lateness."""
    path.client.sendall(b"one")
    time.sleep(STILL_SECONDS)  # what is tested
    assert b"one" == path.received(3)

    count, latest_ns = late_ns(path.proxy.report())
    assert 1 == count
    assert latest_ns >= (STILL_SECONDS - DELAY_SECONDS) * 1e9


@pytest.mark.long
def test_order_is_kept_with_any_stamps(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that is set between two readings makes the second one look older."""
    lags = iter([0.0, 5.0])
    monkeypatch.setattr(proxy, "lag_seconds", lambda _: next(lags, 0.0))
    path.client.sendall(b"one")
    path.proxy.turn(PATIENCE_SECONDS)
    path.client.sendall(b"two")

    assert b"onetwo" == path.received(6)


@pytest.fixture
def control() -> Iterator[Controlled]:
    controlled = Controlled()
    yield controlled
    controlled.close()


def test_proxy_reports_at_a_port_of_its_own(control: Controlled) -> None:
    assert control.peer.is_open()
    first, second = (control.peer.get("/report", ProxyReport) for _ in range(2))

    assert first.ended_ns == second.began_ns


def test_delay_of_a_proxy_can_be_changed(control: Controlled) -> None:
    answer = control.peer.send("PUT", "/path", NetworkPath(0.5), NetworkPath)

    assert (NetworkPath(0.5), 0.5) == (answer, control.proxy.path.delay_seconds)


def test_delay_that_no_path_may_have_is_refused_and_changes_nothing(control: Controlled) -> None:
    with pytest.raises(TrialFailed, match=r"400: the path.delay_seconds must be a number at most 5.0, got 9.0"):
        control.peer.send("PUT", "/path", NetworkPath(9.0), NetworkPath)

    assert DELAY_SECONDS == control.proxy.path.delay_seconds


def test_cut_resets_every_connection_at_both_ends(control: Controlled) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        control.proxy._server = listener.getsockname()
        clients = [socket.create_connection(("127.0.0.1", control.proxy.port), PATIENCE_SECONDS) for _ in range(3)]
        ends = [*clients, *(listener.accept()[0] for _ in clients)]
        assert {"cuts": 3} == control.peer.send("POST", "/cut", None, dict[str, int])

        for end in ends:
            with end, pytest.raises(ConnectionResetError):
                end.recv(1)
    assert {"cuts": 0} == control.peer.send("POST", "/cut", None, dict[str, int])


def test_proxy_does_nothing_without_its_token(control: Controlled) -> None:
    control.control._token = b"secret"
    with pytest.raises(TrialFailed, match="does not answer"):
        control.peer.send("PUT", "/path", NetworkPath(0.5), NetworkPath)

    assert DELAY_SECONDS == control.proxy.path.delay_seconds


def test_request_that_comes_in_parts_is_answered_when_it_is_whole(control: Controlled) -> None:
    body = b'{"delay_seconds": 0.25}'
    request = b"PUT /path HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert not any(is_whole(request[:size]) for size in range(len(request)))
    assert is_whole(request)
    with socket.create_connection(("127.0.0.1", control.peer.port), PATIENCE_SECONDS) as asker:
        for byte in request:
            asker.sendall(bytes([byte]))
        assert asker.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")

    assert 0.25 == control.proxy.path.delay_seconds


def test_link_of_a_trial_is_what_its_proxy_reports() -> None:
    report = ProxyReport(
        began_ns=WINDOW.from_ns, ended_ns=WINDOW.to_ns, cpu_seconds=2.5, late=recorded([MS] * 99 + [3 * MS])
    )
    measured = replace(NOTHING_MEASURED, proxy=report, proxy_core=3, proxy_shares_core=True)
    link = trial_of(AccountRecord(), truth_of(), measured).proxy

    assert link is not None
    assert (3, True, 2.5, 0.25) == (link.core, link.shares_core, link.cpu_seconds, link.utilisation)
    assert pytest.approx((100, 0.00102, 0.003), rel=1e-2) == (
        link.late_seconds.count,
        link.late_seconds.mean,
        link.late_seconds.max,
    )
    assert trial_of(AccountRecord(), truth_of()).proxy is None


@pytest.mark.parametrize(
    ("cores_there", "processes", "delay", "expected"),
    [
        ([0, 1, 2, 3], 1, 0.05, Cores([0], [1, 2], [3])),
        ([0, 1, 2, 3], 2, 0.05, Cores([0], [1, 2], [3])),
        ([0, 1, 2, 3], 3, 0.05, Cores([0], [1, 2, 3], [3], is_shared=True)),
        ([0, 1], 1, 0.05, Cores([0], [1], [1], is_shared=True)),
        ([0, 1, 2, 3], 1, 0.0, Cores([0], [1, 2, 3])),
    ],
)
def test_proxy_has_a_core_of_its_own_where_there_are_enough(
    cores_there: list[int], processes: int, delay: float, expected: Cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "split_cores", lambda _: (cores_there[:1], cores_there[1:]))
    load, path = LoadOptions(processes=processes), NetworkPath(delay)
    experiment = Experiment("t", ["polling"], path="far", paths={"far": path}, load=load)

    assert expected == cores_of(load, path)
    found = [caution for caution in cautions(alone(experiment)) if "the proxy shares core" in caution]
    assert expected.is_shared == bool(found)
    assert Cores([], []) == cores_of(LoadOptions(pin_cores=False), path)
