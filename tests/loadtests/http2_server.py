"""An HTTP/2 server that does what the test wants: h2 on gevent, prior knowledge, one greenlet for each stream."""

import contextlib
from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from gevent.server import StreamServer
from gevent.ssl import PROTOCOL_TLS_SERVER, SSLContext
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, PingAckReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from loadtests.connection import Address
from loadtests.http2_pool import SharedConnections
from loadtests.traffic import Counters
from loadtests.trust import ClientTls
from wirerace.runner.network.certificates import RunCertificate

StartHttp2 = Callable[..., "Http2Server"]
CURSOR = ("wirerace-cursor", "e-7")
LINES = ("content-type", "application/x-ndjson")


class Exchange:
    """One request, and what answers it."""

    def __init__(self, peer: "Http2Peer", stream_id: int, headers: dict[str, str]) -> None:
        self.peer = peer
        self.stream_id = stream_id
        self.headers = headers
        self.body = b""
        self.is_whole = Event()
        self.reset_by: int | None = None
        self.is_reset = Event()

    @property
    def path(self) -> str:
        return self.headers.get(":path", "")

    def head(self, status: int, *headers: tuple[str, str], end: bool = False) -> None:
        self.peer.state.send_headers(self.stream_id, [(":status", str(status)), *headers], end_stream=end)
        self.peer.flush()

    def data(self, data: bytes, *, end: bool = False, pad: int | None = None) -> None:
        """Send data as the client's windows let it."""
        state = self.peer.state
        while data or end:
            room = min(state.local_flow_control_window(self.stream_id), state.max_outbound_frame_size)
            room -= 0 if pad is None else pad + 1
            if data and room <= 0:
                self.peer.stalls += 1
                self.peer.window.clear()
                self.peer.window.wait()
                continue
            part, data = data[:room], data[room:]
            state.send_data(self.stream_id, part, end_stream=end and not data, pad_length=pad)
            end = end and bool(data)
            self.peer.flush()

    def answer(self, body: bytes, *headers: tuple[str, str], status: int = 200) -> None:
        self.head(status, CURSOR, ("content-length", str(len(body))), *headers)
        self.data(body, end=True)

    def hold(self) -> None:
        """Wait until the client gives the stream up."""
        self.is_reset.wait()

    def reset(self, code: int) -> None:
        self.peer.state.reset_stream(self.stream_id, code)
        self.peer.flush()


class Http2Peer:
    """One connection of the server."""

    def __init__(self, stream: socket.socket, server: "Http2Server") -> None:
        self.socket = stream
        self.state = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.window = Event()
        self.exchanges: dict[int, Exchange] = {}
        self.on_data: Callable[[Exchange], None] = lambda _: None
        self.pongs: list[bytes] = []
        self.stalls = 0
        self._server = server
        self._unsent: list[bytes] = []
        self._turn = BoundedSemaphore(1)

    def run(self) -> None:
        self.state.local_settings = Settings(client=False, initial_values=self._server.settings)
        self.state.initiate_connection()
        self.flush()
        while data := self.socket.recv(65536):
            for event in self.state.receive_data(data):
                self._on(event)
            self.flush()

    def flush(self) -> None:
        self.send_raw(self.state.data_to_send())

    def send_raw(self, data: bytes) -> None:
        self._unsent.append(data)
        with self._turn, contextlib.suppress(OSError):
            while self._unsent:
                self.socket.sendall(self._unsent.pop(0))

    def go(self, last_stream_id: int, code: ErrorCodes = ErrorCodes.NO_ERROR, words: bytes = b"") -> None:
        """Send a GOAWAY; streams up to `last_stream_id` go on. h2 itself would take no more frames."""
        payload = last_stream_id.to_bytes(4, "big") + int(code).to_bytes(4, "big") + words
        self.send_raw(len(payload).to_bytes(3, "big") + b"\x07\x00\x00\x00\x00\x00" + payload)

    def _on(self, event: Any) -> None:
        match event:
            case RequestReceived():
                headers = {str(name): str(value) for name, value in event.headers}
                exchange = Exchange(self, event.stream_id, headers)
                self.exchanges[event.stream_id] = exchange
                self._server.requests.append(exchange)
                gevent.spawn(self._serve, exchange)
            case DataReceived():
                exchange = self.exchanges[event.stream_id]
                exchange.body += event.data
                self.on_data(exchange)
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.exchanges[event.stream_id].is_whole.set()
            case StreamReset():
                exchange = self.exchanges[event.stream_id]
                exchange.reset_by = event.error_code
                exchange.is_reset.set()
            case PingAckReceived():
                self.pongs.append(event.ping_data)
            case WindowUpdated():
                self.window.set()

    def _serve(self, exchange: Exchange) -> None:
        with contextlib.suppress(ProtocolError, OSError):
            self._server.answer(exchange)


class Http2Server:
    """`answer` is called for each request, in a greenlet of its own."""

    def __init__(
        self,
        answer: Callable[[Exchange], None],
        settings: dict[SettingCodes, int] | None = None,
        *,
        certificate: RunCertificate | None = None,
        alpn: tuple[str, ...] = ("h2",),
    ) -> None:
        self.answer = answer
        self.settings = settings or {}
        self.requests: list[Exchange] = []
        self.peers: list[Http2Peer] = []
        tls = {} if certificate is None else {"ssl_context": _context(certificate, alpn)}
        self._server = StreamServer(("127.0.0.1", 0), self._serve, **tls)
        self._server.start()
        trust = None if certificate is None else ClientTls(certificate.authority)
        self.address = Address("127.0.0.1", self._server.server_port, trust)

    def _serve(self, stream: socket.socket, _peer: object) -> None:
        peer = Http2Peer(stream, self)
        self.peers.append(peer)
        try:
            with contextlib.closing(stream), contextlib.suppress(OSError):
                peer.run()
        finally:
            for exchange in peer.exchanges.values():
                exchange.is_reset.set()

    def stop(self) -> None:
        self._server.stop(timeout=0)
        for peer in self.peers:
            peer.socket.close()


def _context(certificate: RunCertificate, alpn: tuple[str, ...]) -> SSLContext:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def pool_of(server: Http2Server, clients_each: int = 100) -> SharedConnections:
    return SharedConnections(server.address, Counters(), clients_each)


def wait_for(condition: Callable[[], object]) -> None:
    while not condition():
        gevent.sleep(0.002)


def echo(exchange: Exchange) -> None:
    exchange.is_whole.wait()
    exchange.answer(exchange.path.encode() + exchange.body)


def streams(exchange: Exchange) -> None:
    """Begin an answer without end."""
    exchange.head(200, CURSOR, LINES)
    exchange.hold()
