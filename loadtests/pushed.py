"""Users that are pushed to: they connect once and listen."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated

import msgspec
from locust.env import Environment
from msgspec import Meta

from loadtests import wall
from loadtests.connection import Stamp, never
from loadtests.outbox import Outbox
from loadtests.pushing import PushClient
from loadtests.remembering import Remembering
from loadtests.user import Received, SubscriberUser
from wirerace.errors import BadAnswer, ConnectionLost, Refused
from wirerace.wire.update import NO_UPDATE, Cursor, Update, decode_update

decode_batch = msgspec.json.Decoder(Annotated[list[Update], Meta(min_length=1)]).decode


def decoded(message: bytes) -> list[Update]:
    """Return the update in a message, or those of a batch: a JSON array."""
    return decode_batch(message) if message.startswith(b"[") else [decode_update(message)]


updates_of = Remembering(decoded)


class PushedUser(SubscriberUser):
    """Keeps one connection open."""

    __slots__ = ("client", "newest")
    abstract = True
    request_method = "connect"
    together = False

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client: PushClient | None = None
        self.newest: Update | None = None

    @abstractmethod
    def open(self) -> PushClient:
        """Return a connection on which the server has agreed to send.

        Raises Refused when it does not.
        """

    def deliveries(self) -> Iterator[Received]:
        """Connect and listen."""
        self.asked_ns = wall.now_ns()
        self.requests += 1
        self.account.request(self.asked_ns)
        client = self.client = self.connect()
        self.account.totals.connects += client.connects
        answered_ns = client.stamp.arrival_ns
        self.note_request(answered_ns - self.asked_ns, 0)
        self.subscribed(client, answered_ns)
        self.asked_ns = 0
        take = never if self.last else self.take  # a visitor leaves in the middle, when it has enough
        while True:
            messages = client.receive(take)
            self.has_newer = client.is_cut
            yield self.updates_in(messages, client.stamp), client.stamp

    def subscribed(self, client: PushClient, answered_ns: int) -> None:
        """Note that the server has agreed to send what comes after the cursor of its answer."""
        self.cursor = str(client.cursor)
        self.connected(client.cursor, client, answered_ns)

    def take(self, messages: list[bytes], stamp: Stamp) -> bool:
        """Enter whole messages into the ledger, in the hub."""
        self.has_newer = stamp.is_bound
        self.enter(self.updates_in(messages, stamp), stamp)
        return True

    def connect(self) -> PushClient:
        """Return an open connection; a refusal is an answer."""
        try:
            return self.open()
        except Refused:
            self.note_refusal()
            raise

    def _without_answers(self, messages: list[bytes], outbox: Outbox, arrival_ns: int) -> list[bytes]:
        """Return what is left when the answers to messages are taken. An answer at the end is newer than the updates.

        Raises ConnectionLost when an answer is none.
        """
        try:
            left = outbox.without_answers(messages, arrival_ns)
        except BadAnswer as error:
            raise ConnectionLost(str(error)) from None
        self.has_newer = self.has_newer or (bool(left) and left[-1] is not messages[-1])
        return left

    def updates_in(self, messages: list[bytes], stamp: Stamp) -> list[Update]:
        """Return the updates in what one read brought.

        Raises ConnectionLost when a message holds none: what follows would not follow on it.
        """
        if self.outbox is not None:
            messages = self._without_answers(messages, self.outbox, stamp.arrival_ns)
        try:
            if len(messages) == 1:
                updates = self.checked(updates_of(messages[0]))
            else:
                updates = self.checked([update for message in messages for update in updates_of(message)])
        except NO_UPDATE as error:
            raise ConnectionLost(f"a message is no update: {error}") from None
        except BadAnswer as error:
            raise ConnectionLost(str(error)) from None
        if updates:
            self.newest = updates[-1]
        return updates

    def position(self) -> Cursor | None:
        """Return the newest update's key, or the cursor of the answer when none has come."""
        return Cursor(self.newest.epoch, self.newest.seq) if self.newest is not None else super().position()

    @property
    def is_open(self) -> bool:
        """Tell whether there is a connection."""
        return self.client is not None

    def take_leave(self) -> None:
        """Say goodbye, and close the connection."""
        if self.client is not None:
            self.client.leave()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        if self.client is not None:
            self.client.close()
            self.client = None
