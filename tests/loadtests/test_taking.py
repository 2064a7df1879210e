"""What a client takes in the hub is not returned, and the wait goes on. Errors are raised where the client waits."""

import contextlib
import gc
import socket as blocking
import weakref
from collections.abc import Iterator
from unittest.mock import Mock

import gevent
import pytest
from gevent import get_hub, getcurrent, socket

from loadtests.connection import Address, StampedConnection
from loadtests.streaming import StreamingClient
from wirerace.errors import ConnectionLost

PATIENCE_SECONDS = 30.0
NOTHING: dict[str, bool] = {}
Errors = type[Exception] | tuple[type[Exception], ...]


@pytest.fixture
def pair() -> Iterator[tuple[StampedConnection, blocking.socket]]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        client = StampedConnection(Address("127.0.0.1", listener.getsockname()[1]))
        server, _ = listener.accept()
    yield client, server
    client.close()
    server.close()


@pytest.mark.long
def test_what_is_taken_is_not_returned_and_the_wait_goes_on(pair: tuple[StampedConnection, blocking.socket]) -> None:
    client, server = pair
    taken: list[tuple[bytes, bool]] = []

    def take(data: bytes) -> bool:
        taken.append((data, getcurrent() is get_hub()))
        return data != b"enough"

    waits = gevent.spawn(client.receive, take)
    for said in (b"one", b"two", b"enough"):
        server.sendall(said)
        gevent.sleep(0.05)

    assert b"enough" == waits.get(timeout=PATIENCE_SECONDS)
    assert [(b"one", True), (b"two", True), (b"enough", True)] == taken


def test_what_taking_raises_is_raised_where_the_client_waits(pair: tuple[StampedConnection, blocking.socket]) -> None:
    client, server = pair
    server.sendall(b"nonsense")

    with pytest.raises(KeyError, match="nonsense"):
        client.receive(lambda data: NOTHING[data.decode()])


@pytest.mark.parametrize(
    ("end", "error"), [(blocking.SHUT_WR, ConnectionLost), (None, (ConnectionLost, ConnectionResetError))]
)
def test_end_of_the_connection_is_raised_and_not_taken(
    pair: tuple[StampedConnection, blocking.socket],
    end: int | None,
    error: Errors,
) -> None:
    client, server = pair
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        return True

    waits = gevent.spawn(client.receive, take)
    server.sendall(b"last")
    gevent.sleep(0.05)
    if end is None:
        server.setsockopt(blocking.SOL_SOCKET, blocking.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()
    else:
        server.shutdown(end)

    with pytest.raises(error):
        waits.get(timeout=PATIENCE_SECONDS)
    assert [b"last"] == taken


def test_client_that_is_woken_by_something_else_waits_on(pair: tuple[StampedConnection, blocking.socket]) -> None:
    client, server = pair
    waits = gevent.spawn(client.receive)
    gevent.sleep(0)
    get_hub().loop.run_callback(waits.switch)
    gevent.sleep(0.05)
    assert not waits.ready()

    server.sendall(b"this")
    assert b"this" == waits.get(timeout=PATIENCE_SECONDS)


def test_connection_that_is_closed_keeps_nothing_of_its_client(pair: tuple[StampedConnection, blocking.socket]) -> None:
    """The collector of a load process looks rarely: a circle of objects would stay for the whole window."""
    client, server = pair

    class Taker:
        def take(self, data: bytes) -> bool:  # noqa: ARG002 -- as BytesTaker
            return True

    taker = Taker()
    left = weakref.ref(taker)
    waits = gevent.spawn(client.receive, taker.take)
    server.sendall(b"taken")
    gevent.sleep(0.05)
    server.close()
    with pytest.raises(ConnectionLost):
        waits.get(timeout=PATIENCE_SECONDS)
    del waits, taker

    gc.disable()
    try:
        assert left() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("known", "is_taken", "calls"), [(None, False, 0), ([], True, 0), ([b"one"], True, 1)])
def test_heartbeat_is_dropped_and_is_no_reading(known: list[bytes] | None, is_taken: bool, calls: int) -> None:
    client = StreamingClient.__new__(StreamingClient)
    took: list[object] = []

    def take(*messages: object) -> bool:
        took.append(messages)
        return True

    client._body = Mock(known=lambda _: known)
    client._connection = Mock()
    client._take = take

    assert is_taken is client._take_known(b"bytes")
    assert calls == len(took)
