"""WebSocket: connects once and receives."""

from loadtests.pushed import PushClient, PushedUser
from loadtests.ws import WebSocketClient
from wirerace.transports.websocket import TRANSPORT, WebSocketOptions


class WebSocketUser(PushedUser):
    """Keeps one socket open."""

    transport = TRANSPORT
    options: WebSocketOptions

    def open(self) -> PushClient:
        """Return a connection that the server has upgraded."""
        target = self.target(after=self.position())
        return WebSocketClient(self.address, target, self.counters, self.options.deflate)
