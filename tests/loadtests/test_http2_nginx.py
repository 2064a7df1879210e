"""Our clients of HTTP/2 and a real nginx before a server of the test."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent import socket

from loadtests.connection import Address
from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat, SharedConnections
from loadtests.http2_ws import Http2WebSocketClient
from loadtests.stream import LineMessages
from loadtests.trust import ClientTls
from tests.loadtests.script import Serve
from wirerace.errors import BadAnswer, Refused
from wirerace.runner.network.certificates import RunCertificate

pytestmark = [pytest.mark.usefixtures("in_time"), pytest.mark.processes]
POLL = b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-7\r\nContent-Length: 5\r\n\r\nhello"
STREAM = (
    b"HTTP/1.1 200 OK\r\nWirerace-Cursor: e-7\r\nContent-Type: application/x-ndjson\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n"
)
HOLD = b""
CONFIGURATION = """
daemon off; worker_processes 1; pid {at}/pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off; keepalive_requests 3; client_body_temp_path {at}/b; proxy_temp_path {at}/p;
    fastcgi_temp_path {at}/f; scgi_temp_path {at}/s; uwsgi_temp_path {at}/u;
    server {{
        listen 127.0.0.1:{port}{kind};
        {certificate}
        location / {{ proxy_pass http://{server}; proxy_http_version 1.1; proxy_buffering off; }}
    }}
}}
"""
PAIR = "ssl_certificate {0.chain}; ssl_certificate_key {0.key};"
StartNginx = Callable[..., Address]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[StartNginx]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed: apt install nginx")
    started: list[subprocess.Popen[bytes]] = []

    def start(server: Address, kind: str = " http2", certificate: RunCertificate | None = None) -> Address:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        pair = "" if certificate is None else PAIR.format(certificate)
        text = CONFIGURATION.format(at=tmp_path, port=port, server=server, kind=kind, certificate=pair)
        (tmp_path / "nginx.conf").write_text(text)
        started.append(subprocess.Popen([program, "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]))
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                assert started[-1].poll() is None
                gevent.sleep(0.02)
            else:
                return Address("127.0.0.1", port, None if certificate is None else ClientTls(certificate.authority))

    yield start
    for one in started:
        one.terminate()
        one.wait()


def test_polls_go_on_when_nginx_closes_a_connection_after_its_most_requests(nginx: StartNginx, serve: Serve) -> None:
    """Here that is three. It says GOAWAY, and answers what it has taken."""
    pool = SharedConnections(nginx(serve(*[POLL] * 20).address), None, 4)
    clients = [Http2Client(Seat(pool)) for _ in range(4)]
    jobs = [gevent.spawn(lambda client: [client.get("/poll") for _ in range(5)], client) for client in clients]

    answers = [answer for job in jobs for answer in job.get()]
    assert [(200, "e-7", b"hello")] * 20 == [answer[:3] for answer in answers]
    assert sum(client.connects for client in clients) >= 20 // 3


def test_stream_comes_through(nginx: StartNginx, serve: Serve) -> None:
    pool = SharedConnections(nginx(serve(STREAM, HOLD).address), None, 4)
    client = Http2StreamingClient(Seat(pool), "/stream", LineMessages())
    assert client.receive() == [b"hello"]
    client.close()


def test_nginx_has_no_websockets_over_http2(nginx: StartNginx, serve: Serve) -> None:
    """Experiments refuse it beforehand: wirerace/experiment/multiplexing.py. If this fails, nginx has learnt it."""
    pool = SharedConnections(nginx(serve().address), None, 4)
    with pytest.raises(Refused, match=r"has no WebSocket over HTTP/2 \(RFC 8441\)"):
        Http2WebSocketClient(Seat(pool), "/ws")


def test_nginx_that_speaks_http_1_only_is_named(nginx: StartNginx, serve: Serve) -> None:
    pool = SharedConnections(nginx(serve().address, kind=""), None, 4)
    with pytest.raises(BadAnswer, match=r"^the server speaks no HTTP/2: "):
        Http2Client(Seat(pool)).get("/poll")


@pytest.fixture
def certificate() -> Iterator[RunCertificate]:
    made = RunCertificate()
    yield made
    made.remove()


def test_stream_comes_through_with_tls(nginx: StartNginx, serve: Serve, certificate: RunCertificate) -> None:
    pool = SharedConnections(nginx(serve(STREAM, HOLD).address, " ssl http2", certificate), None, 4)
    client = Http2StreamingClient(Seat(pool), "/stream", LineMessages())
    assert client.receive() == [b"hello"]
    assert client.secured_ns > client.opened_ns
    client.close()


def test_nginx_with_tls_that_speaks_http_1_only_is_named(
    nginx: StartNginx, serve: Serve, certificate: RunCertificate
) -> None:
    pool = SharedConnections(nginx(serve().address, " ssl", certificate), None, 4)
    with pytest.raises(BadAnswer, match=r"^the server speaks no HTTP/2: TLS "):
        Http2Client(Seat(pool)).get("/poll")
