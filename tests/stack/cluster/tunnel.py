"""One upgraded connection with its streams: what arrives goes to their receivers, in the order of its arrival."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.stack.cluster.spdy import Pinged, SpdyReader, SpdyWriter, StreamData, StreamOpened, StreamReset

READ_BYTES = 65536
Receiver = Callable[[bytes, bool], None]
"""Takes the data of a stream, and whether it was the last."""


class SpdyStream:
    """A stream that the client has opened."""

    def __init__(self, tunnel: "Tunnel", number: int, headers: dict[str, str]) -> None:
        self._tunnel, self._number = tunnel, number
        self.headers = headers
        self.receiver: Receiver | None = None

    def send(self, data: bytes, *, is_last: bool = False) -> None:
        """Send data, and with `is_last` the end of it. Raises OSError when the client is gone."""
        self._tunnel.send(self._number, data, is_last=is_last)


class Tunnel:
    """Serves an upgraded connection until one side ends it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._writer = SpdyWriter()
        self._lock = threading.Lock()
        self._streams: dict[int, SpdyStream] = {}

    def serve(self, opened: Callable[[SpdyStream], None]) -> None:
        """Read until the end. Streams are handed over as they are opened; those still open at the end receive it."""
        reader = SpdyReader()
        with suppress(OSError):
            while data := self._connection.recv(READ_BYTES):
                for event in reader.feed(data):
                    if isinstance(event, StreamOpened):
                        self._open(event, opened)
                    elif isinstance(event, StreamData):
                        self._receive(event.stream, event.data, event.is_last)
                    elif isinstance(event, StreamReset):
                        self._receive(event.stream, b"", is_last=True)
                    elif isinstance(event, Pinged):
                        self._send(self._writer.ping, event.number)
        for number in list(self._streams):
            self._receive(number, b"", is_last=True)

    def send(self, number: int, data: bytes, *, is_last: bool) -> None:
        """Send data on a stream."""
        with self._lock:
            self._connection.sendall(self._writer.data(number, data, is_last=is_last))

    def end(self) -> None:
        """End the connection; `serve` returns."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _open(self, event: StreamOpened, opened: Callable[[SpdyStream], None]) -> None:
        stream = self._streams[event.stream] = SpdyStream(self, event.stream, event.headers)
        self._send(self._writer.reply, event.stream)
        opened(stream)

    def _receive(self, number: int, data: bytes, is_last: bool) -> None:
        stream = self._streams.get(number)
        if is_last:
            self._streams.pop(number, None)
        if stream is not None and stream.receiver is not None:
            stream.receiver(data, is_last)

    def _send(self, make: Callable[[int], bytes], number: int) -> None:
        with self._lock:  # made under the lock, because compressed headers depend on their order
            self._connection.sendall(make(number))
