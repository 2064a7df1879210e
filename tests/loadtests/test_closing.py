"""A connection that is closed while something waits on it: the kernel would never wake what waits."""

import contextlib
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent import socket

from loadtests.connection import Address, ClosedHere, StampedConnection
from loadtests.http import HttpClient
from loadtests.longpolling import LongPollingUser
from loadtests.polling import PollingUser
from tests.loadtests.messaged import MessageServer
from tests.loadtests.script import Serve
from tests.loadtests.swarm import Start, Swarm, answer

MB = 1_000_000
PATIENCE_SECONDS = 60.0
LIE_AT = 3
WAITS: list[Callable[[StampedConnection], object]] = [StampedConnection.receive, lambda one: one.send(bytes(50 * MB))]


@pytest.fixture
def silent() -> Iterator[Address]:
    """A server whose kernel takes connections, and that neither reads nor sends."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield Address(*listening.getsockname())


def waiting_on(call: Callable[[], object]) -> gevent.Greenlet:
    """Return a greenlet that waits in a call, and returns what that raises."""

    def wait() -> Exception | None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            return error
        return None

    waits = gevent.spawn(wait)
    gevent.sleep(0.05)
    assert not waits.ready()
    return waits


@pytest.mark.parametrize("wait", WAITS)
def test_what_waits_on_a_connection_learns_that_it_is_closed(
    silent: Address, wait: Callable[[StampedConnection], object]
) -> None:
    connection = StampedConnection(silent)
    waits = waiting_on(lambda: wait(connection))
    connection.close()

    assert isinstance(waits.get(timeout=PATIENCE_SECONDS), ClosedHere)


@pytest.mark.long
def test_what_was_woken_meanwhile_is_not_woken_again(silent: Address) -> None:
    """A cut raises in the client that waits, and closes its connection; it has gone on when the waking comes."""
    connection = StampedConnection(silent)

    def client() -> None:
        with contextlib.suppress(KeyError):
            connection.receive()
        gevent.sleep(0.1)

    waits = waiting_on(client)
    gevent.get_hub().loop.run_callback(waits.throw, KeyError("cut"))
    connection.close()

    assert waits.get(timeout=PATIENCE_SECONDS) is None


def test_request_whose_connection_this_side_has_closed_is_not_repeated(serve: Serve) -> None:
    """Another user of the client has closed it, and decides when it connects again."""
    script = serve(answer(cursor=3), b"")
    client = HttpClient(script.address, repeats_lost=True)
    client.get("/poll")
    waits = waiting_on(lambda: client.get("/poll"))
    client.close()

    assert isinstance(waits.get(timeout=PATIENCE_SECONDS), ClosedHere)
    assert (1, 0, 1) == (script.connections, client.repeats, client.connects)


@pytest.mark.long
def test_poller_that_is_cut_while_it_sends_on_its_connection_polls_and_sends_again() -> None:
    """The server does not answer the message, so the sender waits on the connection that is cut."""
    server = MessageServer(lambda n: "silent" if n == LIE_AT else "honest")
    swarm = Swarm(PollingUser, server.address, "--upstream-rate-per-second=100", "--polling-interval-seconds=3600")
    try:
        swarm.wait_for(lambda: server.came[LIE_AT] == 1)
        assert 1 == swarm.load.cut(0.0)
        swarm.wait_for(lambda: server.came[LIE_AT] == 2 and server.came[LIE_AT + 1] == 1)
        swarm.wait_for(lambda: sum(head.startswith(b"GET ") for head in server.heads) == 2)
        assert [] == swarm.failures()
    finally:
        swarm.close()
        server.stop()


def test_long_poll_that_is_cut_raises_nothing_but_the_cut(serve: Serve, start: Start) -> None:
    script = serve(answer(cursor=3), b"")
    swarm = start(LongPollingUser, script)
    swarm.wait_for(lambda: len(script.requests) == 2)
    script.add(b"")
    swarm.load.cut(0.0)
    swarm.wait_for(lambda: len(script.requests) == 3)
    swarm.load.statistics.flush()

    assert [] == swarm.failures()
