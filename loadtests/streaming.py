"""A lean client of HTTP answers without end: asks once, and reads what the body brings as it comes."""

from collections.abc import Mapping

from loadtests.bodies import BodyReader, MessageReader
from loadtests.connection import Address, MessagesTaker, Stamp, never
from loadtests.http import MOST_HEAD_BYTES, said
from loadtests.opening import open_connection
from loadtests.traffic import Counters
from wirerace.clock import now_ns
from wirerace.errors import BadAnswer, BadCursor, ConnectionLost, Refused
from wirerace.wire.update import CURSOR_HEADER, Cursor

_CURSOR_HEADER = CURSOR_HEADER.lower().encode()


class StreamingClient:
    """One connection with one request; `cursor` is that of the answer.

    `opened_ns`, `secured_ns` and `sent_ns` are when it was open, when TLS was established (0 without TLS), and when the
    request had left, Unix nanoseconds.
    Raises OSError or ConnectionLost when the connection breaks, Refused when the status is not 200, BadAnswer when the
    answer makes no sense.
    """

    __slots__ = (
        "_body", "_connection", "_messages", "_take", "_unread", "cursor", "opened_ns", "secured_ns", "sent_ns",
    )  # fmt: skip
    connects = 1

    def __init__(
        self,
        address: Address,
        target: str,
        messages: MessageReader,
        counters: Counters | None = None,
        *,
        headers: str = "",
    ) -> None:
        self.sent_ns = 0
        self._messages = messages
        self._body = BodyReader(messages)
        self._unread: list[bytes] = []
        self._take: MessagesTaker = never
        opened = self._connection = open_connection(address, counters)
        self.opened_ns, self.secured_ns = opened.opened_ns, opened.secured_ns
        try:
            self.cursor = self._ask(
                f"GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: {messages.content_type}\r\n{headers}\r\n"
            )
        except BaseException:
            self.close()
            raise

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
                raise ConnectionLost("the server ended the answer")
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

    def _ask(self, request: str) -> Cursor:
        self._connection.send(request.encode())
        self.sent_ns = now_ns()
        body, size_bytes = self._body, 0
        while not body.is_begun:
            data = self._connection.receive()
            body.feed(data)
            size_bytes += len(data)
            if size_bytes > MOST_HEAD_BYTES and not body.is_begun:
                raise BadAnswer(f"no end of the answer's head after {size_bytes} bytes")
        parser = body.parser
        cursor = checked_head(parser.status, parser.head, body.said, self._messages.content_type)
        parser.head.clear()  # there are as many as there are clients
        self._unread = body.taken()
        return cursor


def checked_head(status: int, head: Mapping[bytes, bytes], answer: bytes, content_type: str) -> Cursor:
    """Return the cursor in the head of an answer without end, whose names are in lower case.

    Raises Refused when the status is not 200, with what the `answer` says; BadAnswer when it is something else.
    """
    if status != 200:
        raise Refused(f"{status}: {said(answer)}")
    kind = head.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind != content_type:
        raise BadAnswer(f"200 with a body of {kind or 'no type'}, not {content_type}")
    try:
        return Cursor.parse(head.get(_CURSOR_HEADER, b"").decode("latin-1"))
    except BadCursor:
        raise BadAnswer(f"200 without a cursor in {CURSOR_HEADER}") from None
