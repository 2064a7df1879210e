"""WebSocket: connects once and listens."""

from collections.abc import Iterator

from locust.env import Environment

from loadtests.user import Received, Subscriber
from loadtests.ws import WebSocketClient
from wirerace.clock import now_ns
from wirerace.transports import TRANSPORTS, WebSocketOptions
from wirerace.wire import Cursor, Update, decode_update


class WebSocketUser(Subscriber):
    """Keeps one socket open."""

    transport = TRANSPORTS["websocket"]
    options: WebSocketOptions

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client: WebSocketClient | None = None
        self.newest: Update | None = None

    def deliveries(self) -> Iterator[Received]:
        """Shake hands and listen."""
        started_ns = now_ns()
        self.account.request(started_ns)
        client = self.client = WebSocketClient(self.address, self.target())
        self.account.totals.connects += 1
        self.connected(client.cursor, started_ns, client, client.arrival_ns)
        while True:
            updates = [decode_update(message) for message in client.receive()]
            yield updates, client.arrival_ns
            self.newest = updates[-1]

    def target(self) -> str:
        """Return what to connect to."""
        if self.newest is not None:
            self.cursor = str(Cursor(self.newest.epoch, self.newest.seq))
        path = self.transport.path
        return f"{path}?after={self.cursor}" if self.cursor else path

    def hang_up(self) -> None:
        """Close the connection."""
        if self.client is not None:
            self.client.close()
            self.client = None
