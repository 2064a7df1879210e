"""Servers that speak no HTTP/2, break it, or go: what clients say of them, and what they do next."""

import gevent
import pytest
from gevent.event import Event
from h2.errors import ErrorCodes

from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat, SharedConnections
from loadtests.stream import LineMessages
from tests.loadtests.http2_server import Exchange, StartHttp2, echo, pool_of, streams, wait_for
from tests.loadtests.script import Serve
from wirerace.errors import BadAnswer, ConnectionLost

pytestmark = pytest.mark.usefixtures("in_time")


def test_stream_that_the_server_refuses_is_asked_for_again(http2: StartHttp2) -> None:
    """Before its SETTINGS have come, a client does not know the server's limit."""

    def answer(exchange: Exchange) -> None:
        if len(server.requests) < 3:
            exchange.reset(ErrorCodes.REFUSED_STREAM)
        else:
            echo(exchange)

    server = http2(answer)
    client = Http2Client(Seat(pool_of(server)))
    assert client.get("/poll").body == b"/poll"
    assert client.repeats == 2

    server.requests.clear()
    server.answer = lambda exchange: exchange.reset(ErrorCodes.REFUSED_STREAM)
    with pytest.raises(ConnectionLost, match="the server refused the stream"):
        client.get("/poll")


def test_stream_that_the_server_resets_is_lost_alone(http2: StartHttp2) -> None:
    server = http2(
        lambda exchange: exchange.reset(ErrorCodes.INTERNAL_ERROR) if "bad" in exchange.path else echo(exchange)
    )
    pool = pool_of(server)
    with pytest.raises(ConnectionLost, match=r"^the server reset the stream: INTERNAL_ERROR$"):
        Http2Client(Seat(pool)).get("/bad")
    assert Http2Client(Seat(pool)).get("/good").body == b"/good"


@pytest.mark.long
def test_server_that_goes_ends_what_it_has_taken_and_the_rest_is_sent_again_elsewhere(http2: StartHttp2) -> None:
    """nginx does so after 1,000 requests."""
    may_end = Event()

    def answer(exchange: Exchange) -> None:
        if len(server.peers) > 1:
            echo(exchange)
        elif exchange.stream_id == 3:
            exchange.peer.go(1)
        else:
            may_end.wait()
            exchange.answer(b"the last")

    server = http2(answer)
    pool = pool_of(server)
    first, second = Http2Client(Seat(pool)), Http2Client(Seat(pool))
    job = gevent.spawn(first.get, "/held")
    wait_for(lambda: server.requests)
    assert second.get("/poll").body == b"/poll"
    assert (second.repeats, len(server.peers)) == (1, 2)

    may_end.set()
    assert job.get().body == b"the last"
    assert first.repeats == 0
    peer = server.peers[0]
    wait_for(lambda: peer.socket.closed)
    assert first.get("/next").body == b"/next"
    assert len(server.peers) == 2


def test_reason_of_a_server_that_goes_is_told(http2: StartHttp2) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.peer.go(exchange.stream_id, ErrorCodes.ENHANCE_YOUR_CALM, b"too many pings")
        exchange.peer.socket.close()

    with pytest.raises(ConnectionLost, match="closed the connection: ENHANCE_YOUR_CALM: too many pings"):
        Http2Client(Seat(pool_of(http2(answer)))).get("/poll")


def test_ping_is_answered(http2: StartHttp2) -> None:
    server = http2(streams)
    client = Http2StreamingClient(Seat(pool_of(server)), "/stream", LineMessages())
    state = server.peers[0].state
    state.ping(b"are-you?")
    server.peers[0].flush()
    wait_for(lambda: server.peers[0].pongs == [b"are-you?"])
    client.close()


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "it answered 'HTTP/1.1 400 Bad Request'$"),
        (b"what?", r"it answered 'what\?'$"),
        (b"(close)", "it closed the connection without a word$"),
    ],
)
def test_server_that_speaks_no_http2_is_said_to(serve: Serve, said: bytes, line: str) -> None:
    script = serve(said)
    script.closes_after = {1}
    with pytest.raises(BadAnswer, match=r"^the server speaks no HTTP/2: " + line):
        Http2Client(Seat(SharedConnections(script.address, None, 1))).get("/poll")


def test_frame_that_breaks_the_protocol_ends_the_connection(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.peer.send_raw(b"\x00\x00\x01\x00\x00\x00\x00\x00\x01x"))
    with pytest.raises(ConnectionLost, match=r"^the server broke HTTP/2: "):
        Http2Client(Seat(pool_of(server))).get("/poll")


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (
            b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x88" + b"\x00\x00\x01\x00\x00\x00\x00\x00\x01x",
            "type 0 among headers",
        ),
        (b"\x00\x00\x00\x09\x04\x00\x00\x00\x01", "type 9 on stream 1"),
        (b"\x00\x00\x01\x01\x04\x00\x00\x00\x02\x88", "a stream 2 that nobody has opened"),
        (b"\x00\x00\x01\x00\x00\x00\x00\x00\x63x", "type 0 on stream 99"),
        (b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\xff", "."),
        (b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\xff\xff", "a window of 2 GiB or more"),
        (b"\x00\x00\x05\x04\x00\x00\x00\x00\x00xxxxx", "."),
    ],
)
def test_server_that_does_not_keep_to_the_protocol_is_left_with_the_reason(
    http2: StartHttp2, frames: bytes, line: str
) -> None:
    server = http2(lambda exchange: exchange.peer.send_raw(frames))
    with pytest.raises(ConnectionLost, match=rf"^the server broke HTTP/2: .*{line}"):
        Http2Client(Seat(pool_of(server))).get("/poll")


def test_answer_without_a_status_is_a_bad_answer_and_the_connection_stays(http2: StartHttp2) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.path == "/bad":
            exchange.peer.send_raw(b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x84")  # :path and nothing else
        else:
            echo(exchange)

    server = http2(answer)
    client = Http2Client(Seat(pool_of(server)))
    with pytest.raises(BadAnswer, match=r"^an answer without a status$"):
        client.get("/bad")
    assert client.get("/good").body == b"/good"
    assert len(server.peers) == 1


def test_body_of_another_length_than_announced_is_a_bad_answer(http2: StartHttp2) -> None:
    frames = b"\x00\x00\x05\x01\x04\x00\x00\x00\x01\x88\x0f\x0d\x01\x39"  # 200, and Content-Length: 9
    server = http2(lambda exchange: exchange.peer.send_raw(frames + b"\x00\x00\x01\x00\x01\x00\x00\x00\x01x"))
    with pytest.raises(BadAnswer, match=r"^a body of 1 bytes, and Content-Length is '9'$"):
        Http2Client(Seat(pool_of(server))).get("/poll")


def test_idle_connection_that_the_server_closes_is_opened_again(http2: StartHttp2) -> None:
    server = http2(echo)
    client = Http2Client(Seat(pool_of(server)), repeats_lost=True)
    client.get("/poll")
    server.peers[0].socket.close()
    gevent.sleep(0)
    client.get("/poll")
    assert (client.connects, len(server.peers)) == (2, 2)
