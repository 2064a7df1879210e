"""Carriers: a client's messages travel as requests, or as frames on the connection on which its updates come."""

from typing import Protocol

import gevent
from gevent.lock import BoundedSemaphore

from loadtests.connection import ClosedHere
from loadtests.outbox import Outbox
from loadtests.speech import AskingClient
from loadtests.statistics import Statistics
from wirerace.backoff import OF_CLIENTS
from wirerace.errors import BadAnswer, Refused, WireraceError
from wirerace.observe.upstream import SentMessage

SEND_PATH = "/send"
LATER_SECONDS = 1.0
"""How long a client waits with a message that the server would not take yet."""


class Carrier(Protocol):
    """What carries a client's messages."""

    def send(self, message: SentMessage) -> None:
        """Send a message, or leave it waiting while there is no connection."""

    def send_again(self) -> None:
        """Send what waits: the client's connection is open again."""

    def close(self) -> None:
        """Close what it has opened."""


class Frames(Protocol):
    """A connection on which messages can be sent."""

    def send_text(self, payload: bytes) -> int:
        """Send a message of text, and return the bytes of its frame."""


class Framed:
    """Sends messages as frames on the client's own WebSocket. Answers come where updates come."""

    def __init__(self, outbox: Outbox) -> None:
        self.connection: Frames | None = None  # the one that is open
        self._outbox = outbox
        outbox.on_refusal = self._send_later

    def send(self, message: SentMessage) -> None:
        """Send a message. While there is no connection it waits."""
        if self.connection is None:
            return
        payload = self._outbox.encoded(message)
        self._outbox.leaves(message)
        try:
            sent_bytes = self.connection.send_text(payload)
        except (OSError, WireraceError):  # its reader notices, too, and connects again
            self.connection = None
        else:
            self._outbox.count_bytes(message, sent_bytes, 0)

    def send_again(self) -> None:
        """Send what waits, in order."""
        for message in list(self._outbox.waiting.values()):
            self.send(message)

    def _send_later(self, message: SentMessage) -> None:
        gevent.spawn_later(LATER_SECONDS, self._send_if_waiting, message)

    def _send_if_waiting(self, message: SentMessage) -> None:
        if message.n in self._outbox.waiting:
            self.send(message)

    def close(self) -> None:
        """Nothing is open but the client's own connection."""


class Lent(Protocol):
    """A client that asks, whose kept connection can carry a message while no request of its own is under way."""

    client: AskingClient
    is_asking: bool
    turn: BoundedSemaphore | None


class Posted:
    """Sends each message as a POST when the one before it is answered, so that they keep their order.

    It goes over the connection of `lender` while that is free, otherwise over one of its own, which is kept as well.
    Over HTTP/2 there is no lender: a message is a stream beside the others.
    """

    def __init__(
        self,
        outbox: Outbox,
        own: AskingClient,
        target: str,
        statistics: Statistics,
        lender: Lent | None = None,
    ) -> None:
        self._outbox = outbox
        self._own = own
        self._target = target
        self._statistics = statistics
        self._note = statistics.times_of("POST", SEND_PATH).note
        self._lender = lender
        if lender is not None:
            lender.turn = BoundedSemaphore(1)

    def send(self, message: SentMessage) -> None:
        """Send a message, again and again until it is answered."""
        pause_seconds = OF_CLIENTS.least_seconds
        while not message.is_answered:
            try:
                self._post(message)
            except BadAnswer as error:
                self._fail(str(error))
            except Refused as error:
                self._outbox.refuse(message, error.status)
                self._fail(str(error))
                pause_seconds = LATER_SECONDS
            except ClosedHere:
                pass  # the load has cut the connection that carried it, so nothing has failed
            except (OSError, WireraceError) as error:
                self._own.close()
                self._fail(str(error))
            if not message.is_answered:
                gevent.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, OF_CLIENTS.most_seconds)

    def send_again(self) -> None:
        """Do nothing: `send` does not give up."""

    def close(self) -> None:
        """Close its own connection."""
        self._own.close()

    def _post(self, message: SentMessage) -> None:
        lender = self._lender
        turn = None if lender is None else lender.turn
        if lender is None or turn is None or lender.is_asking or not lender.client.is_open:
            self._post_on(self._own, message)
            return
        with turn:
            self._post_on(lender.client, message)

    def _post_on(self, client: AskingClient, message: SentMessage) -> None:
        body = self._outbox.encoded(message)
        connects, out_bytes, in_bytes = client.connects, client.out_bytes, client.in_bytes
        self._outbox.leaves(message)
        try:
            response = client.post(self._target, body)
        finally:
            self._outbox.count_connects(client.connects - connects)
            self._outbox.count_bytes(message, client.out_bytes - out_bytes, client.in_bytes - in_bytes)
        arrival_ns = response.stamp.arrival_ns
        self._note(arrival_ns - client.sent_ns, len(response.body))
        self._outbox.take_answer(response.body, arrival_ns)

    def _fail(self, what: str) -> None:
        self._statistics.fail("POST", SEND_PATH, what, 0)
