"""The link of a path, turned by hand on real sockets: its buffer, its bandwidth, its idle timeout."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from wirerace.errors import BadInput
from wirerace.experiment.paths import NetworkPath
from wirerace.runner.network.control import main, place_of, refuse_all_but_a_link
from wirerace.runner.network.proxy import Proxy

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 10.0
IDLE_SECONDS = 0.2
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"64\r\n" + bytes(100) + b"\r\n"


class Link:
    """A client and a server with a link between them, which works only when the test calls it."""

    def __init__(self, path: NetworkPath, host: str = "127.0.0.1") -> None:
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.proxy = Proxy(0, self._listener.getsockname()[:2], path)
        self.client = socket.create_connection(("127.0.0.1", self.proxy.port), PATIENCE_SECONDS)
        self.proxy.turn(PATIENCE_SECONDS)
        self.server = self._listener.accept()[0]
        for end in (self.client, self.server):
            end.setblocking(False)

    def received(self, end: socket.socket, size: int, within_seconds: float = PATIENCE_SECONDS) -> bytes:
        """Turn the proxy until a number of bytes has come, or the end of the stream, or a time has passed."""
        data, deadline = b"", time.monotonic() + within_seconds
        while len(data) < size and time.monotonic() < deadline:
            self.proxy.turn(0.001)
            try:
                part = end.recv(size - len(data))
            except BlockingIOError:
                continue
            if not part:
                break
            data += part
        return data

    def close(self) -> None:
        self.proxy.close()
        for stream in (self.client, self.server, self._listener):
            stream.close()


@pytest.fixture
def links() -> Iterator[list[Link]]:
    opened: list[Link] = []
    yield opened
    for link in opened:
        link.close()


def opened(links: list[Link], path: NetworkPath) -> Link:
    links.append(Link(path))
    return links[-1]


def test_server_at_an_address_of_ipv6_is_reached(links: list[Link]) -> None:
    links.append(link := Link(NetworkPath(delay_seconds=0.001), "::1"))
    link.client.sendall(b"there")
    assert b"there" == link.received(link.server, 5)
    link.server.sendall(b"and back")
    assert b"and back" == link.received(link.client, 8)


def test_name_with_several_addresses_is_the_one_that_takes_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    found = socket.getaddrinfo("::1", 0, type=socket.SOCK_STREAM) + socket.getaddrinfo(
        "127.0.0.1", 0, type=socket.SOCK_STREAM
    )
    for host, family in (("::1", socket.AF_INET6), ("127.0.0.1", socket.AF_INET)):
        with socket.create_server((host, 0), family=family) as listener:
            port = listener.getsockname()[1]
            _resolves(monkeypatch, found, port)
            assert (host, port) == place_of("localhost", port)
    _resolves(monkeypatch, found, 1)
    with pytest.raises(ConnectionRefusedError, match="nothing listens at localhost:1"):
        place_of("localhost", 1)


def _resolves(monkeypatch: pytest.MonkeyPatch, found: list[Any], port: int) -> None:
    """Let every name have these addresses, at a port."""
    both = [(*info[:4], (info[4][0], port, *info[4][2:])) for info in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)


def test_server_that_is_not_there_is_said_in_one_line() -> None:
    with pytest.raises(SystemExit, match=r"the link finds no server at no\.such\.invalid:1: "):
        main("127.0.0.1:0", "0", "no.such.invalid:1", "{}", "1")


def test_buffer_holds_a_stream_back_until_it_is_full(links: list[Link]) -> None:
    link = opened(links, NetworkPath(buffer_bytes=500))
    link.server.sendall(HEAD + CHUNK)
    assert b"" == link.received(link.client, 1, 0.1), "not even the head"
    link.server.sendall(CHUNK * 4)

    assert (HEAD + CHUNK * 5)[:500] == link.received(link.client, 1000, 0.1)


def test_requests_are_not_held_back(links: list[Link]) -> None:
    link = opened(links, NetworkPath(buffer_bytes=500))
    link.client.sendall(b"GET / HTTP/1.1\r\n\r\n")

    assert b"GET / HTTP/1.1\r\n\r\n" == link.received(link.server, 18)


def test_rest_of_a_stream_comes_when_the_server_closes(links: list[Link]) -> None:
    link = opened(links, NetworkPath(buffer_bytes=500))
    link.server.sendall(HEAD + CHUNK)
    link.server.shutdown(socket.SHUT_WR)

    assert HEAD + CHUNK == link.received(link.client, 1000)


def test_rest_of_a_stream_comes_when_the_path_loses_its_buffer(links: list[Link]) -> None:
    link = opened(links, NetworkPath(buffer_bytes=500))
    link.server.sendall(HEAD)
    assert b"" == link.received(link.client, 1, 0.1)
    link.proxy.path = NetworkPath()

    assert HEAD == link.received(link.client, len(HEAD))


def test_each_connection_has_the_bandwidth_in_each_direction(links: list[Link]) -> None:
    """3,000 bytes each way at 80 kbit/s take 0.3 s."""
    link, begun = opened(links, NetworkPath(bandwidth_bits_per_second=80_000)), time.monotonic()
    link.server.sendall(bytes(3000))
    link.client.sendall(bytes(3000))
    first = link.received(link.client, 1)
    early = time.monotonic() - begun
    assert 3000 == len(first + link.received(link.client, 2999))
    assert 3000 == len(link.received(link.server, 3000))

    assert 8 * 1448 / 80_000 <= early
    assert 0.3 <= time.monotonic() - begun


def test_connection_without_a_byte_is_closed_in_order_at_both_ends(links: list[Link]) -> None:
    begun = time.monotonic()
    link = opened(links, NetworkPath(idle_timeout_seconds=IDLE_SECONDS))

    assert (b"", b"") == (link.received(link.client, 1), link.received(link.server, 1)), "an end, and no reset"
    assert IDLE_SECONDS <= time.monotonic() - begun < PATIENCE_SECONDS
    assert not link.proxy._open


def is_kept_open(link: Link, seconds: float) -> bool:
    """Send bytes both ways for a time, and return whether they arrived."""
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        for source, target in ((link.client, link.server), (link.server, link.client)):
            try:
                source.sendall(b"x")
            except OSError:
                return False
            if link.received(target, 1) != b"x":
                return False
    return True


def test_byte_in_either_direction_keeps_a_connection(links: list[Link]) -> None:
    """A machine that stands still for longer than the timeout gets another try."""
    tries = (opened(links, NetworkPath(idle_timeout_seconds=IDLE_SECONDS)) for _ in range(TRIES))
    link = next(one for one in tries if is_kept_open(one, 2 * IDLE_SECONDS))
    last = time.monotonic()

    assert b"" == link.received(link.client, 1)
    assert time.monotonic() - last >= IDLE_SECONDS - 0.05


def test_what_a_buffer_holds_comes_before_an_idle_connection_is_closed(links: list[Link]) -> None:
    link = opened(links, NetworkPath(buffer_bytes=500, idle_timeout_seconds=IDLE_SECONDS))
    link.server.sendall(HEAD)

    assert HEAD == link.received(link.client, 1000)


def test_timeout_that_comes_later_holds_for_connections_that_are_open(links: list[Link]) -> None:
    link = opened(links, NetworkPath(0.01))
    link.proxy.path = NetworkPath(idle_timeout_seconds=IDLE_SECONDS)

    assert b"" == link.received(link.client, 1)


def test_late_is_only_what_comes_later_than_the_path_demands(links: list[Link]) -> None:
    link = opened(links, NetworkPath(jitter_seconds=0.05, bandwidth_bits_per_second=80_000))
    for _ in range(TRIES):
        link.server.sendall(bytes(1000))
        assert 1000 == len(link.received(link.client, 1000))
        late = link.proxy.report().late
        if late.max_ns is not None and late.max_ns < 50_000_000:
            return
    pytest.fail("everything was late, although the machine only has to turn the proxy")


TRIES = 10


def test_running_link_refuses_what_it_cannot_change() -> None:
    refuse_all_but_a_link(NetworkPath(0.1, 0.1, 1e6, 4096, 5.0))
    with pytest.raises(BadInput, match="proxy cannot be changed while it runs: change delay_seconds, jitter_seconds"):
        refuse_all_but_a_link(NetworkPath(proxy="nginx"))
    with pytest.raises(BadInput, match="loss cannot be changed"):
        refuse_all_but_a_link(NetworkPath(loss=0.1))


def test_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"the link cannot listen on port {port} or 0: Address already in use"):
            main(f"127.0.0.1:{port}", "0", "127.0.0.1:1", "{}", "1")
