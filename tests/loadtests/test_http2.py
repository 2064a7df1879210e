"""Clients on shared HTTP/2 connections, against a server that does what the test wants."""

import gevent
import pytest
from gevent.event import Event
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from loadtests.connection import ClosedHere, Stamp
from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat, SharedConnections
from loadtests.http2_state import CONNECTION_WINDOW_BYTES
from loadtests.stream import LineMessages
from tests.loadtests.http2_server import CURSOR, Exchange, StartHttp2, pool_of, wait_for
from tests.loadtests.script import Serve
from wirerace.errors import BadAnswer, ConnectionLost, Refused

LINES = ("content-type", "application/x-ndjson")
pytestmark = pytest.mark.usefixtures("in_time")


def echo(exchange: Exchange) -> None:
    exchange.is_whole.wait()
    exchange.answer(exchange.path.encode() + exchange.body)


def streams(exchange: Exchange) -> None:
    """Begin an answer without end."""
    exchange.head(200, CURSOR, LINES)
    exchange.hold()


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


def test_request_has_the_headers_it_was_given(http2: StartHttp2) -> None:
    server = http2(echo)
    client = Http2Client(Seat(pool_of(server)), extra_header_bytes=5000)
    client.get("/poll", 'If-None-Match: "e-1"\r\n')
    headers = server.requests[0].headers

    assert ("GET", "http", "/poll", str(server.address)) == tuple(
        headers[name] for name in (":method", ":scheme", ":path", ":authority")
    )
    assert headers["if-none-match"] == '"e-1"'
    assert "filler" in headers


def test_posted_body_arrives_whole(http2: StartHttp2) -> None:
    client = Http2Client(Seat(pool_of(http2(echo))))
    response = client.post("/send", b"{}")
    assert response.body == b"/send{}"
    assert client.out_bytes > 9 + 9 + 2
    assert client.in_bytes > 9 + 9 + len(response.body)


def test_body_beyond_the_windows_of_the_server_is_sent_as_they_open(http2: StartHttp2) -> None:
    """The server's are 65,535 bytes."""
    body = b"x" * 300_000
    assert Http2Client(Seat(pool_of(http2(echo)))).post("/send", body).body == b"/send" + body


@pytest.mark.parametrize("is_announced", [True, False])
def test_answer_beyond_the_window_of_the_connection_comes_whole(http2: StartHttp2, *, is_announced: bool) -> None:
    body = bytes(CONNECTION_WINDOW_BYTES + 1_000_000)

    def answer(exchange: Exchange) -> None:
        if is_announced:
            exchange.answer(body)
        else:
            exchange.head(200, CURSOR)
            exchange.data(body, end=True, pad=3)

    assert len(body) == len(Http2Client(Seat(pool_of(http2(answer)))).get("/poll").body)


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


def test_no_content_and_not_modified_are_answers(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.head(int(exchange.path[1:]), CURSOR, end=True))
    client = Http2Client(Seat(pool_of(server)))
    for status in (204, 304):
        answer = client.get(f"/{status}")
        assert (status, "e-7", b"") == answer[:3]


def test_refusal_carries_what_the_server_said_and_the_connection_stays(http2: StartHttp2) -> None:
    server = http2(lambda exchange: exchange.answer(b"why\n", status=400))
    client = Http2Client(Seat(pool_of(server)))
    for _ in range(2):
        with pytest.raises(Refused, match=r"^400: why$") as caught:
            client.get("/poll")
        assert caught.value.status == 400
    assert len(server.peers) == 1


@pytest.mark.parametrize("settings", [{}, {SettingCodes.MAX_CONCURRENT_STREAMS: 2}], ids=["no limit", "a limit of 2"])
def test_streams_beyond_the_servers_limit_open_another_connection(
    http2: StartHttp2, settings: dict[SettingCodes, int]
) -> None:
    server = http2(streams, settings=settings)
    pool = pool_of(server, 5)
    clients = [Http2StreamingClient(Seat(pool), "/stream", LineMessages()) for _ in range(5)]

    assert len(server.peers) == (3 if settings else 1)
    assert sum(client.connects for client in clients) == len(server.peers)


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


def test_close_wakes_what_waits_on_the_stream(http2: StartHttp2) -> None:
    client = Http2StreamingClient(Seat(pool_of(http2(streams))), "/stream", LineMessages())
    job = gevent.spawn(client.receive)
    gevent.sleep(0)
    client.close()
    with pytest.raises(ClosedHere):
        job.get()


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


def test_idle_connection_that_the_server_closes_is_opened_again(http2: StartHttp2) -> None:
    server = http2(echo)
    client = Http2Client(Seat(pool_of(server)), repeats_lost=True)
    client.get("/poll")
    server.peers[0].socket.close()
    gevent.sleep(0)
    client.get("/poll")
    assert (client.connects, len(server.peers)) == (2, 2)


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
