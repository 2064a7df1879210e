"""When bytes arrived: the kernel's stamp, however late they are read. Server and client are one thread here."""

import socket
import time
from collections.abc import Iterator

import pytest

from loadtests import connection as connections
from loadtests.connection import Address, StampedConnection

BUSY_SECONDS = 0.2
pytestmark = pytest.mark.skipif(connections.SO_TIMESTAMPNS is None, reason="only Linux stamps what arrives")


@pytest.fixture
def pair() -> Iterator[tuple[StampedConnection, socket.socket]]:
    """Yield a client that has received something before, and its server's end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = StampedConnection(Address("127.0.0.1", listener.getsockname()[1]))
        server, _ = listener.accept()
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with server:
            while not client.stamp.by_kernel:  # the kernel begins to stamp soon after the first socket asks for it
                server.send(b"no stamp yet")
                client.receive()
            yield client, server
            client.close()


def keep_busy() -> int:
    """Keep this process from reading, and return the time of the end."""
    time.sleep(BUSY_SECONDS)
    return time.time_ns()


@pytest.mark.long
def test_arrival_is_when_the_kernel_received_and_not_when_a_busy_process_read(
    pair: tuple[StampedConnection, socket.socket],
) -> None:
    client, server = pair
    before_ns = time.time_ns()
    server.send(b"update")
    after_ns = time.time_ns()
    read_ns = keep_busy()

    assert b"update" == client.receive()
    assert client.stamp.by_kernel
    assert before_ns <= client.stamp.arrival_ns <= after_ns
    assert client.stamp.read_ns >= read_ns, "reader lag is the difference"


@pytest.mark.long
def test_segments_that_wait_together_have_the_stamp_of_the_last(pair: tuple[StampedConnection, socket.socket]) -> None:
    """So it is an upper bound for all but the last."""
    client, server = pair
    server.send(b"old ")
    time.sleep(0.01)  # what tells the stamps apart
    before_ns = time.time_ns()
    server.send(b"update")
    keep_busy()

    assert b"old update" == client.receive()
    assert client.stamp.arrival_ns >= before_ns


def test_without_stamps_arrival_is_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SO_TIMESTAMPNS", None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = StampedConnection(Address("127.0.0.1", listener.getsockname()[1]))
        server, _ = listener.accept()
        with server:
            server.send(b"update")
            client.receive()
            client.close()

    assert not client.stamp.by_kernel
    assert client.stamp.arrival_ns == client.stamp.read_ns
