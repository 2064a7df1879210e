"""Who shares a connection: seats, the server's limit, leaving, cuts, and coming back."""

import gevent
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from loadtests.connection import ClosedHere
from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat
from loadtests.stream import LineMessages
from tests.loadtests.http2_server import StartHttp2, echo, pool_of, streams, wait_for
from wirerace.errors import ConnectionLost

pytestmark = pytest.mark.usefixtures("in_time")


def test_requests_of_several_clients_share_a_connection(http2: StartHttp2) -> None:
    server = http2(echo)
    pool = pool_of(server, 3)
    clients = [Http2Client(Seat(pool)) for _ in range(5)]
    jobs = [gevent.spawn(client.get, f"/poll?n={n}") for n, client in enumerate(clients)]
    answers = [job.get() for job in jobs]

    assert [f"/poll?n={n}".encode() for n in range(5)] == [answer.body for answer in answers]
    assert {"e-7"} == {answer.cursor for answer in answers}
    assert len(server.peers) == 2
    assert [1, 0, 0, 1, 0] == [client.connects for client in clients]
    assert [True, False, False, True, False] == [client.opened_ns > 0 for client in clients]
    assert all(answer.stamp.read_ns >= answer.stamp.arrival_ns > 0 for answer in answers)


@pytest.mark.parametrize("settings", [{}, {SettingCodes.MAX_CONCURRENT_STREAMS: 2}], ids=["no limit", "a limit of 2"])
def test_streams_beyond_the_servers_limit_open_another_connection(
    http2: StartHttp2, settings: dict[SettingCodes, int]
) -> None:
    server = http2(streams, settings=settings)
    pool = pool_of(server, 5)
    clients = [Http2StreamingClient(Seat(pool), "/stream", LineMessages()) for _ in range(5)]

    assert len(server.peers) == (3 if settings else 1)
    assert sum(client.connects for client in clients) == len(server.peers)


def test_client_that_leaves_resets_its_stream_and_the_connection_stays(http2: StartHttp2) -> None:
    server = http2(streams)
    pool = pool_of(server)
    seats = [Seat(pool) for _ in range(2)]
    first, second = (Http2StreamingClient(seat, "/stream", LineMessages()) for seat in seats)
    first.close()
    server.requests[0].is_reset.wait()
    assert server.requests[0].reset_by == ErrorCodes.CANCEL

    server.requests[0].peer.send_raw(b"\x00\x00\x02\x00\x00\x00\x00\x00\x01x\n")  # on its way meanwhile
    server.requests[1].data(b"hello\n")
    assert second.receive() == [b"hello"]

    peer = server.peers[0]
    seats[0].leave()
    seats[1].leave()
    second.close()
    wait_for(lambda: peer.socket.closed)  # nobody needs it any more


def test_client_that_comes_back_finds_its_connection_open(http2: StartHttp2) -> None:
    """Nobody else has kept it: a server behind a reverse proxy has ended its stream."""
    server = http2(streams)
    seat = Seat(pool_of(server))
    for connects in (1, 0):
        client = Http2StreamingClient(seat, "/stream", LineMessages())
        assert client.connects == connects
        server.requests[-1].reset(ErrorCodes.INTERNAL_ERROR)
        with pytest.raises(ConnectionLost):
            client.receive()
        client.close()
    assert len(server.peers) == 1


def test_seat_that_is_severed_cuts_the_connection_of_all(http2: StartHttp2) -> None:
    server = http2(streams)
    pool = pool_of(server)
    seats = [Seat(pool) for _ in range(3)]
    jobs = [gevent.spawn(Http2StreamingClient(seat, "/stream", LineMessages()).receive) for seat in seats]
    gevent.sleep(0)
    seats[1].sever()
    for job in jobs:
        with pytest.raises(ClosedHere):
            job.get()
    assert not any(seat.is_open for seat in seats)


def test_clients_of_a_connection_that_cannot_be_opened_do_not_storm(http2: StartHttp2) -> None:
    """They wait for the same attempt, and the next one comes after a pause."""
    server = http2(echo)
    pool = pool_of(server, 50)
    server.stop()
    shared = pool.seat_on([])
    pool.leave(shared)
    jobs = [gevent.spawn(Http2Client(Seat(pool)).get, "/poll") for _ in range(50)]
    gevent.joinall(jobs)

    assert all(isinstance(job.exception, ConnectionRefusedError) for job in jobs)
    assert shared.failures == 1
