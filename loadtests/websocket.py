"""WebSocket: connects once and receives."""

from collections.abc import Iterator

from locust.env import Environment

from loadtests.user import Received, SubscriberUser
from loadtests.ws import WebSocketClient
from wirerace.clock import now_ns
from wirerace.errors import BadAnswer, ConnectionLost, Refused
from wirerace.transports.websocket import TRANSPORT, WebSocketOptions
from wirerace.wire.update import NO_UPDATE, Cursor, Update, decode_update


class WebSocketUser(SubscriberUser):
    """Keeps one socket open."""

    transport = TRANSPORT
    request_method = "connect"
    together = False
    options: WebSocketOptions

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client: WebSocketClient | None = None
        self.newest: Update | None = None

    def deliveries(self) -> Iterator[Received]:
        """Shake hands and receive."""
        self.asked_ns = now_ns()
        self.account.request(self.asked_ns)
        client = self.client = self.shake_hands()
        self.account.totals.connects += 1
        self.note_request(client.stamp.arrival_ns - self.asked_ns, 0)
        self.cursor = str(client.cursor)
        self.connected(client.cursor, client, client.stamp.arrival_ns)
        self.asked_ns = 0
        while True:
            updates = self.updates_in(client.receive())
            self.has_newer = client.is_cut
            yield updates, client.stamp
            self.newest = updates[-1]

    def shake_hands(self) -> WebSocketClient:
        """Return a connection that the server has upgraded; a refusal is an answer."""
        try:
            return WebSocketClient(self.address, self.target(), self.counters)
        except Refused:
            self.note_refusal()
            raise

    def updates_in(self, messages: list[bytes]) -> list[Update]:
        """Return the updates in messages.

        Raises ConnectionLost when a message is not an update, because later updates would leave a gap.
        """
        try:
            return self.checked([decode_update(message) for message in messages])
        except NO_UPDATE as error:
            raise ConnectionLost(f"a message is no update: {error}") from None
        except BadAnswer as error:
            raise ConnectionLost(str(error)) from None

    def target(self) -> str:
        """Return the path and query to connect to."""
        path, position = self.transport.path, self.position()
        return f"{path}?after={position}" if position is not None else path

    def position(self) -> Cursor | None:
        """Return the newest update's key, or the cursor of the 101 when none has come."""
        return Cursor(self.newest.epoch, self.newest.seq) if self.newest is not None else super().position()

    @property
    def is_open(self) -> bool:
        """Return whether there is a connection."""
        return self.client is not None

    def hang_up(self) -> None:
        """Close the connection."""
        if self.client is not None:
            self.client.close()
            self.client = None
