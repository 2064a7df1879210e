"""The lean HTTP client against a server that sends what the test wants, byte by byte."""

import pytest

from loadtests.connection import READ_BYTES, Address
from loadtests.http import LEAST_LINE_BYTES, MOST_ANSWER_BYTES, MOST_HEAD_BYTES, MOST_LINE_BYTES, HttpClient, filling
from tests.loadtests.script import CLOSE, Serve
from wirerace.errors import BadAnswer, BadInput, ConnectionLost, Refused

DATA = b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-7\r\nContent-Length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\nwirerace-cursor: e-7\r\n\r\n"


@pytest.mark.parametrize("piece_bytes", [0, 1, 7])
def test_answers_are_read_however_they_are_split(serve: Serve, piece_bytes: int) -> None:
    client = HttpClient(serve(DATA, EMPTY, piece_bytes=piece_bytes).address)
    first, second = client.get("/poll"), client.get("/poll?after=e-7")
    assert (first.status, first.cursor, first.body) == (200, "e-7", b"hello")
    assert (second.status, second.cursor, second.body) == (204, "e-7", b"")
    assert second.stamp.arrival_ns > first.stamp.arrival_ns > 1_700_000_000 * 10**9
    client.close()


def test_one_connection_serves_many_requests(serve: Serve) -> None:
    script = serve(DATA, EMPTY, DATA, DATA)
    client = HttpClient(script.address)
    for _ in range(4):
        client.get("/poll")
    assert (script.connections, client.connects) == (1, 1)
    client.close()


def test_connection_that_the_server_closes_is_opened_again(serve: Serve) -> None:
    script = serve(DATA.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), EMPTY)
    client = HttpClient(script.address)
    client.get("/poll")
    client.get("/poll")
    assert (script.connections, client.connects) == (2, 2)
    client.close()


