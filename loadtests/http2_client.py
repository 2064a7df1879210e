"""Clients over HTTP/2: each request and each stream of updates is a stream on a connection that clients share."""

from typing import NamedTuple

from loadtests.bodies import MessageReader
from loadtests.connection import ClosedHere, MessagesTaker, Stamp, never
from loadtests.http import GOOD, Response, filling, said
from loadtests.http2_headers import Headers
from loadtests.http2_pool import Seat
from loadtests.http2_streams import Http2Stream, Unprocessed
from loadtests.streaming import check_head, cursor_in
from loadtests.unpacking import ENCODING_HEADER, Accepted, UnpackingMessages, accepting, unpacked, unpacker_of
from wirerace.errors import ConnectionLost, Refused
from wirerace.wire.update import CURSOR_HEADER

_CURSOR = CURSOR_HEADER.lower().encode()
MOST_TRIES = 3
"""How often a request is sent that the server does not look at, because it closes the connection or is at its limit."""

_LAST: dict[str, tuple[bytes, list[bytes]]] = {}
"""The last data of any client that was whole, and the messages in it, by content type: with fan-out all are equal."""


def header_fields(lines: str) -> Headers:
    """Return the headers in lines that end in CRLF, as HTTP/2 has them: names in lower case."""
    split = (line.partition(":") for line in lines.split("\r\n") if line)
    return [(name.lower().encode(), value.strip().encode()) for name, _, value in split]


def request_fields(method: str, target: str, seat: Seat) -> Headers:
    """Return what every request begins with."""
    return [
        (b":method", method.encode()),
        (b":scheme", b"http" if seat.address.tls is None else b"https"),
        (b":authority", str(seat.address).encode()),
        (b":path", target.encode(), True),
    ]


class Http2Client:
    """Asks one server, as HttpClient does. A request is a stream of its own, so several can be under way.

    `connects` counts the connections that opened for its requests. `opened_ns` is when the last one of them was open,
    0 if the last request needed none.
    """

    __slots__ = (
        "_accepts", "_extra", "_holds", "_is_answered", "_repeats_lost", "_seat", "_streams", "connects", "in_bytes",
        "opened_ns", "out_bytes", "repeats", "secured_ns", "sent_ns",
    )  # fmt: skip

    def __init__(
        self, seat: Seat, *, extra_header_bytes: int = 0, repeats_lost: bool = False, accepts: Accepted = "off"
    ) -> None:
        self.connects = 0
        self.repeats = 0
        self.out_bytes = 0
        self.in_bytes = 0
        self.opened_ns = 0
        self.secured_ns = 0
        self.sent_ns = 0
        self._seat = seat
        self._holds = False
        self._streams: tuple[Http2Stream, ...] = ()
        self._is_answered = False
        self._accepts: Accepted = accepts
        self._extra = header_fields(accepting(accepts) + filling(extra_header_bytes))
        self._repeats_lost = repeats_lost

    @property
    def is_open(self) -> bool:
        """Return whether there is a connection."""
        return self._holds and self._seat.is_open

    def get(self, target: str, headers: str = "") -> Response:
        """Ask for `target` and wait for the answer; `headers` are lines that end in CRLF.

        Raises OSError or ConnectionLost when stream or connection break, Refused when the status is none of 200, 204,
        304, BadAnswer when the server speaks no HTTP/2.
        """
        return self._ask([*request_fields("GET", target, self._seat), *header_fields(headers), *self._extra])

    def post(self, target: str, body: bytes) -> Response:
        """Send JSON to `target` and wait for the answer; raises what `get` raises."""
        about = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        return self._ask([*request_fields("POST", target, self._seat), *about, *self._extra], body)

    def close(self) -> None:
        """Give up what is under way, and the seat. The connection stays for the others."""
        for stream in self._streams:
            stream.close()
        if self._holds:
            self._holds = False
            self._seat.release()

    def _ask(self, headers: Headers, body: bytes = b"") -> Response:
        for _ in range(MOST_TRIES - 1):
            was_open = self.is_open
            try:
                return self._exchange(headers, body)
            except Unprocessed:
                pass
            except ClosedHere:  # by another user of this client
                raise
            except (OSError, ConnectionLost):
                if not (self._repeats_lost and was_open) or self._is_answered:
                    raise
            self.repeats += 1
        return self._exchange(headers, body)

    def _exchange(self, headers: Headers, body: bytes) -> Response:
        if not self._holds:
            self._holds = True
            self._seat.hold()
        self._is_answered = False
        connection, is_new = self._seat.connection()
        self.opened_ns, self.secured_ns = (connection.opened_ns, connection.secured_ns) if is_new else (0, 0)
        self.connects += is_new
        stream = connection.request(headers, body)
        self._streams = (*self._streams, stream)
        try:
            answer = stream.whole_body()
        finally:
            stream.close()
            self._is_answered = bool(stream.head)
            self._streams = tuple(one for one in self._streams if one is not stream)
            self.sent_ns = stream.sent_ns
            self.out_bytes += stream.out_bytes
            self.in_bytes += stream.in_bytes
        status = stream.status
        if encoding := stream.head.get(ENCODING_HEADER):
            answer = unpacked(answer, encoding, self._accepts)
        if status not in GOOD:
            raise Refused(f"{status}: {said(answer)}", status)
        return Response(status, stream.head.get(_CURSOR, b"").decode("latin-1"), answer, stream.stamp)


