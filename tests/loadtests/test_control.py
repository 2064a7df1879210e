"""The control port: requests out of turn, out of bounds or malformed are refused on one line, and change nothing."""

import http.client
import json
from collections.abc import Iterator
from typing import NamedTuple

import gevent
import msgspec
import psutil
import pytest
from gevent import socket
from prometheus_client import CollectorRegistry

from loadtests.control import MOST_BODY_BYTES, NO_TOKEN, Control, Keys
from loadtests.course import Course, OutOfTurn
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.errors import BadInput, TrialFailed
from wirerace.observe.account import AccountRecord, LoadState, Window
from wirerace.observe.outages import FaultMark, OutageOrder, OutageWatch

HOUR_NS = 3600 * NS_PER_SECOND
MB = 1_000_000


class Load:
    """Parts that note their requests."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.orders: list[OutageOrder] = []
        self.finished = 0
        self.is_gone = False

    def count(self) -> int:
        return 2

    def state(self) -> LoadState:
        return LoadState()

    def set_window(self, window: Window) -> None:
        self.windows.append(window)

    def cut(self, jitter_seconds: float) -> int:
        return int(jitter_seconds)

    def note_outages(self, order: OutageOrder) -> None:
        self.orders.append(order)

    def finish(self) -> AccountRecord:
        if self.is_gone:
            raise TrialFailed("a worker is gone")
        self.finished += 1
        return AccountRecord(closed_ns=[now_ns()])


class Answer(NamedTuple):
    """The answer of the port."""

    status: int
    text: str


class Port:
    """The control port of a load."""

    def __init__(self, keys: Keys = NO_TOKEN) -> None:
        self.load = Load()
        self.control = Control(("127.0.0.1", 0), CollectorRegistry(), self.load, keys=keys)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask from another thread: this one answers."""
        answer: Answer = gevent.get_hub().threadpool.apply(self._ask, (method, path, body, headers))
        return answer

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.control.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            connection.close()

    def set_window(self, from_ns: int, to_ns: int) -> Answer:
        return self.ask("PUT", "/window", json.dumps({"from_ns": from_ns, "to_ns": to_ns}).encode())


@pytest.fixture
def port(capfd: pytest.CaptureFixture[str]) -> Iterator[Port]:
    """Return the port; after any requests, only single lines may be logged."""
    port = Port()
    yield port
    port.control.close()
    assert "Traceback" not in capfd.readouterr().err


def test_window_is_set_before_it_begins_and_the_account_is_given_once(port: Port) -> None:
    from_ns = now_ns() + HOUR_NS
    assert 200 == port.set_window(from_ns, from_ns + 5).status
    assert 200 == port.set_window(from_ns, from_ns + 7).status, "it has not begun yet"
    assert [Window(from_ns, from_ns + 5), Window(from_ns, from_ns + 7)] == port.load.windows

    first, second = (port.ask("POST", "/finish", b"null") for _ in range(2))
    assert (200, 1) == (first.status, len(json.loads(first.text)["closed_ns"]))
    assert (409, 1) == (second.status, port.load.finished)
    assert 409 == port.set_window(from_ns, from_ns + 9).status


def test_account_that_could_not_be_had_may_be_asked_for_again(port: Port) -> None:
    port.load.is_gone = True
    assert Answer(503, "a worker is gone\n") == port.ask("POST", "/finish")
    port.load.is_gone = False
    assert 200 == port.ask("POST", "/finish").status


def test_another_test_has_a_course_of_its_own(port: Port) -> None:
    port.ask("POST", "/finish")
    port.control.course.begin()

    assert 200 == port.set_window(now_ns() + HOUR_NS, now_ns() + 2 * HOUR_NS).status
    assert 200 == port.ask("POST", "/finish").status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "secret"}, 401),
        ({"Authorization": "Bearer t\xf6k"}, 401),
        ({"Authorization": "Bearer secret"}, 200),
        ({"Authorization": "Bearer secret", "Origin": "http://evil.example"}, 403),
        ({"Authorization": "Bearer secret", "Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Authorization": "Bearer secret", "Host": "bench.example"}, 200),
        ({"Authorization": "Bearer secret", "Origin": "http://lab.example", "Host": "lab.example"}, 200),
    ],
)
def test_ledger_is_ended_only_with_the_token_of_the_experiment(headers: dict[str, str], status: int) -> None:
    port = Port(Keys("secret", frozenset({"http://lab.example"})))
    try:
        assert status == port.ask("POST", "/finish", b"", **headers).status
        assert (status == 200) == port.load.finished
        assert 200 == port.ask("GET", "/state").status
    finally:
        port.control.close()


