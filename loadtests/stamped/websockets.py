"""WebSocket: messages of text and of bytes, in both directions."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from gevent import Timeout

from loadtests.connection import ClosedHere, Stamp
from loadtests.stamped.channel import SEND, ChannelUser, OpenChannel
from loadtests.stamped.failures import ServerEnded, TooLate
from loadtests.stamped.received import StampedMessage
from loadtests.stamped.requests import RequestTarget, lines_of
from loadtests.ws import ServerClosed, WebSocketConnection
from wirerace.clock import now_ns
from wirerace.errors import BadAnswer, ConnectionLost, WireraceError, shown
from wirerace.wire.frames import CloseCode, Message, Opcode

IN_ORDER = frozenset({None, CloseCode.NORMAL, CloseCode.GOING_AWAY})
"""Close codes after which nothing has failed."""
_PROTOCOL = "Sec-WebSocket-Protocol"


class AnyWebSocket(WebSocketConnection):
    """A connection to any server; `headers` are those of the 101, their names in small letters."""

    __slots__ = ("headers",)

    def _accept(self, headers: dict[str, str]) -> None:
        self.headers = headers


class WebSocketChannel(OpenChannel[StampedMessage]):
    """An open WebSocket. `close_code` is that of the server's close frame, None without one or before it."""

    def __init__(
        self,
        user: ChannelUser,
        name: str,
        place: RequestTarget,
        headers: Sequence[Mapping[str, str]],
        protocols: Sequence[str],
    ) -> None:
        super().__init__(user, name)
        self.close_code: int | None = None
        self._protocols = protocols
        offered = {_PROTOCOL: ", ".join(protocols)} if protocols else {}
        lines = lines_of(place, offered, *headers)
        self._connection = self._opened(lambda: self._shaken(AnyWebSocket(place.address, place.target, headers=lines)))

    def _shaken(self, connection: AnyWebSocket) -> AnyWebSocket:
        chosen = connection.headers.get(_PROTOCOL.lower(), "")
        if chosen and self._protocols and chosen not in self._protocols:
            connection.close()
            raise BadAnswer(f"101 with a subprotocol that was not offered: {shown(chosen)}")
        return connection

    @property
    def subprotocol(self) -> str:
        """The subprotocol that the server has chosen, empty if none."""
        return self._connection.headers.get(_PROTOCOL.lower(), "")

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the 101, their names in small letters."""
        return self._connection.headers

    def send(self, message: str | bytes) -> int:
        """Send a message of text, or of bytes, and return when: Unix nanoseconds, before it left.

        If the connection is broken, or takes nothing for the user's `timeout`, that is reported, and RequestFailed is
        raised.
        """
        opcode, payload = (Opcode.TEXT, message.encode()) if isinstance(message, str) else (Opcode.BINARY, message)
        began_ns, seconds = now_ns(), self._user.timeout
        try:
            if not self._is_open:
                raise ConnectionLost("the connection is closed")
            with Timeout(seconds, TooLate(f"not sent within {seconds:g} s")):
                self._connection.send_message(opcode, payload)
        except (OSError, WireraceError, TooLate) as error:
            self._fail(SEND, error, began_ns)
        return began_ns

    def _receive(self) -> Iterable[StampedMessage]:
        connection = self._connection
        try:
            messages = connection.receive_messages()
        except ServerClosed as error:
            self.close_code = error.code
            if error.code in IN_ORDER:
                raise ServerEnded(str(error)) from None
            raise
        if len(messages) == 1:
            return (_stamped(messages[0], connection.stamp, is_bound=connection.is_cut),)
        last = len(messages) - 1
        return [
            _stamped(message, connection.stamp, is_bound=index < last or connection.is_cut)
            for index, message in enumerate(messages)
        ]

    def _leave(self) -> None:
        self._connection.leave()

    def _abort(self) -> None:
        with contextlib.suppress(OSError, ClosedHere):
            self._connection.close()


def _stamped(message: Message, stamp: Stamp, *, is_bound: bool) -> StampedMessage:
    return StampedMessage(message.payload, stamp, is_bound, message.opcode is Opcode.TEXT)
