"""SSE, HTTP streaming and WebSocket of other people's servers: updates as they are, without a cursor."""

import msgspec
from locust.env import Environment

from loadtests.connection import Stamp
from loadtests.foreign.clients import SUBSCRIBED, BareEvents, BareObjects, BareStream, BareWebSocket
from loadtests.pushed import PushClient, PushedUser
from loadtests.sse import SseUser
from loadtests.stream import StreamUser
from loadtests.websocket import WebSocketUser
from wirerace.clock import now_ns
from wirerace.errors import ConnectionLost, shown
from wirerace.observe.ledger import NOWHERE
from wirerace.wire.update import Cursor, Update


class Unanswered(msgspec.Struct):
    """A client whose request was sent, and has no answer yet."""

    opened_ns: int
    sent_ns: int


class ForeignPushedUser(PushedUser):
    """Keeps one connection open. It is subscribed when its server has answered, or holds the answer back."""

    __slots__ = ()
    abstract = True

    def subscribed(self, client: PushClient, answered_ns: int) -> None:
        """Note that the server has answered."""
        self.cursor = SUBSCRIBED
        if not self.is_connected:
            self.connected(None, client, answered_ns)

    def note_held(self) -> None:
        """Note that the server holds its answer back until there is an update."""
        self.cursor = SUBSCRIBED
        if not self.is_connected:
            self.connected(None, Unanswered(self.asked_ns, self.asked_ns), now_ns())

    def updates_in(self, messages: list[bytes], stamp: Stamp) -> list[Update]:
        """Return the updates in what one read brought; an error shows what else it was.

        Raises ConnectionLost.
        """
        try:
            return super().updates_in(messages, stamp)
        except ConnectionLost as error:
            raise ConnectionLost(f"{error}; it begins {shown(messages[0])}") from None

    def position(self) -> Cursor | None:
        """Return the newest update's key, or nowhere."""
        return NOWHERE if self.newest is None else Cursor(self.newest.epoch, self.newest.seq)


class ForeignSseUser(ForeignPushedUser, SseUser):
    """Keeps one answer open; comes back with the id of its last event."""

    __slots__ = ("events",)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.events = BareEvents()

    def open(self) -> PushClient:
        """Return a connection whose answer is an event stream."""
        last_id, self.events = self.events.last_id, BareEvents()
        headers = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        target = self.target(after=None)
        return BareStream(self.address, target, self.events, self.counters, headers=headers, on_held=self.note_held)


class ForeignStreamUser(ForeignPushedUser, StreamUser):
    """Keeps one answer open, and finds the updates in it."""

    __slots__ = ()

    def open(self) -> PushClient:
        """Return a connection whose answer brings updates, however they are separated."""
        headers = "TE: chunked\r\n" if self.load.dialect == "nchan" else ""
        target = self.target(after=None)
        return BareStream(self.address, target, BareObjects(), self.counters, headers=headers, on_held=self.note_held)


class ForeignWebSocketUser(ForeignPushedUser, WebSocketUser):
    """Keeps one socket open."""

    __slots__ = ()

    def open(self) -> PushClient:
        """Return a connection that the server has upgraded."""
        return BareWebSocket(self.address, self.target(after=None), self.counters, self.options.deflate)
