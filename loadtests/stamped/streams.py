"""HTTP answers without end: lines, or parts as they come."""

from collections.abc import Iterable, Mapping

from loadtests.bodies import AnswerParser, BodyReader, MessageReader
from loadtests.connection import Address, ClosedHere
from loadtests.http import said
from loadtests.stamped.channel import ChannelUser, OpenChannel, Received
from loadtests.stamped.failures import ServerEnded
from loadtests.stamped.received import StampedMessage
from loadtests.stamped.requests import RequestTarget
from loadtests.streaming import AnswerEnded, StreamConnection, check_type
from wirerace.errors import ConnectionLost, Refused
from wirerace.wire.update import MOST_LINE_BYTES

_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
"""Headers without which a body ends with the connection (RFC 9112, section 6.3)."""
NO_CONTENT = 204


class BodyLines:
    """The lines of a body, without their ends; empty ones are left out, because they are heartbeats."""

    __slots__ = ("_buffer",)
    content_type = "*/*"
    is_idle = False

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside a line."""
        return bool(self._buffer)

    def feed(self, body: bytes) -> list[bytes]:
        """Return the lines that become whole.

        Raises ConnectionLost when one has no end.
        """
        *lines, self._buffer = (self._buffer + body).split(b"\n")
        if len(self._buffer) > MOST_LINE_BYTES:
            raise ConnectionLost(f"no end of a line after {len(self._buffer)} bytes")
        return [line for line in (line.removesuffix(b"\r") for line in lines) if line]

    def rest(self) -> bytes:
        """Return what follows the last end of a line."""
        rest, self._buffer = self._buffer, b""
        return rest


class BodyParts:
    """The parts of a body as reads bring them."""

    __slots__ = ()
    content_type = "*/*"
    is_cut = False
    is_idle = False

    def feed(self, body: bytes) -> list[bytes]:
        """Return what has come."""
        return [body]

    def rest(self) -> bytes:
        """Nothing is kept."""
        return b""


class AnyBody(BodyReader):
    """A body that is read as it comes if the status is any of 200 to 299."""

    __slots__ = ()

    @property
    def is_begun(self) -> bool:
        """Tell whether there is enough of the answer: the head of one that is wanted, all of a refusal."""
        return self.has_ended or (self.parser.has_head and 200 <= self.parser.status < 300)


class AnyStream(StreamConnection):
    """A connection to any server. With `content_type`, the body must have it. `headers` have names in small letters."""

    __slots__ = ("_content_type", "_end", "_ends_with_connection", "headers", "status")
    _new_body = AnyBody

    def __init__(self, address: Address, request: bytes, messages: MessageReader, content_type: str = "") -> None:
        self._content_type = content_type
        self._end: ConnectionLost | None = None
        super().__init__(address, request, messages)

    def _ask(self, request: bytes) -> AnswerParser:
        try:
            return super()._ask(request)
        except ConnectionLost as error:
            if not self._body.parser.has_head:
                raise
            self._end = error  # What came before counts, and so does a refusal that ends with the connection.
            return self._body.parser

    def _accept(self, parser: AnswerParser) -> None:
        self.status = parser.status
        if not 200 <= parser.status < 300:
            raise Refused(f"{parser.status}: {said(self._body.said)}", parser.status)
        if self._content_type and parser.status != NO_CONTENT:
            check_type(parser.status, parser.head, self._content_type)
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in parser.head.items()}
        self._ends_with_connection = not _LENGTHS & parser.head.keys()

    def receive_any(self) -> list[bytes]:
        """Wait for messages and return all that one read brought.

        Raises ServerEnded when the server ends the answer in order.
        """
        if self._end is not None and not self._unread:
            raise self._end
        try:
            return self.receive()
        except AnswerEnded as error:
            raise ServerEnded(str(error)) from None
        except ClosedHere:
            raise
        except ConnectionLost as error:
            if found := self._body.taken():
                self._end = error  # Messages before the end count; the next call raises the end.
                return found
            if not self._ends_with_connection:
                raise
            raise ServerEnded(str(error)) from None


class AnswerChannel(OpenChannel[Received]):
    """An answer that comes in parts. `status` and `headers` are its own; the names are in small letters."""

    _connection: AnyStream

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self._connection.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""
        return self._connection.headers

    @property
    def sent_ns(self) -> int:
        """When the request had left, Unix nanoseconds."""
        return self._connection.sent_ns

    def _abort(self) -> None:
        self._connection.close()


class StreamChannel(AnswerChannel[StampedMessage]):
    """An open answer: its lines, or its parts as they come."""

    def __init__(
        self, user: ChannelUser, name: str, place: RequestTarget, request: bytes, messages: BodyLines | BodyParts
    ) -> None:
        super().__init__(user, name)
        self._messages = messages
        self._connection = self._opened(lambda: AnyStream(place.address, request, messages))

    def _receive(self) -> Iterable[StampedMessage]:
        connection = self._connection
        try:
            found = connection.receive_any()
        except ServerEnded:
            rest = self._messages.rest()
            if not rest:
                raise
            found = [rest]
        last, stamp = len(found) - 1, connection.stamp
        return [StampedMessage(one, stamp, index < last or connection.is_cut) for index, one in enumerate(found)]