def test_page_of_another_origin_ends_no_ledger_that_has_no_token(port: Port) -> None:
    assert 403 == port.ask("POST", "/finish", Origin="http://evil.example").status
    assert 0 == port.load.finished


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[1]", b"[1, 2]", b"null", b"7", b'"x"', b"{", b"\xff", b"\x00", b"[" * 3000,
        b'{"from_ns": 1}', b'{"from_ns": "1", "to_ns": 2}', b'{"from_ns": 1.5, "to_ns": 2}',
        b'{"from_ns": -5, "to_ns": 2}', b'{"from_ns": 1, "to_ns": %b}' % (b"9" * 400),
        b'{"from_ns": 1, "to_ns": 2, "x": 3}', b'{"from_ns": 1, "to_ns": 2}',
        b'{"from_ns": 9000000000000000001, "to_ns": 9000000000000000000}',
        b'{"from_ns": 9000000000000000000, "to_ns": 9000000000000000000}',
    ],
)  # fmt: skip
def test_body_that_is_no_window_to_come_is_refused_on_one_line(port: Port, body: bytes) -> None:
    status, text = port.ask("PUT", "/window", body)

    assert 400 == status
    assert 1 == text.count("\n")
    assert text.endswith("\n")
    assert [] == port.load.windows


@pytest.mark.parametrize("order", [OutageWatch(1, 2, 3), FaultMark(0, 1, 2)])
def test_what_faults_do_is_noted_on_order(port: Port, order: OutageOrder) -> None:
    assert 200 == port.ask("POST", "/outages", msgspec.json.encode(order)).status
    assert [order] == port.load.orders


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"{", b'{"type": "mark"}', b'{"type": "other"}', b'{"type": 1}',
        b'{"type": "watch", "from_ns": 1, "age_ns": 0, "step_ns": 1}',
        b'{"type": "watch", "from_ns": 1, "age_ns": 1, "step_ns": 0}',
        b'{"type": "mark", "number": -1, "from_ns": 1, "after_ns": 2}',
        b'{"type": "mark", "number": 0, "from_ns": 1, "after_ns": 2, "to_ns": 3}',
    ],
)  # fmt: skip
def test_order_that_is_none_is_refused_on_one_line(port: Port, body: bytes) -> None:
    status, text = port.ask("POST", "/outages", body)
    assert (400, 1, True) == (status, text.count("\n"), text.endswith("\n"))
    assert [] == port.load.orders


@pytest.mark.long
@pytest.mark.parametrize(("method", "path"), [("PUT", "/window"), ("POST", "/finish"), ("GET", "/state")])
def test_body_of_300_megabytes_is_refused_in_bounded_memory(port: Port, method: str, path: str) -> None:
    """Sent in pieces from one buffer, so that the test itself needs no memory for it."""
    piece, before = bytes(MB), psutil.Process().memory_info().rss
    with socket.create_connection(("127.0.0.1", port.control.port), 30) as stream:
        stream.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {300 * MB}\r\n\r\n".encode())
        for _ in range(300):
            stream.sendall(piece)
        answer = stream.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(f"a body has at most {MOST_BODY_BYTES} bytes\n".encode())
    assert psutil.Process().memory_info().rss - before < 50 * MB
    assert (0, []) == (port.load.finished, port.load.windows)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/window"), ("PUT", "/finish"), ("GET", "/"), ("GET", "/%00"), ("GET", "/state/x")],
)
def test_path_that_is_none_is_not_found(port: Port, method: str, path: str) -> None:
    assert 404 == port.ask(method, path).status


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00" * 20 + b"\r\n\r\n", b"GET\r\n\r\n", b"X" * 20_000])
def test_garbage_is_a_bad_request_and_the_next_request_is_answered(port: Port, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port.control.port), 30) as stream:
        stream.sendall(garbage)
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(100).startswith(b"HTTP/1.1 4")

    assert 200 == port.ask("GET", "/state").status


@pytest.mark.parametrize(
    ("now", "window", "refusal"),
    [
        (99, Window(100, 200), None),
        (100, Window(100, 200), BadInput),
        (5_000_000_000, Window(4_000_000_000, 6_000_000_000), BadInput),
        (1, Window(200, 100), BadInput),
        (1, Window(100, 100), BadInput),
    ],
)
def test_window_lies_ahead_and_has_a_length(now: int, window: Window, refusal: type[Exception] | None) -> None:
    course = Course(lambda: now)
    if refusal is None:
        course.check_window(window)
    else:
        with pytest.raises(refusal, match="from_ns must be"):
            course.check_window(window)


def test_window_that_has_begun_cannot_be_changed() -> None:
    times = iter([50, 99, 100])
    course = Course(lambda: next(times))
    course.check_window(Window(100, 200))
    course.set_window(Window(100, 200))
    course.check_window(Window(110, 200))
    with pytest.raises(OutOfTurn, match="has begun"):
        course.check_window(Window(120, 200))
