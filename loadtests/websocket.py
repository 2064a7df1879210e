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
        path, position = self.transport.path, self.position()
        target = f"{path}?after={position}" if position is not None else path
        return WebSocketClient(self.address, target, self.counters, self.options.deflate)
