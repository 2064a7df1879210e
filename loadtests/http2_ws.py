"""A WebSocket on a stream of HTTP/2: a CONNECT that names the protocol (RFC 8441), then the same frames."""

from loadtests.http import said
from loadtests.http2 import Http2Connection
from loadtests.http2_client import opened_stream, request_fields
from loadtests.http2_pool import Seat
from loadtests.ws import MessageSocket
from wirerace.errors import BadAnswer, BadCursor, Refused
from wirerace.transports.websocket import Deflate
from wirerace.wire.negotiation import EXTENSIONS_HEADER, offer
from wirerace.wire.update import CURSOR_HEADER, Cursor

_CURSOR = CURSOR_HEADER.lower().encode()
_EXTENSIONS = EXTENSIONS_HEADER.lower().encode()


class Http2WebSocketClient(MessageSocket):
    """One stream; `cursor` is that of the answer. With `deflate` it offers compression, and insists on it.

    `opened_ns` is when its connection was open, 0 if it was before; `sent_ns` when the request had left. Raises OSError
    or ConnectionLost when stream or connection break, Refused when the server has no WebSocket over HTTP/2 or declines
    compression, and BadAnswer when its answer is malformed.
    """

    __slots__ = ("_seat", "_stream", "connects", "cursor", "opened_ns", "secured_ns", "sent_ns")

    def __init__(self, seat: Seat, target: str, deflate: Deflate = "off") -> None:
        self._seat: Seat | None = seat
        seat.hold()
        try:
            headers = [(b":protocol", b"websocket"), (b"sec-websocket-version", b"13")]
            if deflate != "off":
                headers.append((_EXTENSIONS, offer(shared=deflate == "shared").encode()))
            able, is_new = _able_connection(seat)
            opened = opened_stream(seat, [*request_fields("CONNECT", target, seat), *headers], stays_open=True)
        except BaseException:
            seat.release()
            raise
        self._stream, self.connects, self.opened_ns, self.secured_ns, self.sent_ns = opened
        if is_new:
            self.connects += 1
            if not self.opened_ns:
                self.opened_ns, self.secured_ns = able.opened_ns, able.secured_ns
        super().__init__(self._stream)
        try:
            self.cursor = self._read_head(deflate)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the stream, and the seat. The connection stays for the others."""
        if self._seat is not None:
            seat, self._seat = self._seat, None
            self._stream.close()
            seat.release()

    def _read_head(self, deflate: Deflate) -> Cursor:
        head, status = self._stream.head, self._stream.status
        if status != 200:
            raise Refused(f"{status}: {said(self._stream.whole_body())}")
        self._agree(head.get(_EXTENSIONS, b"").decode("latin-1"), deflate)
        try:
            return Cursor.parse(head.get(_CURSOR, b"").decode("latin-1"))
        except BadCursor:
            raise BadAnswer(f"200 without a cursor in {CURSOR_HEADER}") from None


def _able_connection(seat: Seat) -> tuple[Http2Connection, bool]:
    """Return the seat's connection, and whether it was opened now.

    Raises Refused when the server has no WebSocket over HTTP/2: it says so in its SETTINGS.
    """
    connection, is_new = seat.connection()
    if not connection.takes_websockets:
        raise Refused(
            f"{seat.address} has no WebSocket over HTTP/2 (RFC 8441): its SETTINGS lack ENABLE_CONNECT_PROTOCOL"
        )
    return connection, is_new