def test_client_that_keeps_no_connection_says_so(serve: Serve) -> None:
    script = serve(EMPTY)
    client = HttpClient(script.address, keep_alive=False)
    client.get("/poll?after=e-1")
    assert script.requests[0].startswith(b"GET /poll?after=e-1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nConnection: close\r\n" in script.requests[0]
    client.close()


def test_refusal_carries_what_the_server_said(serve: Serve) -> None:
    client = HttpClient(serve(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nwhy\n").address)
    with pytest.raises(Refused, match=r"^400: why$"):
        client.get("/poll?after=x")
    client.close()


def test_answer_that_ends_too_early_is_a_lost_connection(serve: Serve) -> None:
    client = HttpClient(serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nclose").address)
    with pytest.raises(ConnectionLost, match=r"^the server closed the connection$"):
        client.get("/poll")
    client.close()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 3, "no HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "101: "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "no HTTP"),
        (DATA + DATA, "more than one answer"),
        (EMPTY + b"HTTP/1.1 2", "more than one answer"),
    ],
)
def test_answer_that_makes_no_sense_is_a_bad_answer_and_the_next_one_is_good(
    serve: Serve, answer: bytes, wrong: str
) -> None:
    script = serve(answer + b"", DATA)
    client = HttpClient(script.address)
    with pytest.raises(BadAnswer, match=wrong):
        client.get("/poll")

    assert not client.is_open
    assert b"hello" == client.get("/poll").body
    client.close()


@pytest.mark.parametrize(
    ("answer", "most_bytes"),
    [
        (b"HTTP/1.1 200 OK\r\n", MOST_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\nName: ", MOST_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", MOST_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", MOST_ANSWER_BYTES),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", MOST_ANSWER_BYTES),
    ],
)
def test_answer_without_an_end_is_not_read_for_ever(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: bytes, most_bytes: int
) -> None:
    monkeypatch.setattr("loadtests.http.MOST_ANSWER_BYTES", 2 * MOST_HEAD_BYTES)
    script = serve(answer + b"X-Filler: x\r\n" * (4 * MOST_HEAD_BYTES // 13))
    client = HttpClient(script.address)
    with pytest.raises(BadAnswer, match="no end of the answer after") as error:
        client.get("/poll")

    read_bytes = int(str(error.value).rpartition(" after ")[2].split()[0])
    assert min(most_bytes, 2 * MOST_HEAD_BYTES) < read_bytes <= 3 * MOST_HEAD_BYTES + READ_BYTES
    assert not client.is_open


def test_answer_may_follow_informational_ones(serve: Serve) -> None:
    client = HttpClient(serve(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + DATA).address)

    assert (200, b"hello") == (client.get("/poll").status, b"hello")
    client.close()


def test_server_that_is_not_there_is_an_os_error(serve: Serve) -> None:
    script = serve()
    script.stop()
    with pytest.raises(OSError, match="refused"):
        HttpClient(script.address).get("/poll")


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://host", "http://", "", "http://host:x", "http://host:99999"])
def test_url_without_a_server_is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="a host is a URL such as"):
        Address.parse(url)


def test_url_gives_host_and_port() -> None:
    assert Address("localhost", 8001) == Address.parse("http://localhost:8001/")
    assert Address("server", 80) == Address.parse("ws://server")


@pytest.mark.parametrize("size_bytes", [0, 1, 8, 9, 10, 871, 4096, 4097, 4104, 4105, 9000, 16_384])
def test_filling_takes_exactly_the_bytes_that_were_asked_for(size_bytes: int) -> None:
    lines = filling(size_bytes)
    assert len(lines) == (size_bytes if size_bytes >= LEAST_LINE_BYTES else 0)
    assert all(len(line) <= 2 * MOST_LINE_BYTES for line in lines.split("\r\n"))


def test_extra_header_bytes_are_in_every_request(serve: Serve) -> None:
    plain, filled = serve(EMPTY), serve(EMPTY)
    clients = HttpClient(plain.address), HttpClient(filled.address, extra_header_bytes=871)
    for client in clients:
        client.get("/poll")
        client.close()
    assert 871 == len(filled.requests[0]) - len(plain.requests[0])


def test_poll_on_a_connection_that_was_closed_while_idle_costs_nothing(serve: Serve) -> None:
    """Node's and uvicorn's servers close such connections after 5 s, and 7 of 17 polls failed."""
    script = serve(EMPTY, DATA)
    script.closes_after = {1}
    client = HttpClient(script.address, repeats_lost=True)
    assert 204 == client.get("/poll").status
    assert 200 == client.get("/poll").status
    assert (2, 1, 2) == (client.connects, client.repeats, script.connections)
    client.close()


def test_request_is_repeated_once_and_on_a_kept_connection_only(serve: Serve) -> None:
    script = serve(EMPTY, CLOSE, CLOSE, CLOSE)
    client = HttpClient(script.address, repeats_lost=True)
    client.get("/poll")
    with pytest.raises((ConnectionLost, OSError)):
        client.get("/poll")
    assert 1 == client.repeats
    client.close()
    with pytest.raises((ConnectionLost, OSError)):
        client.get("/poll")
    assert 1 == client.repeats
    client.close()


def test_request_that_may_have_been_held_is_not_repeated(serve: Serve) -> None:
    script = serve(EMPTY, CLOSE)
    client = HttpClient(script.address)
    client.get("/longpoll")
    with pytest.raises((ConnectionLost, OSError)):
        client.get("/longpoll")
    assert (0, 1) == (client.repeats, script.connections)
    client.close()


def test_body_may_end_with_the_connection(serve: Serve) -> None:
    """RFC 9112, section 6.3; `close` ends the script's connection."""
    head = b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-7\r\nConnection: close\r\n\r\n"
    script = serve(head + b"hello", EMPTY)
    client = HttpClient(script.address)
    assert b"hello" == client.get("/poll").body
    assert 204 == client.get("/poll").status
    client.close()


@pytest.mark.parametrize("status", ["100 Continue", "103 Early Hints"])
@pytest.mark.parametrize("piece_bytes", [0, 1])
def test_answer_may_follow_interim_ones(serve: Serve, status: str, piece_bytes: int) -> None:
    """RFC 9110, section 15.2: a client must be able to read them, even if it expects none."""
    interim = f"HTTP/1.1 {status}\r\nLink: x\r\n\r\n".encode()
    client = HttpClient(serve(2 * interim + DATA, interim + EMPTY, piece_bytes=piece_bytes).address)
    assert (200, b"hello") == client.get("/poll")[::2]
    assert 204 == client.get("/poll").status
    client.close()


def test_ipv6_is_spoken(serve: Serve) -> None:
    script = serve(EMPTY, host="::1")
    client = HttpClient(Address.parse(f"http://[::1]:{script.address.port}/"))
    assert 204 == client.get("/poll").status
    assert f"Host: [::1]:{script.address.port}\r\n".encode() in script.requests[0]
    client.close()
