"""HTTP/2 streams: one request and its answer, on a connection that others share."""

import contextlib
import copy
from typing import Any, Protocol

from gevent import get_hub, getcurrent

from loadtests.connection import NO_STAMP, BytesTaker, ClosedHere, Stamp, never
from wirerace.errors import BadAnswer, ConnectionLost, shown

INITIAL_WINDOW_BYTES = 65_535
STREAM_WINDOW_BYTES = 6 * 1024 * 1024  # as Chromium
_CREDIT_BYTES = STREAM_WINDOW_BYTES // 2
MOST_ANSWER_BYTES = 128 * 1024 * 1024  # as over HTTP/1.1
_WITHOUT_BODY = frozenset({204, 304})
_BEFORE_HEAD, _BEFORE_BODY, _BEFORE_END = range(3)
"""What a stream's reader waits for: its head, something of its body, or its end."""


class StreamCarrier(Protocol):
    """The connection of a stream."""

    def send_data(self, stream: "Http2Stream", data: bytes, *, is_end: bool) -> None:
        """Send data as the server's windows let it."""

    def credit(self, stream: "Http2Stream", size_bytes: int) -> None:
        """Let the server send more on a stream."""

    def leave(self, stream_id: int) -> None:
        """Give up a stream that has not ended."""


class Unprocessed(ConnectionLost):
    """The server has not looked at a request, and says so: it may be sent again (RFC 9113, section 8.7)."""


class Http2Stream:
    """A request on its way. `head` has the headers of the answer, empty until they have come.

    `sent_ns` is when the request left, Unix nanoseconds. `stamp` belongs to the bytes last received, `out_bytes` and
    `in_bytes` count the stream's own frames. `window_bytes` is how much data the server takes on it. All methods that
    wait raise ConnectionLost when stream or connection end, and ClosedHere when `close` is called meanwhile.
    """

    __slots__ = (
        "_body", "_carrier", "_error", "_reader", "_take", "_uncredited_bytes", "_waits_for", "has_ended", "head", "id",
        "in_bytes", "is_sent", "out_bytes", "sent_ns", "stamp", "window_bytes",
    )  # fmt: skip

    def __init__(self, carrier: StreamCarrier, stream_id: int, window_bytes: int, *, is_sent: bool) -> None:
        self.id = stream_id
        self.head: dict[bytes, bytes] = {}
        self.stamp: Stamp = NO_STAMP
        self.has_ended = False
        self.is_sent = is_sent  # nothing more will be sent on it
        self.window_bytes = window_bytes
        self.sent_ns = 0
        self.out_bytes = 0
        self.in_bytes = 0
        self._carrier = carrier
        self._body: list[bytes] = []
        self._error: Exception | None = None
        self._reader: Any = None  # the greenlet that waits
        self._waits_for = _BEFORE_HEAD
        self._take: BytesTaker = never
        self._uncredited_bytes = 0

    @property
    def is_cut(self) -> bool:
        """Tell whether what came last may have arrived before its stamp, because something came behind it."""
        return self.stamp.is_bound

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.head[b":status"])

    def send(self, data: bytes, *, is_end: bool = False) -> None:
        """Send data. Wait while the server's windows are shut."""
        if self._error is not None:
            raise copy.copy(self._error)
        self._carrier.send_data(self, data, is_end=is_end)
        self.is_sent = self.is_sent or is_end

    def wait_for_head(self) -> None:
        """Wait for the head of the answer."""
        while not self.head:
            self._wait(_BEFORE_HEAD)

    def whole_body(self) -> bytes:
        """Wait for the end of the answer, and return its body."""
        size_bytes, parts = 0, self._body
        while not self.has_ended:
            if parts and size_bytes > MOST_ANSWER_BYTES:
                raise BadAnswer(f"no end of the answer after {size_bytes} bytes")
            self._wait(_BEFORE_END)
            size_bytes = self.in_bytes
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        announced = self.head.get(b"content-length")
        if announced is not None and self.status not in _WITHOUT_BODY and announced != b"%d" % len(body):
            raise BadAnswer(f"a body of {len(body)} bytes, and Content-Length is {shown(announced.decode('latin-1'))}")
        return body

    def receive(self, take: BytesTaker = never) -> bytes:
        """Wait for bytes of the body and return what has come of it: at least one.

        What `take` takes is not returned, and the wait goes on. It is called in the hub and must not wait; what it
        raises is raised here. Raises ConnectionLost when the answer has ended.
        """
        self._take = take
        try:
            while not self._body:
                if self.has_ended:
                    raise ConnectionLost("the server ended the answer")
                self._wait(_BEFORE_BODY)
        finally:
            self._take = never
        data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self._credit(len(data))
        return data

    def close(self) -> None:
        """Give the stream up if it has not ended. The connection stays for the others."""
        if not self.has_ended and self._error is None:
            self._error = ClosedHere("this side has closed the stream")
            with contextlib.suppress(OSError, ConnectionLost):
                self._carrier.leave(self.id)
        if self._reader is not None and self._reader is not getcurrent():
            get_hub().loop.run_callback(self._throw, self._error)

    # What the connection calls, in the hub.

    def on_head(self, head: dict[bytes, bytes], stamp: Stamp) -> None:
        """Take the head of the answer."""
        self.head, self.stamp = head, stamp
        if self._waits_for == _BEFORE_HEAD:
            self._wake()

    def on_data(self, data: bytes, flow_bytes: int, stamp: Stamp) -> None:
        """Take a part of the body, which has taken `flow_bytes` of the stream's window."""
        self.stamp = stamp
        self._uncredited_bytes += flow_bytes - len(data)  # padding is read by nobody
        if not data:
            return
        waits_for = self._waits_for
        if waits_for == _BEFORE_BODY and self._reader is not None:
            try:
                is_taken = self._take(data)
            except Exception as error:  # noqa: BLE001 -- it is raised where the client waits
                self._throw(error)
                return
            if is_taken:
                self._credit(len(data))
                return
            self._body.append(data)
            self._wake()
        else:
            self._body.append(data)
            if waits_for == _BEFORE_END:
                self._credit(len(data))
                if self.in_bytes > MOST_ANSWER_BYTES:
                    self._wake()

    def on_end(self, stamp: Stamp) -> None:
        """Note that the answer has ended."""
        self.stamp = stamp
        self.has_ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """End with an error."""
        if not self.has_ended and self._error is None:
            self._error = error
            self._throw(copy.copy(error))  # the others on the connection get one of their own

    def _credit(self, size_bytes: int) -> None:
        """Let the server send as much as was consumed."""
        self._uncredited_bytes += size_bytes
        if self._uncredited_bytes >= _CREDIT_BYTES and not self.has_ended and self._error is None:
            size_bytes, self._uncredited_bytes = self._uncredited_bytes, 0
            self._carrier.credit(self, size_bytes)

    def _wait(self, waits_for: int) -> None:
        if self._error is not None:
            raise copy.copy(self._error)
        self._reader, self._waits_for = getcurrent(), waits_for
        try:
            get_hub().switch()
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None:
            self._reader.switch()

    def _throw(self, error: Exception | None) -> None:
        if self._reader is not None and error is not None:
            self._reader.throw(error)
