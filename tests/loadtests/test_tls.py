"""Clients with TLS: the same interface over encrypted bytes, sessions that resume, one line for what does not fit."""

import base64
import contextlib
import hashlib
import ssl
from collections.abc import Callable, Iterator

import gevent
import msgspec
import pytest
from gevent.ssl import PROTOCOL_TLS_SERVER, SSLContext

from loadtests.connection import Address
from loadtests.http import HttpClient
from loadtests.opening import open_connection
from loadtests.options import read_options
from loadtests.tls import RECORD_BYTES, TlsFailed
from loadtests.traffic import Counters
from loadtests.trust import ClientTls
from loadtests.ws import HANDSHAKE_GUID, WebSocketClient
from tests.loadtests.script import CLOSE, Script
from tests.loadtests.secure_peer import SecurePeer
from wirerace.clock import now_ns
from wirerace.errors import BadInput, ConnectionLost
from wirerace.runner.network.certificates import RunCertificate

PATIENCE_SECONDS = 30.0
EMPTY = b"HTTP/1.1 204 No Content\r\nWirerace-Cursor: k3f9-17\r\n\r\n"
LAST = b"HTTP/1.1 204 No Content\r\nWirerace-Cursor: k3f9-17\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def certificate() -> Iterator[RunCertificate]:
    made = RunCertificate()
    yield made
    made.remove()


def context_of(certificate: RunCertificate) -> SSLContext:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


@pytest.fixture
def serve(certificate: RunCertificate) -> Iterator[Callable[..., Script]]:
    scripts: list[Script] = []

    def start(*answers: bytes, piece_bytes: int = 0, resumes: bool = True) -> Script:
        script = Script(*answers, piece_bytes=piece_bytes, tls=context_of(certificate))
        script.address = script.address._replace(tls=ClientTls(certificate.authority, resumes=resumes))
        scripts.append(script)
        return script

    yield start
    for script in scripts:
        script.stop()


@pytest.fixture
def peer(certificate: RunCertificate) -> Iterator[SecurePeer]:
    made = SecurePeer(certificate, "h2", "http/1.1")
    yield made
    made.close()


@pytest.mark.long
def test_client_asks_and_is_answered(serve: Callable[..., Script]) -> None:
    script = serve(EMPTY, EMPTY, piece_bytes=7)
    counters = Counters()
    client = HttpClient(script.address, counters)

    assert ["k3f9-17", "k3f9-17"] == [client.get("/poll").cursor for _ in range(2)]
    assert script.requests[0].startswith(f"GET /poll HTTP/1.1\r\nHost: {script.address}\r\n".encode())
    assert (1, 1) == (script.connections, counters.handshakes.count)
    assert 0 < client.opened_ns < client.secured_ns < client.sent_ns
    client.close()


@pytest.mark.long
def test_record_has_the_stamp_of_the_read_that_brought_its_end(peer: SecurePeer) -> None:
    client = peer.connect()
    peer.send(peer.encrypted())  # the tickets
    encrypted = peer.encrypted(b"first", b"second")
    waits = gevent.spawn(client.receive)
    peer.send(encrypted[:10])
    gevent.sleep(0.05)
    assert not waits.ready()
    between_ns = now_ns()
    peer.send(encrypted[10:-3])

    assert b"first" == waits.get(timeout=PATIENCE_SECONDS)
    assert client.is_cut
    assert client.stamp.arrival_ns > between_ns
    peer.send(encrypted[-3:])
    assert b"second" == client.receive()
    assert not client.is_cut
    client.close()


@pytest.mark.long
def test_what_is_taken_is_not_returned_but_a_read_with_part_of_a_record_is(peer: SecurePeer) -> None:
    client = peer.connect()
    taken: list[bytes] = []

    def take(data: bytes) -> bool:
        taken.append(data)
        return True

    waits = gevent.spawn(client.receive, take)
    peer.send(peer.encrypted(b"one"))
    gevent.sleep(0.05)
    assert [b"one"] == taken
    peer.send(peer.encrypted(b"two", b"three")[:-1])

    assert b"two" == waits.get(timeout=PATIENCE_SECONDS)
    assert [b"one"] == taken
    client.close()


