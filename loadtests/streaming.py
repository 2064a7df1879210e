"""A lean client of HTTP answers without end: asks once, and reads what the body brings as it comes."""

from collections.abc import Mapping

from loadtests import wall
from loadtests.bodies import AnswerParser, BodyReader, MessageReader
from loadtests.connection import Address, MessagesTaker, Stamp, never
from loadtests.http import MOST_HEAD_BYTES, said
from loadtests.opening import open_connection
from loadtests.traffic import Counters
from loadtests.unpacking import ENCODING_HEADER, Accepted, UnpackingMessages, accepting, unpacker_of
from wirerace.errors import BadAnswer, BadCursor, ConnectionLost, Refused
from wirerace.wire.update import CURSOR_HEADER, Cursor

_CURSOR_HEADER = CURSOR_HEADER.lower().encode()


class AnswerEnded(ConnectionLost):
    """The server has ended the answer, in order."""

    def __init__(self) -> None:
        super().__init__("the server ended the answer")


class StreamConnection:
    """One connection with one request, to any server.

    `opened_ns`, `secured_ns` and `sent_ns` are when it was open, when TLS was established (0 without TLS), and when the
    request had left, Unix nanoseconds.
    Raises OSError or ConnectionLost when the connection breaks, Refused when the server refuses, BadAnswer when the
    answer makes no sense; a note of the error shows the bytes.
    """

    __slots__ = ("_body", "_connection", "_messages", "_take", "_unread", "opened_ns", "secured_ns", "sent_ns")
    connects = 1
    _new_body = BodyReader

    def __init__(
        self, address: Address, request: bytes, messages: MessageReader, counters: Counters | None = None
    ) -> None:
        self.sent_ns = 0
        self._messages = messages
        self._body = self._new_body(messages)
        self._unread: list[bytes] = []
        self._take: MessagesTaker = never
        opened = self._connection = open_connection(address, counters)
        self.opened_ns, self.secured_ns = opened.opened_ns, opened.secured_ns
        try:
            parser = self._ask(request)
            self._accept(parser)
            parser.head.clear()  # there are as many as there are clients
            self._unread = self._body.taken()
        except BaseException:
            self.close()
            raise

    def _accept(self, parser: AnswerParser) -> None:
        """Take the head of the answer.

        Raises Refused, or BadAnswer.
        """
        raise NotImplementedError

    @property
    def stamp(self) -> Stamp:
        """When the messages last received arrived, and when they were read."""
        return self._connection.stamp

    @property
    def is_cut(self) -> bool:
        """Tell whether the last read ended inside a message, whose part the stamp is of."""
        return self._body.is_cut or self._connection.is_cut

    def receive(self, take: MessagesTaker = never) -> list[bytes]:
        """Wait for messages and return all that one read brought: at least one. The list must not be changed.

        `take` may take a read that another client's was equal to ([`StampedConnection.receive`]).
        Raises ConnectionLost when the server ends the answer.
        """
        messages, self._take = self._unread, take
        if messages:
            self._unread = []
        while not messages:
            if self._body.has_ended:
                raise AnswerEnded
            messages = self._body.messages_in(self._connection.receive(self._take_known))
        return messages

    def _take_known(self, data: bytes) -> bool:
        messages = self._body.known(data)
        if not messages:  # a heartbeat is there to be dropped
            return messages is not None
        return self._take(messages, self._connection.stamp)

    def leave(self) -> None:
        """Nothing is said: HTTP has no goodbye for an answer without end."""

    def close(self) -> None:
        """Close at once."""
        self._connection.close()

    def _ask(self, request: bytes) -> AnswerParser:
        """Send the request, and return what is there of the answer: its head, or all of a refusal."""
        self._connection.send(request)
        self.sent_ns = wall.now_ns()
        self._has_asked()
        body, size_bytes = self._body, 0
        while not body.is_begun:
            data = self._connection.receive()
            body.feed(data)
            size_bytes += len(data)
            if size_bytes > MOST_HEAD_BYTES and not body.is_begun:
                raise BadAnswer(f"no end of the answer's head after {size_bytes} bytes")
        return body.parser

    def _has_asked(self) -> None:
        """Do nothing: most servers answer at once."""


class StreamingClient(StreamConnection):
    """A connection to a server that keeps the contract; `cursor` is that of the answer, whose status must be 200.

    The answer may have the compression that it `accepts`.
    """

    __slots__ = ("_accepts", "cursor")

    def __init__(  # noqa: PLR0913 -- where it connects, and what it says
        self,
        address: Address,
        target: str,
        messages: MessageReader,
        counters: Counters | None = None,
        *,
        headers: str = "",
        accepts: Accepted = "off",
    ) -> None:
        self._accepts: Accepted = accepts
        request = (
            f"GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: {messages.content_type or '*/*'}\r\n"
            f"{accepting(accepts)}{headers}\r\n"
        )
        super().__init__(address, request.encode(), messages, counters)

    def _accept(self, parser: AnswerParser) -> None:
        check_head(parser.status, parser.head, self._body.said, self._messages.content_type)
        self.cursor = self._cursor_in(parser.head)
        if (unpacker := unpacker_of(parser.head.get(ENCODING_HEADER, b""), self._accepts)) is not None:
            self._body.read_with(UnpackingMessages(self._messages, unpacker))

    def _cursor_in(self, head: Mapping[bytes, bytes]) -> Cursor:
        return cursor_in(head)


def check_head(status: int, head: Mapping[bytes, bytes], answer: bytes, content_type: str) -> None:
    """Check the head of an answer without end, whose names are in lower case; without a `content_type`, any is good.

    Raises Refused when the status is not 200, with what the `answer` says, and BadAnswer when it is something else.
    """
    if status != 200:
        raise Refused(f"{status}: {said(answer)}")
    check_type(status, head, content_type)


def cursor_in(head: Mapping[bytes, bytes]) -> Cursor:
    """Return the cursor in a head whose names are in lower case.

    Raises BadAnswer when there is none.
    """
    try:
        return Cursor.parse(head.get(_CURSOR_HEADER, b"").decode("latin-1"))
    except BadCursor:
        raise BadAnswer(f"200 without a cursor in {CURSOR_HEADER}") from None


def check_type(status: int, head: Mapping[bytes, bytes], wanted: str) -> None:
    """Raise BadAnswer when a body has another type than the one that is wanted, if any is."""
    kind = head.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if wanted not in {"", kind}:
        raise BadAnswer(f"{status} with a body of {kind or 'no type'}, not {wanted}")
