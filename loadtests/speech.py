"""What the clients of a load speak: HTTP/1.1, each on a connection of its own, or HTTP/2 on connections they share."""

from typing import Protocol

from loadtests.bodies import MessageReader
from loadtests.connection import Address
from loadtests.http import HttpClient, Response
from loadtests.http2_client import Http2Client, Http2StreamingClient
from loadtests.http2_pool import Seat, SharedConnections
from loadtests.http2_ws import Http2WebSocketClient
from loadtests.pushing import PushClient
from loadtests.streaming import StreamingClient
from loadtests.traffic import Counters
from loadtests.unpacking import Accepted
from loadtests.ws import WebSocketClient
from wirerace.transports.websocket import Deflate


class AskingClient(Protocol):
    """Asks one server, again and again: HttpClient says what its counts are."""

    connects: int
    repeats: int
    out_bytes: int
    in_bytes: int
    opened_ns: int
    secured_ns: int
    sent_ns: int

    @property
    def is_open(self) -> bool:
        """Return whether there is a connection."""

    def get(self, target: str, headers: str = "") -> Response:
        """Ask for `target` and wait for the answer; `headers` are lines that end in CRLF."""

    def post(self, target: str, body: bytes) -> Response:
        """Send JSON to `target` and wait for the answer."""

    def close(self) -> None:
        """Give up what is under way, and the connection."""


class SocketClient(PushClient, Protocol):
    """A WebSocket."""

    def send_text(self, payload: bytes) -> int:
        """Send a message of text, and return the bytes of its frame."""


class Speech(Protocol):
    """Makes the clients of one user."""

    is_shared: bool
    """Whether one connection carries several of its requests at a time."""

    def asking(
        self, *, keep_alive: bool = True, extra_header_bytes: int = 0, repeats_lost: bool = False
    ) -> AskingClient:
        """Return a client that asks."""

    def streaming(self, target: str, messages: MessageReader, *, headers: str = "") -> PushClient:
        """Return a client whose answer, without end, has begun."""

    def websocket(self, target: str, deflate: Deflate) -> SocketClient:
        """Return a WebSocket that is open."""

    def sever(self) -> None:
        """Cut a connection that is shared, for all its users. A user closes what is its own."""

    def leave(self) -> None:
        """Need no shared connection any more, once everything that uses it is closed."""


class OwnConnections:
    """HTTP/1.1."""

    is_shared = False

    def __init__(self, address: Address, counters: Counters, accepts: Accepted = "off") -> None:
        self._address = address
        self._counters = counters
        self._accepts: Accepted = accepts

    def of_user(self) -> "OwnConnections":
        """Return what the next user speaks: with TLS it keeps its sessions to itself."""
        if self._address.tls is None:
            return self
        return OwnConnections(self._address.of_client(), self._counters, self._accepts)

    def asking(
        self, *, keep_alive: bool = True, extra_header_bytes: int = 0, repeats_lost: bool = False
    ) -> AskingClient:
        """Return a client that asks."""
        return HttpClient(
            self._address,
            self._counters,
            keep_alive=keep_alive,
            extra_header_bytes=extra_header_bytes,
            repeats_lost=repeats_lost,
            accepts=self._accepts,
        )

    def streaming(self, target: str, messages: MessageReader, *, headers: str = "") -> PushClient:
        """Return a client whose answer, without end, has begun."""
        return StreamingClient(self._address, target, messages, self._counters, headers=headers, accepts=self._accepts)

    def websocket(self, target: str, deflate: Deflate) -> SocketClient:
        """Return a WebSocket that is open."""
        return WebSocketClient(self._address, target, self._counters, deflate)

    def sever(self) -> None:
        """Do nothing: no connection is shared."""

    def leave(self) -> None:
        """Do nothing: no connection is shared."""


class SharingConnections:
    """HTTP/2, for one user: everything that it sends needs its seat."""

    __slots__ = ("_accepts", "_seat")
    is_shared = True

    def __init__(self, pool: SharedConnections, accepts: Accepted = "off") -> None:
        self._seat = Seat(pool)
        self._accepts: Accepted = accepts

    def asking(
        self,
        *,
        keep_alive: bool = True,  # noqa: ARG002 -- an experiment refuses HTTP/2 without it
        extra_header_bytes: int = 0,
        repeats_lost: bool = False,
    ) -> AskingClient:
        """Return a client that asks."""
        return Http2Client(
            self._seat, extra_header_bytes=extra_header_bytes, repeats_lost=repeats_lost, accepts=self._accepts
        )

    def streaming(self, target: str, messages: MessageReader, *, headers: str = "") -> PushClient:
        """Return a client whose answer, without end, has begun."""
        return Http2StreamingClient(self._seat, target, messages, headers=headers, accepts=self._accepts)

    def websocket(self, target: str, deflate: Deflate) -> SocketClient:
        """Return a WebSocket that is open."""
        return Http2WebSocketClient(self._seat, target, deflate)

    def sever(self) -> None:
        """Cut the connection, for all its users."""
        self._seat.sever()

    def leave(self) -> None:
        """Give the seat back, once everything that holds it is closed."""
        self._seat.leave()
