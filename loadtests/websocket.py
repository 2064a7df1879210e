"""WebSocket: connects once and receives."""

from locust.env import Environment

from loadtests.carriers import Carrier, Framed
from loadtests.outbox import Outbox
from loadtests.pushed import PushedUser
from loadtests.pushing import PushClient
from loadtests.speech import SocketClient
from wirerace.transports.websocket import TRANSPORT, WebSocketOptions


class WebSocketUser(PushedUser):
    """Keeps one socket open."""

    __slots__ = ("framed", "socket")
    transport = TRANSPORT
    options: WebSocketOptions

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.framed: Framed | None = None
        self.socket: SocketClient | None = None

    def open(self) -> PushClient:
        """Return a connection that the server has upgraded."""
        target = self.target(after=self.position(), fan_out=self.fan_out)
        self.socket = self.speech.websocket(target, self.options.deflate)
        if self.framed is not None:
            self.framed.connection = self.socket
        return self.socket

    def carrier(self, outbox: Outbox) -> Carrier:
        """Return what carries its messages: the connection on which updates come, at the same time."""
        if self.load.sending.upstream.connection == "own":
            return super().carrier(outbox)
        self.framed = Framed(outbox)
        self.framed.connection = self.socket
        return self.framed

    def hang_up(self) -> None:
        """Close the connection."""
        self.socket = None
        if self.framed is not None:
            self.framed.connection = None
        super().hang_up()
