"""A client's connection: a gevent socket that tells when its bytes arrived."""

from typing import NamedTuple, Self
from urllib.parse import urlsplit

from gevent import get_hub, socket

from wirerace.clock import Clock, now_ns
from wirerace.errors import BadInput, ConnectionLost

READ_BYTES = 262_144
# One buffer for all connections: nothing else runs between a read into it and the copy out of it. A new one of this
# size for each read would be mapped and unmapped every time.
_BUFFER = bytearray(READ_BYTES)
_VIEW = memoryview(_BUFFER)

CONNECT_SECONDS = 10.0


class Address(NamedTuple):
    """Where a server is."""

    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in an http:// or ws:// URL.

        Raises BadInput when there is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError:
            parts, port = urlsplit(""), 0
        if parts.scheme not in {"http", "ws"} or not parts.hostname:
            raise BadInput(f"a host is a URL such as http://127.0.0.1:8001, got {url!r}")
        return cls(parts.hostname, port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Connection:
    """One TCP connection. `arrival_ns` is when the bytes last received had arrived, Unix nanoseconds.

    Every method raises OSError or ConnectionLost when the connection breaks.
    """

    def __init__(self, address: Address, clock: Clock = now_ns) -> None:
        self.arrival_ns = 0
        self._clock = clock
        stream = socket.create_connection(address, timeout=CONNECT_SECONDS)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.settimeout(None)
        self._stream = stream
        # gevent's own recv() tries first, and waits then; a client that has just asked knows that there is nothing yet.
        self._receive_into = stream._sock.recv_into  # noqa: SLF001
        self._send = stream._sock.send  # noqa: SLF001
        hub = get_hub()
        self._wait = hub.wait
        self._readable = hub.loop.io(stream.fileno(), 1)

    def send(self, data: bytes) -> None:
        """Send all of `data`. Straight to the socket: gevent's sendall() would ask for its buffer's size every time."""
        try:
            sent: int = self._send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._stream.sendall(data[sent:])

    def receive(self) -> bytes:
        """Wait for bytes and return them: at least one. The only place where arrival is read."""
        while True:
            self._wait(self._readable)
            try:
                size: int = self._receive_into(_BUFFER)
            except BlockingIOError:
                continue
            self.arrival_ns = self._clock()
            if not size:
                raise ConnectionLost("the server closed the connection")
            return bytes(_VIEW[:size])

    def close(self) -> None:
        """Close at once."""
        self._readable.close()
        self._stream.close()