class OpenedStream(NamedTuple):
    """A stream whose answer has begun, and how it came about: connections opened, when, and when the request left."""

    stream: Http2Stream
    connects: int
    opened_ns: int
    secured_ns: int
    sent_ns: int


def opened_stream(seat: Seat, headers: Headers, *, stays_open: bool = False) -> OpenedStream:
    """Send a request on a seat's connection and wait for the head of its answer.

    `opened_ns` is 0 if the connection was open already. Raises OSError, ConnectionLost, or BadAnswer.
    """
    connects, tries = 0, MOST_TRIES
    while True:
        tries -= 1
        connection, is_new = seat.connection()
        connects += is_new
        stream = connection.request(headers, stays_open=stays_open)
        try:
            stream.wait_for_head()
        except Unprocessed:
            if not tries:
                raise
        except BaseException:
            stream.close()
            raise
        else:
            opened = (connection.opened_ns, connection.secured_ns) if is_new else (0, 0)
            return OpenedStream(stream, connects, *opened, stream.sent_ns)


class Http2StreamingClient:
    """One request whose answer has no end, as StreamingClient's. It ends without its connection."""

    __slots__ = (
        "_messages", "_seat", "_stream", "_take", "_unread", "connects", "cursor", "opened_ns", "secured_ns", "sent_ns",
    )  # fmt: skip

    def __init__(
        self, seat: Seat, target: str, messages: MessageReader, *, headers: str = "", accepts: Accepted = "off"
    ) -> None:
        """Open it. Raises OSError, ConnectionLost, Refused when the status is not 200, or BadAnswer."""
        self._messages = messages
        self._unread: list[bytes] = []
        self._take: MessagesTaker = never
        self._seat: Seat | None = seat
        about = [(b"accept", messages.content_type.encode()), *header_fields(accepting(accepts) + headers)]
        seat.hold()
        try:
            opened = opened_stream(seat, [*request_fields("GET", target, seat), *about])
        except BaseException:
            seat.release()
            raise
        self._stream, self.connects, self.opened_ns, self.secured_ns, self.sent_ns = opened
        try:
            head, status = self._stream.head, self._stream.status
            answer = self._stream.whole_body() if status != 200 else b""
            check_head(status, head, answer, messages.content_type)
            self.cursor = cursor_in(head)
            if (unpacker := unpacker_of(head.get(ENCODING_HEADER, b""), accepts)) is not None:
                self._messages = UnpackingMessages(messages, unpacker)
        except BaseException:
            self.close()
            raise

    @property
    def stamp(self) -> Stamp:
        """When the messages last received arrived, and when they were read."""
        return self._stream.stamp

    @property
    def is_cut(self) -> bool:
        """Tell whether what came last ended inside a message, or something for another client came behind it."""
        return self._messages.is_cut or self._stream.stamp.is_bound

    def receive(self, take: MessagesTaker = never) -> list[bytes]:
        """Wait for messages and return all that have come: at least one. The list must not be changed.

        What `take` takes is not returned. Raises ConnectionLost when the server ends the answer.
        """
        self._take = take
        messages: list[bytes] = []
        while not messages:
            data = self._stream.receive(never if take is never else self._take_data)
            messages, self._unread = self._unread or self._messages_in(data), []
        return messages

    def _take_data(self, data: bytes) -> bool:
        messages = self._messages_in(data)
        if not messages:  # a heartbeat, or a part
            return True
        stamp = self._stream.stamp
        if self._messages.is_cut:  # what the stamp is of is not there yet
            stamp = stamp.bound()
        if self._take(messages, stamp):
            return True
        self._unread = messages
        return False

    def _messages_in(self, data: bytes) -> list[bytes]:
        messages = self._messages
        if was_idle := messages.is_idle:
            last = _LAST.get(messages.content_type)
            if last is not None and last[0] == data:
                return last[1]
        found = messages.feed(data)
        if was_idle and messages.is_idle:
            _LAST[messages.content_type] = data, found
        return found

    def leave(self) -> None:
        """Nothing is said: HTTP has no goodbye for an answer without end."""

    def close(self) -> None:
        """Give up the stream, and the seat. The connection stays for the others."""
        if self._seat is not None:
            seat, self._seat = self._seat, None
            self._stream.close()
            seat.release()
