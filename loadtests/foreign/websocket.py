"""WebSockets of other people's servers: each message is an update, or several."""

from loadtests.foreign.clients import BareWebSocket
from loadtests.foreign.pushed import ForeignPushedUser
from loadtests.pushing import PushClient
from loadtests.websocket import WebSocketUser


class ForeignWebSocketUser(ForeignPushedUser, WebSocketUser):
    """Keeps one socket open."""

    __slots__ = ()

    def open(self) -> PushClient:
        """Return a connection that the server has upgraded."""
        return BareWebSocket(
            self.load.address_of(self.transport),
            self.target(after=None),
            self.load.counters_of(self.transport),
            self.options.deflate,
        )