def test_large_messages_pass_in_both_directions(peer: SecurePeer) -> None:
    client = peer.connect()
    large = bytes(range(256)) * (RECORD_BYTES // 64)
    client.send(large)
    received = b""
    while len(received) < len(large):
        received += peer.received()
    peer.send(peer.encrypted(large))
    returned = b""
    while len(returned) < len(large):
        returned += client.receive()

    assert large == received == returned
    client.close()


def test_protocol_that_both_sides_speak_is_agreed_on(peer: SecurePeer) -> None:
    client = peer.connect(alpn=("h2",))
    assert "h2" == client.alpn
    client.close()


def test_without_an_offer_nothing_is_agreed_on(peer: SecurePeer) -> None:
    client = peer.connect()
    assert client.alpn is None
    client.close()


def test_goodbye_of_the_server_ends_the_connection_and_follows_its_last_words(peer: SecurePeer) -> None:
    client = peer.connect()
    encrypted = peer.encrypted(b"last")
    with contextlib.suppress(ssl.SSLWantReadError):
        peer.tls.unwrap()
    peer.send(encrypted + peer.encrypted())

    assert b"last" == client.receive()
    with pytest.raises(ConnectionLost, match="closed the connection"):
        client.receive()
    client.close()


def test_client_says_goodbye(peer: SecurePeer) -> None:
    client = peer.connect()
    client.close()
    assert b"" == peer.received()  # an end without it would be an error


@pytest.mark.parametrize(("resumes", "resumed"), [(True, 2), (False, 0)])
def test_client_that_opens_anew_resumes_its_session(
    serve: Callable[..., Script], *, resumes: bool, resumed: int
) -> None:
    script = serve(LAST, LAST, LAST, resumes=resumes)
    counters = Counters()
    client = HttpClient(script.address, counters, keep_alive=False)
    for _ in range(3):
        client.get("/poll")

    assert (3, resumed) == (counters.handshakes.count, counters.resumed)
    client.close()


def test_clients_do_not_share_their_sessions(serve: Callable[..., Script]) -> None:
    script = serve(LAST, LAST)
    counters = Counters()
    for _ in range(2):
        HttpClient(script.address.of_client(), counters, keep_alive=False).get("/poll")
    assert (2, 0) == (counters.handshakes.count, counters.resumed)


def test_certificate_of_another_authority_does_not_fit(serve: Callable[..., Script]) -> None:
    other = RunCertificate()
    address = serve(EMPTY).address._replace(tls=ClientTls(other.authority))
    with pytest.raises(TlsFailed, match=r"^the server's certificate does not fit: .*certificate"):
        open_connection(address)
    other.remove()


def test_certificate_of_another_host_does_not_fit() -> None:
    made = RunCertificate(["elsewhere.test"])
    script = Script(EMPTY, tls=context_of(made))
    with pytest.raises(TlsFailed, match=r"^the server's certificate does not fit: .*127\.0\.0\.1"):
        open_connection(script.address._replace(tls=ClientTls(made.authority)))
    script.stop()
    made.remove()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "^the server speaks no TLS: "),
        (b"", "^the server closed the connection in the TLS handshake"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "^the server refuses TLS: .*alert.*handshake failure"),
    ],
)
def test_server_without_tls_is_named(said: bytes, why: str, certificate: RunCertificate) -> None:
    script = Script(said or CLOSE)
    with pytest.raises(TlsFailed, match=why):
        open_connection(script.address._replace(tls=ClientTls(certificate.authority)))
    script.stop()


def test_handshake_without_an_end_is_given_up(certificate: RunCertificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.tls.CONNECT_SECONDS", 0.05)
    script = Script(b"")
    with pytest.raises(TlsFailed, match="no end of the TLS handshake after"):
        open_connection(script.address._replace(tls=ClientTls(certificate.authority)))
    script.stop()


def test_broken_record_is_one_clear_line(peer: SecurePeer) -> None:
    client = peer.connect()
    peer.send(peer.encrypted() + b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(TlsFailed, match=r"^TLS broke: "):
        client.receive()
    client.close()


def test_websocket_speaks_tls(serve: Callable[..., Script]) -> None:
    def upgraded(request: bytes) -> bytes:
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
        accept = base64.b64encode(hashlib.sha1(key.encode() + HANDSHAKE_GUID, usedforsecurity=False).digest()).decode()
        head = f"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: {accept}\r\nWirerace-Cursor: k3f9-1\r\n\r\n"
        return head.encode() + b"\x81\x05hello"

    client = WebSocketClient(serve(upgraded, b"").address, "/ws")
    assert [b"hello"] == client.receive()
    assert 0 < client.opened_ns < client.secured_ns < client.sent_ns
    client.close()


def test_urls_say_whether_there_is_tls(certificate: RunCertificate) -> None:
    assert Address("server", 80) == Address.parse("http://server")
    secure = Address.parse("wss://server", certificate.authority)
    assert Address("server", 443, ClientTls(certificate.authority)) == secure
    assert secure != Address.parse("https://server")
    assert "https://server:443" == secure.origin


def test_authority_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match=r"authority.*certificate as PEM"):
        Address.parse("https://server", "nonsense")


def test_order_names_the_authority(certificate: RunCertificate) -> None:
    order = {"transport": "polling", "options": {}, "url": "https://127.0.0.1:9", "authority": certificate.authority}
    options = read_options({"contestant": msgspec.json.encode(order).decode()})
    assert ClientTls(certificate.authority) == options.addresses["polling"].tls
