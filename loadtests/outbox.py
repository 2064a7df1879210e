"""An outbox: a client's messages, those that wait for their answer among them."""

from collections.abc import Callable
from typing import NamedTuple

from loadtests import wall
from wirerace.errors import BadAnswer
from wirerace.observe.accounting import Account
from wirerace.observe.upstream import LATER, SentMessage
from wirerace.wire.frames import size_of_frame
from wirerace.wire.message import (
    ACKNOWLEDGED,
    REFUSED,
    Acknowledgement,
    ClientMessage,
    Refusal,
    decode_acknowledgement,
    decode_refusal,
    encode,
)
from wirerace.wire.update import NO_UPDATE


class Letters(NamedTuple):
    """What payloads are cut from: twice as many letters as a payload has."""

    text: str
    size: int

    def payload(self, n: int) -> str:
        """Return the payload of a client's n-th message: the same whenever it is sent."""
        start = n % self.size if self.size else 0
        return self.text[start : start + self.size]


class Outbox:
    """One client's messages. Those that are due in the window are listed in the account.

    `on_refusal` is called with a message that may be taken later.
    """

    def __init__(self, name: str, letters: Letters, account: Account) -> None:
        self.name = name
        self.waiting: dict[int, SentMessage] = {}  # those without an answer, in order
        self._letters = letters
        self._account = account
        self._last = 0
        self.on_refusal: Callable[[SentMessage], None] = lambda _: None

    def add(self, due_ns: int, *, late_ns: int | None = None) -> SentMessage:
        """Return the next message, which is due. `late_ns` is how late the load woke for it, if it slept until then."""
        self._last += 1
        if late_ns is not None and self._account.window.has(due_ns):
            self._account.waking.record(late_ns)
        message = self.waiting[self._last] = SentMessage(self._last, due_ns)
        self._account.tally.messages += 1
        if self._account.window.has(due_ns):
            self._account.totals.messages.setdefault(self.name, []).append(message)
        return message

    def encoded(self, message: SentMessage) -> bytes:
        """Return a message as it travels, whether for the first time or again."""
        return encode(ClientMessage(self.name, message.n, message.due_ns, self._letters.payload(message.n)))

    def leaves(self, message: SentMessage) -> None:
        """Note that a message is handed to the kernel now."""
        message.left_ns = message.left_ns or wall.now_ns()
        message.tries += 1

    def count_bytes(self, message: SentMessage, out: int, into: int) -> None:
        """Count what a message and its answer took, application layer."""
        if self._account.window.has(message.due_ns):
            self._account.totals.message_bytes_out += out
            self._account.totals.message_bytes_in += into

    def count_connects(self, connects: int) -> None:
        """Count connections that were opened for messages."""
        self._account.totals.message_connects += connects

    def take_answer(self, encoded: bytes, arrival_ns: int) -> SentMessage | None:
        """Take the server's answer to a message, and return that message; None if it answers nothing that waits.

        Raises BadAnswer when it is none.
        """
        try:
            if encoded.startswith(REFUSED):
                return self._refused(decode_refusal(encoded))
            return self._acknowledged(decode_acknowledgement(encoded), arrival_ns)
        except NO_UPDATE as error:
            raise BadAnswer(f"no acknowledgement: {error}") from None

    def refuse(self, message: SentMessage, status: int) -> None:
        """Note that a message was refused; it waits on if it may be taken later."""
        message.refused = status
        if status in LATER:
            self.on_refusal(message)
        else:
            self.waiting.pop(message.n, None)

    def _refused(self, refusal: Refusal) -> SentMessage | None:
        message = self.waiting.get(refusal.n)
        if message is not None and refusal.client == self.name:
            self.refuse(message, refusal.refused)
            return message
        self._account.totals.stray_answers += 1
        return None

    def _acknowledged(self, answer: Acknowledgement, arrival_ns: int) -> SentMessage | None:
        message = self.waiting.get(answer.ack)
        if message is None or answer.client != self.name or not message.tries:
            self._account.totals.stray_answers += 1
            return None
        del self.waiting[answer.ack]
        message.received_ns, message.acknowledged_ns = answer.received, arrival_ns
        message.refused = 0
        self._account.tally.acknowledged += 1
        return message

    def without_answers(self, messages: list[bytes], arrival_ns: int) -> list[bytes]:
        """Return what a connection brought without the answers in it, which are taken."""
        return [message for message in messages if not self._took(message, arrival_ns)]

    def _took(self, encoded: bytes, arrival_ns: int) -> bool:
        if not encoded.startswith((ACKNOWLEDGED, REFUSED)):
            return False
        message = self.take_answer(encoded, arrival_ns)
        if message is not None:
            self.count_bytes(message, 0, size_of_frame(len(encoded)))
        return True
