"""The lean HTTP client against a server that says what the test wants, byte by byte."""

import pytest

from loadtests.connection import Address
from loadtests.http import LEAST_LINE_BYTES, MOST_LINE_BYTES, HttpClient, filling
from tests.loadtests.script import Serve
from wirerace.errors import BadInput, ConnectionLost, Refused

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


def test_connection_that_the_server_closes_is_opened_anew(serve: Serve) -> None:
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


def test_broken_answers_lose_the_connection(serve: Serve) -> None:
    for answer in (b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nclose"):
        client = HttpClient(serve(answer).address)
        with pytest.raises(ConnectionLost):
            client.get("/poll")
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
    assert Address("localhost", 8001) == Address.parse("http://localhost:8001/ignored")
    assert Address("news", 80) == Address.parse("ws://news")


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
