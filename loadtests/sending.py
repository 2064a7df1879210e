"""Sending: each client sends at times fixed beforehand; an unanswered message is sent again when it can be."""

import itertools
import secrets
from collections.abc import Iterator
from typing import ClassVar, Protocol

import gevent
from gevent.event import AsyncResult

from loadtests import wall
from loadtests.carriers import Carrier
from loadtests.outbox import Letters, Outbox
from wirerace.clock import NS_PER_SECOND, to_ns
from wirerace.observe.account import Window
from wirerace.observe.accounting import Account
from wirerace.streams import letters_of, stream
from wirerace.transports.transport import Transport
from wirerace.workload.upstream import Upstream, times_of

FOR_EVER = Window(0, 2**63 - 1)


class SendingClient(Protocol):
    """What a sender needs of a client."""

    transport: ClassVar[Transport]
    account: Account

    def carrier(self, outbox: Outbox) -> Carrier:
        """Return what carries its messages."""


class _ClientMessages:
    """One client's messages: the times that are to come, and the greenlet that sends them."""

    def __init__(self, outbox: Outbox, carrier: Carrier, number: int) -> None:
        self.outbox = outbox
        self.carrier = carrier
        self.number = number
        self.joined_ns = wall.now_ns()
        self.coming: Iterator[int] = iter(())
        self.next_ns: int | None = None  # when the one that it waits for is due
        self.greenlet: gevent.Greenlet | None = None

    def unanswered(self, now: int) -> int:
        """Return how many messages wait for an answer, one that is due and for which the load wakes late among them."""
        return len(self.outbox.waiting) + (self.next_ns is not None and self.next_ns <= now)


class SendingHost:
    """The messages of one load process's clients. Names of clients are random, as one server may see many tests."""

    def __init__(self, upstream: Upstream, seed: int, index: int, warmup_seconds: float, *, waits: bool) -> None:
        """`waits` says that an experiment sets a window; without one, clients send as soon as they are there."""
        self.upstream = upstream
        self._seed = seed
        self._index = index
        self._warmup_ns = to_ns(warmup_seconds)
        self._token = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._clients = itertools.count(1)
        self._letters = Letters(
            letters_of(stream(seed, "messages"), 2 * upstream.payload_bytes), upstream.payload_bytes
        )
        self._window: AsyncResult = AsyncResult()
        self._senders: dict[object, _ClientMessages] = {}
        self._waits = waits
        if not waits:
            self._window.set(FOR_EVER)

    @property
    def unanswered(self) -> int:
        """The number of messages that are due and have no answer yet."""
        now = wall.now_ns()
        return sum(sender.unanswered(now) for sender in self._senders.values())

    def outbox_of(self, account: Account) -> Outbox | None:
        """Return the outbox of a new client, None if clients do not send."""
        if not self.upstream.is_on:
            return None
        return Outbox(f"{self._token}-{next(self._numbers)}", self._letters, account)

    def begin(self, window: Window) -> None:
        """Let clients send, from the warm-up to the end of the window."""
        self._window.set(window)

    def connected(self, client: SendingClient, outbox: Outbox) -> None:
        """Let a client send from now on, or send again what waits if its connection broke."""
        sender = self._senders.get(client)
        if sender is None:
            sender = self._senders[client] = _ClientMessages(outbox, client.carrier(outbox), next(self._clients))
            sender.greenlet = gevent.spawn(self._send, sender)
        else:
            sender.carrier.send_again()

    def leave(self, client: object) -> None:
        """End a client's messages. Those that were due by now and could not leave are listed, too."""
        sender = self._senders.pop(client, None)
        if sender is not None:
            self._end(sender)

    def stop(self) -> None:
        """End all messages: the test is over."""
        for sender in self._senders.values():
            self._end(sender)
        self._senders.clear()

    def _end(self, sender: _ClientMessages) -> None:
        if sender.greenlet is not None:
            sender.greenlet.kill(block=False)
        next_ns = [] if sender.next_ns is None else [sender.next_ns]
        for due_ns in itertools.takewhile(wall.now_ns().__gt__, itertools.chain(next_ns, sender.coming)):
            sender.outbox.add(due_ns)
        sender.carrier.close()

    def _send(self, sender: _ClientMessages) -> None:
        """Send each message when it is due, or as soon as the one before it lets it."""
        window: Window = self._window.get()
        start_ns = window.from_ns - self._warmup_ns if self._waits else sender.joined_ns
        client = (self._index, sender.number)
        coming = times_of(self.upstream, self._seed, client, start_ns, window.to_ns)
        sender.coming = itertools.dropwhile(sender.joined_ns.__gt__, coming)
        for due_ns in sender.coming:
            sender.next_ns, slept = due_ns, False
            while (left_ns := due_ns - wall.now_ns()) > 0:
                slept = True
                gevent.sleep(left_ns / NS_PER_SECOND)
            sender.next_ns = None
            sender.carrier.send(sender.outbox.add(due_ns, late_ns=-left_ns if slept else None))
