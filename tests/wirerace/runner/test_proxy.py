"""The proxy of a link, on real sockets: what goes in comes out, a delay later, and in order."""

import contextlib
import hashlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from wirerace.experiment.paths import NetworkPath
from wirerace.runner.network.proxy import MOST_BYTES_ON_THE_WAY, Proxy

pytestmark = pytest.mark.long

DELAY_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
TRIES = 5
"""The number of tries. No byte comes too soon. On a busy machine many come late, but not in every try."""

Through = Callable[[], tuple[socket.socket, socket.socket]]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        yield listener


@pytest.fixture
def port(server: socket.socket) -> Iterator[int]:
    with running(server.getsockname()) as found:
        yield found


@pytest.fixture
def through(server: socket.socket, port: int) -> Iterator[Through]:
    """Connect through the proxy; return the client's end and the server's."""
    with contextlib.ExitStack() as opened:

        def connect() -> tuple[socket.socket, socket.socket]:
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS))
            accepted = opened.enter_context(server.accept()[0])
            accepted.settimeout(PATIENCE_SECONDS)
            return client, accepted

        yield connect


@contextlib.contextmanager
def running(server: tuple[str, int]) -> Iterator[int]:
    proxy, ending = Proxy(0, server, NetworkPath(DELAY_SECONDS)), threading.Event()

    def turn() -> None:
        while not ending.is_set():
            proxy.turn(0.01)

    thread = threading.Thread(target=turn)
    thread.start()
    yield proxy.port
    ending.set()
    thread.join()
    proxy.close()


def received(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := stream.recv(min(size - len(data), 65_536))):
        data += part
    return data


def until_blocked(stream: socket.socket) -> Iterator[int]:
    """Yield the bytes that each send accepted, until one accepts none."""
    with contextlib.suppress(TimeoutError):
        while True:
            yield stream.send(bytes(65_536))


def seconds_until(stream: socket.socket, expected: bytes, since: float) -> float:
    assert expected == received(stream, len(expected))
    return time.monotonic() - since


def test_each_direction_takes_the_delay_and_the_first_bytes_a_handshake_more(through: Through) -> None:
    first: list[float] = []
    there: list[float] = []
    back: list[float] = []
    for _ in range(TRIES):
        begun = time.monotonic()
        client, accepted = through()
        client.sendall(b"first")
        first.append(seconds_until(accepted, b"first", begun))
        for source, target, took in ((client, accepted, there), (accepted, client, back)):
            begun = time.monotonic()
            source.sendall(b"later")
            took.append(seconds_until(target, b"later", begun))
    assert 3 * DELAY_SECONDS <= min(first) < 4 * DELAY_SECONDS
    assert DELAY_SECONDS <= min(there) < 2 * DELAY_SECONDS
    assert DELAY_SECONDS <= min(back) < 2 * DELAY_SECONDS


def test_what_is_sent_in_parts_comes_in_order_and_a_delay_after_each(through: Through) -> None:
    client, accepted = through()
    sent = []
    for number in range(20):
        sent.append(time.monotonic())
        accepted.sendall(b"%02d" % number)
        time.sleep(0.01)
    for number, at in enumerate(sent):
        assert DELAY_SECONDS <= seconds_until(client, b"%02d" % number, at)


def test_big_transfers_both_ways_at_once_come_whole(through: Through) -> None:
    client, accepted = through()
    content = os.urandom(4 * MOST_BYTES_ON_THE_WAY)
    senders = [threading.Thread(target=end.sendall, args=(content,)) for end in (client, accepted)]
    found: list[bytes] = []
    receivers = [
        threading.Thread(target=lambda end=end: found.append(received(end, len(content)))) for end in (client, accepted)
    ]
    for thread in (*senders, *receivers):
        thread.start()
    for thread in (*senders, *receivers):
        thread.join(PATIENCE_SECONDS)
    digest = hashlib.sha256(content).digest()
    assert [digest, digest] == [hashlib.sha256(data).digest() for data in found]


def test_reader_that_does_not_read_stops_the_sender(through: Through) -> None:
    client, accepted = through()
    client.settimeout(4 * DELAY_SECONDS + 0.2)
    sent = sum(until_blocked(client))
    kernels = sum(
        end.getsockopt(socket.SOL_SOCKET, option)
        for end in (client, accepted)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF)
    )
    assert sent < MOST_BYTES_ON_THE_WAY + 4 * kernels + 12 * 1024 * 1024, "the kernel's own buffers may grow to 6 MiB"
    assert sent == len(received(accepted, sent))


def test_half_close_is_forwarded_after_what_was_sent_before_it(through: Through) -> None:
    client, accepted = through()
    client.sendall(b"request")
    client.shutdown(socket.SHUT_WR)
    assert b"request" == received(accepted, 100)
    accepted.sendall(b"answer")
    accepted.close()
    assert b"answer" == received(client, 100)


def test_reset_is_forwarded_a_delay_later(through: Through) -> None:
    client, accepted = through()
    client.sendall(b"x")
    assert b"x" == received(accepted, 1)
    begun = time.monotonic()
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert DELAY_SECONDS <= time.monotonic() - begun


def test_server_that_is_not_there_resets_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with (
        running(address) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client,
        pytest.raises(ConnectionResetError),
    ):
        client.recv(1)


def test_many_connections_are_kept_apart(through: Through) -> None:
    pairs = [through() for _ in range(200)]
    for number, (client, _) in enumerate(pairs):
        client.sendall(b"%04d" % number)
    for number, (_, accepted) in enumerate(pairs):
        assert b"%04d" % number == received(accepted, 4)
        accepted.sendall(b"%04d!" % number)
    for number, (client, _) in enumerate(pairs):
        assert b"%04d!" % number == received(client, 5)
