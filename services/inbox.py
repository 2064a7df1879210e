"""Inbox: what a server does with a client's message: check, stamp, count once, pass on, acknowledge."""

import zlib
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from services.heads import Unmet
from services.keys import MOST_CLIENTS, Keys
from services.receipts import Receipts
from services.relay import Relay
from wirerace.clock import NS_PER_SECOND, Clock, now_ns
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, shown
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.message import MOST_NAME, Acknowledgement, Message, Passed, Refusal, is_client

REMEMBERED = 16
"""The newest messages of a client of which the server knows more than the key."""
UNAVAILABLE = "the producer does not take messages: try again"

Answer = Callable[[Acknowledgement | Refusal], None]
"""Gets the acknowledgement of a message, or why there is none."""


class _Kept(NamedTuple):
    """What tells a repeated message from another one with its key, and when it was received first."""

    ts: int
    checksum: int
    received_ns: int


class _Sender:
    """A client that sends: its newest messages, and how many have come in the running second."""

    __slots__ = ("began_ns", "count", "newest")

    def __init__(self, now: int) -> None:
        self.newest: dict[int, _Kept] = {}
        self.began_ns = now
        self.count = 0


class Inbox:
    """Takes messages. `most_per_second` is the limit of each client."""

    def __init__(self, metrics: ServiceMetrics, relay: Relay, most_per_second: int, clock: Clock = now_ns) -> None:
        self.receipts = Receipts(clock())
        self._metrics = metrics
        self._relay = relay
        self._most_per_second = most_per_second
        self._clock = clock
        self._keys = Keys()
        self._senders: dict[str, _Sender] = {}

    def take(self, encoded: bytes, answer: Answer, *, channel: str, fan_out: bool) -> None:
        """Take a message, which is whole now, and answer it: at once, or with `fan_out` when the producer has it."""
        received_ns, client, n = self._clock(), "", 0

        def refuse(status: int, why: str) -> None:
            self._metrics.messages["refused"] += 1
            answer(Refusal(status, why, client, n))

        try:
            message = _decoded(encoded)
            client, n = message.client, message.n
            kept, is_new = self._received(message, received_ns)
        except Unmet as error:
            refuse(error.status, str(error))
            return
        except BadInput as error:
            refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        acknowledgement = Acknowledgement(n, client, kept.received_ns, repeated=not is_new)
        if not fan_out:
            answer(acknowledgement)
            return

        def then(is_made: bool) -> None:
            if is_made:
                answer(acknowledgement)
            else:
                refuse(HTTPStatus.SERVICE_UNAVAILABLE, UNAVAILABLE)

        self._relay.add(Passed(channel, client, n, message.ts, message.data), then)

    def _received(self, message: Message, received_ns: int) -> tuple[_Kept, bool]:
        """Count a message; return what is kept of it, and whether it is new.

        Raises Unmet when its client sends too many, or when its key is that of another message.
        """
        sender = self._sender(message.client, received_ns)
        repeated = self._keys.has(message.client, message.n)
        checksum = zlib.crc32(message.data.encode())
        if repeated:
            kept = sender.newest.get(message.n) or _Kept(message.ts, checksum, received_ns)
            if (kept.ts, kept.checksum) != (message.ts, checksum):
                line = f"message {message.n} of {message.client} is another one: give each message a number of its own"
                raise Unmet(HTTPStatus.CONFLICT, line)
            self._metrics.messages["repeated"] += 1
            self.receipts.add_repeat(message.ts)
            return kept, False
        self._keys.add(message.client, message.n)
        kept = sender.newest[message.n] = _Kept(message.ts, checksum, received_ns)
        if len(sender.newest) > REMEMBERED:
            del sender.newest[next(iter(sender.newest))]
        self._metrics.messages["accepted"] += 1
        self.receipts.add(message.client, message.n, message.ts, received_ns)
        return kept, True

    def _sender(self, client: str, now: int) -> _Sender:
        """Return a client's sender, after counting one more message of it. Raises Unmet when these are too many."""
        sender = self._senders.get(client)
        if sender is None:
            sender = self._senders[client] = _Sender(now)
            if len(self._senders) > MOST_CLIENTS:
                del self._senders[next(iter(self._senders))]
        if now - sender.began_ns >= NS_PER_SECOND:
            sender.began_ns, sender.count = now, 0
        sender.count += 1
        if sender.count > self._most_per_second:
            line = f"more than {self._most_per_second} messages of {client} in a second: send fewer"
            raise Unmet(HTTPStatus.TOO_MANY_REQUESTS, line)
        return sender


def _decoded(encoded: bytes) -> Message:
    """Return the message in bytes. Raises BadInput, which names the field and the cure."""
    message = decode_json(encoded, Message, "message")
    if not is_client(message.client):
        raise BadInput(f"message.client must be 1 to {MOST_NAME} letters, digits, _ and -, got {shown(message.client)}")
    return message
