"""Requests over HTTP/2, against a server that does what the test wants."""

import pytest

from loadtests.http2_client import Http2Client
from loadtests.http2_pool import Seat
from loadtests.http2_state import CONNECTION_WINDOW_BYTES
from tests.loadtests.http2_server import CURSOR, Exchange, StartHttp2, echo, pool_of
from wirerace.errors import Refused

pytestmark = pytest.mark.usefixtures("in_time")


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


@pytest.mark.long
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
