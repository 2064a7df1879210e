"""Answers without end on shared connections, and how exact their arrival is."""

import gevent
import pytest

from loadtests.connection import ClosedHere, Stamp
from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat
from loadtests.stream import LineMessages
from tests.loadtests.http2_server import CURSOR, LINES, Exchange, StartHttp2, pool_of, streams, wait_for
from wirerace.errors import ConnectionLost, Refused

pytestmark = pytest.mark.usefixtures("in_time")


@pytest.mark.long
def test_stream_that_nobody_reads_stalls_no_other(http2: StartHttp2) -> None:
    """Its own window fills. That of the connection is credited for what has come, read or not."""
    line = b"x" * 999_999 + b"\n"

    def answer(exchange: Exchange) -> None:
        if exchange.path == "/poll":
            exchange.answer(b"here")
            return
        exchange.head(200, CURSOR, LINES)
        for _ in range(20):
            exchange.data(line)

    server = http2(answer)
    pool = pool_of(server)
    lazy = [Http2StreamingClient(Seat(pool), "/stream", LineMessages()) for _ in range(3)]
    wait_for(lambda: server.peers[0].stalls >= 3)
    assert Http2Client(Seat(pool)).get("/poll").body == b"here"

    got = 0
    while got < 20:  # the one that reads is sent the rest
        got += len(lazy[0].receive())
    assert got == 20
    assert len(server.peers) == 1


def test_close_wakes_what_waits_on_the_stream(http2: StartHttp2) -> None:
    client = Http2StreamingClient(Seat(pool_of(http2(streams))), "/stream", LineMessages())
    job = gevent.spawn(client.receive)
    gevent.sleep(0)
    client.close()
    with pytest.raises(ClosedHere):
        job.get()


def test_delivery_with_something_behind_it_in_the_read_may_have_come_earlier(http2: StartHttp2) -> None:
    """The kernel stamps the last segment of a read, whichever stream it is for."""
    server = http2(streams)
    pool = pool_of(server)
    clients = [Http2StreamingClient(Seat(pool), "/stream", LineMessages()) for _ in range(3)]
    taken: list[tuple[int, bool]] = []

    def listen(number: int) -> None:
        def take(_messages: list[bytes], stamp: Stamp) -> bool:
            taken.append((number, stamp.is_bound))
            return True

        clients[number].receive(take)

    jobs = [gevent.spawn(listen, number) for number in range(3)]
    gevent.sleep(0)
    frames = [b"\x00\x00\x06\x00\x00\x00\x00\x00" + bytes([2 * number + 1]) + b"hello\n" for number in range(3)]
    server.peers[0].send_raw(b"".join(frames))
    wait_for(lambda: len(taken) == 3)
    assert [(0, True), (1, True), (2, False)] == taken
    gevent.killall(jobs)


def test_answers_of_one_read_are_bounds_but_the_last_and_what_answers_them_leaves_together(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.hold())
    pool = pool_of(server)
    clients = [Http2Client(Seat(pool)) for _ in range(3)]
    jobs = [gevent.spawn(lambda client: [client.get("/poll"), client.get("/next")], client) for client in clients]
    for _ in range(2):
        wait_for(lambda: len(server.requests) == 3)
        state = server.peers[0].state
        for exchange in server.requests:
            state.send_headers(exchange.stream_id, [(":status", "204"), CURSOR], end_stream=True)
        server.requests.clear()
        server.peers[0].flush()
    answers = [job.get() for job in jobs]

    assert [True, True, False] == [first.stamp.is_bound for first, _ in answers]
    assert len({client.sent_ns for client in clients}) == 1
    assert clients[0].sent_ns >= answers[2][0].stamp.read_ns


def test_line_in_two_frames_is_one_message(http2: StartHttp2) -> None:
    server = http2(streams)
    client = Http2StreamingClient(Seat(pool_of(server)), "/stream", LineMessages())
    server.requests[0].data(b'{"a":')
    server.requests[0].data(b"1}\nx")
    assert client.receive() == [b'{"a":1}']
    assert client.is_cut


def test_answer_without_end_that_ends_is_lost_after_its_last_message(http2: StartHttp2) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head(200, CURSOR, LINES)
        exchange.data(b"last\n", end=True)

    client = Http2StreamingClient(Seat(pool_of(http2(answer))), "/stream", LineMessages())
    assert client.receive() == [b"last"]
    with pytest.raises(ConnectionLost, match="the server ended the answer"):
        client.receive()


def test_refused_subscription_leaves_the_connection_to_the_others(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.answer(b"no", status=503) if "bad" in exchange.path else streams(exchange))
    pool = pool_of(server)
    kept = Http2StreamingClient(Seat(pool), "/stream", LineMessages())
    with pytest.raises(Refused, match=r"^503: no$"):
        Http2StreamingClient(Seat(pool), "/bad", LineMessages())
    server.requests[0].data(b"hello\n")
    assert kept.receive() == [b"hello"]
    assert len(server.peers) == 1
