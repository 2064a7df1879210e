"""A WebSocket on a stream of HTTP/2: a CONNECT that names the protocol (RFC 8441), then the same frames."""

from loadtests.http2_client import opened_stream, request_fields
from loadtests.http2_pool import Seat
from loadtests.http import said
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

    __slots__ = ("_seat", "_stream", "connects", "cursor", "opened_ns", "sent_ns")

    def __init__(self, seat: Seat, target: str, deflate: Deflate = "off") -> None:
        self._seat: Seat | None = seat
        seat.hold()
        try:
            headers = [(b":protocol", b"websocket"), (b"sec-websocket-version", b"13")]
            if deflate != "off":
                headers.append((_EXTENSIONS, offer(shared=deflate == "shared").encode()))
            connects, opened_ns = _check_able(seat)
            opened = opened_stream(seat, [*request_fields("CONNECT", target, seat), *headers], stays_open=True)
        except BaseException:
            seat.release()
            raise
        self._stream, self.connects, self.opened_ns, self.sent_ns = opened
        self.connects += connects
        self.opened_ns = self.opened_ns or opened_ns
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


def _check_able(seat: Seat) -> tuple[int, int]:
    """Open the connection if it is not open, and return how many connections that took, and when it was open.

    Raises Refused when the server has no WebSocket over HTTP/2: it says so in its SETTINGS.
    """
    connection, is_new = seat.connection()
    if not connection.takes_websockets:
        raise Refused(
            f"{seat.address} has no WebSocket over HTTP/2 (RFC 8441): its SETTINGS lack ENABLE_CONNECT_PROTOCOL"
        )
    return int(is_new), connection.opened_ns if is_new else 0
