"""Inbox: what a server does with a client's message: check, stamp, count once, pass on, acknowledge."""

import zlib
from collections.abc import Callable
from http import HTTPStatus

from services.heads import Unmet
from services.keys import MOST_CLIENTS, MessageKeys
from services.receipts import Receipts
from services.relay import Relay
from wirerace.clock import NS_PER_SECOND, Clock, now_ns
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, shown
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.message import MOST_NAME, Acknowledgement, ClientMessage, Passed, Refusal, is_client

REMEMBERED = 65_536
"""The newest messages of which the server knows more than the key."""
UNAVAILABLE = "the producer does not take messages: try again"

Answer = Callable[[Acknowledgement | Refusal], None]
"""Gets the acknowledgement of a message, or why there is none."""


class _Kept:
    """What tells a repeated message from another one with its key, and when it was received first."""

    __slots__ = ("checksum", "is_acknowledged", "received_ns")

    def __init__(self, checksum: int, received_ns: int, *, is_acknowledged: bool) -> None:
        self.checksum = checksum
        self.received_ns = received_ns
        self.is_acknowledged = is_acknowledged


class _Second:
    """A client that sends, and how many of its messages have come in the running second."""

    __slots__ = ("began_ns", "count")

    def __init__(self, now: int) -> None:
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
        self._keys = MessageKeys()
        self._newest: dict[tuple[str, int], _Kept] = {}
        self._senders: dict[str, _Second] = {}  # the one whose second began last is the last one

    def take(self, encoded: bytes, answer: Answer, *, channel: str, fan_out: bool) -> None:
        """Take a message, which is whole now, and answer it: at once, or with `fan_out` when the producer has it.

        It counts as what it was answered with: accepted for its first acknowledgement, repeated for others, or refused.
        """
        received_ns, client, n = self._clock(), "", 0
        try:
            message = _decoded(encoded)
            client, n = message.client, message.n
            kept, is_new = self._noted(message, channel, received_ns)
        except BadInput as error:
            status = error.status if isinstance(error, Unmet) else HTTPStatus.BAD_REQUEST
            self.refuse(answer, Refusal(status, str(error), client, n))
            return

        def then(is_made: bool) -> None:
            if is_made:
                self._metrics.messages["repeated" if kept.is_acknowledged else "accepted"] += 1
                kept.is_acknowledged = True
                answer(Acknowledgement(n, client, kept.received_ns, repeated=not is_new))
            else:
                self.refuse(answer, Refusal(HTTPStatus.SERVICE_UNAVAILABLE, UNAVAILABLE, client, n))

        if fan_out:
            self._relay.add(Passed(channel, client, n, message.ts, message.data), then)
        else:
            then(True)

    def refuse(self, answer: Answer, refusal: Refusal) -> None:
        """Answer with a refusal, and count it."""
        self._metrics.messages["refused"] += 1
        answer(refusal)

    def _noted(self, message: ClientMessage, channel: str, received_ns: int) -> tuple[_Kept, bool]:
        """Note a message in the record; return what is kept of it, and whether it is new.

        Raises BadInput when its client sends too many, or when its key is that of another message.
        """
        self._count(message.client, received_ns)
        key = message.client, message.n
        checksum = zlib.crc32(f"{message.ts} {channel} {message.data}".encode())
        if self._keys.has(*key):
            kept = self._newest.get(key) or _Kept(checksum, received_ns, is_acknowledged=True)
            if kept.checksum != checksum:
                line = f"message {message.n} of {message.client} is another one: give each message a number of its own"
                raise Unmet(HTTPStatus.CONFLICT, line)
            self.receipts.add_repeat(message.ts)
            return kept, False
        self._keys.add(*key)
        kept = self._newest[key] = _Kept(checksum, received_ns, is_acknowledged=False)
        if len(self._newest) > REMEMBERED:
            del self._newest[next(iter(self._newest))]
        self.receipts.add(message.client, message.n, message.ts, received_ns)
        return kept, True

    def _count(self, client: str, now: int) -> None:
        """Count one more message of a client. Raises Unmet when these are too many for a second."""
        sender = self._senders.get(client)
        if sender is None or not 0 <= now - sender.began_ns < NS_PER_SECOND:
            self._senders.pop(client, None)
            sender = self._senders[client] = _Second(now)
            if len(self._senders) > MOST_CLIENTS:
                del self._senders[next(iter(self._senders))]
        sender.count += 1
        if sender.count > self._most_per_second:
            line = f"more than {self._most_per_second} messages of {client} in a second: send fewer"
            raise Unmet(HTTPStatus.TOO_MANY_REQUESTS, line)


def _decoded(encoded: bytes) -> ClientMessage:
    """Return the message in bytes. Raises BadInput, which names the field and the cure."""
    message = decode_json(encoded, ClientMessage, "message")
    if not is_client(message.client):
        raise BadInput(f"message.client must be 1 to {MOST_NAME} letters, digits, _ and -, got {shown(message.client)}")
    return message
