"""Everything that a check uses: the server under test, clients of its transport, our feed, and a restart."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from wirerace.checking.address import CheckedAddress
from wirerace.checking.clients import client_module
from wirerace.checking.clients.client import ContractClient, Receipt
from wirerace.checking.command import ServerCommand
from wirerace.checking.feed import OwnFeed
from wirerace.checking.http import Answer, request
from wirerace.checking.talk import Patience, Talk
from wirerace.checking.verdicts import NotChecked, Unkept
from wirerace.transports import TRANSPORTS
from wirerace.wire.update import Update

LOOK_SECONDS = 0.02
FEED_SECONDS = 5.0
"""How long a server may take, beyond the usual patience, to connect to the feed again: its pauses are 1 s at most."""


class Scene:
    """One server under test. Whatever a check has opened is closed by `tidy`."""

    def __init__(
        self,
        transport: str,
        address: CheckedAddress,
        patience: Patience,
        feed: OwnFeed | None = None,
        command: ServerCommand | None = None,
    ) -> None:
        self.transport = TRANSPORTS[transport]
        self.clients = client_module(transport)
        self.address = address
        self.patience = patience
        self.command = command
        self._feed = feed
        self._opened: list[ContractClient | Talk] = []

    @property
    def feed(self) -> OwnFeed:
        """Our feed."""
        if self._feed is None:
            raise NotChecked("needs a server that follows our feed")
        return self._feed

    @property
    def has_feed(self) -> bool:
        """Whether there is a feed."""
        return self._feed is not None

    @property
    def seconds(self) -> float:
        """How long to wait for what must come at once."""
        return self.patience.seconds

    # Bare connections.

    async def connect(self, receive_bytes: int = 0) -> Talk:
        """Return a connection."""
        self._opened.append(talk := await Talk.open(self.address, self.patience, receive_bytes))
        return talk

    def request(self, query: str = "", *headers: str, **parts: Any) -> bytes:
        """Return the transport's request for updates."""
        target = self.transport.path + (f"?{query}" if query else "")
        return self.spelled(target, *self.clients.HEADERS, *headers, **parts)

    def spelled(self, target: str, *headers: str, **parts: Any) -> bytes:
        """Return a request."""
        return request(target, *headers, **({"host": self.address.host_port} | parts))

    async def ask(self, encoded: bytes, within: float | None = None) -> Answer:
        """Return the answer to a request, on a connection of its own."""
        return await (await self.connect()).ask(encoded, within)

    async def ask_head(self, encoded: bytes) -> Answer:
        """Return the head of the answer to a request, on a connection of its own."""
        talk = await self.connect()
        await talk.send(encoded)
        return await talk.head()

    # Clients.

    def client(self, after: str = "", query: str = "", headers: str = "") -> Any:
        """Return a client that has not subscribed yet."""
        self._opened.append(client := self.clients.Client(self.connect, self.request, after, query, headers))
        return client

    async def subscribe(self, after: str = "", query: str = "", headers: str = "") -> Any:
        """Return a client that has subscribed. Without a cursor in the answer it goes on from ours."""
        client = self.client(after, query, headers)
        await client.subscribe()
        if self.has_feed:
            client.cursor = client.cursor or self.feed.at(self.feed.head)
        return client

    async def expect(self, client: ContractClient, updates: Sequence[Update], within: float = 0.0) -> list[Receipt]:
        """Return what a client received: exactly these updates, in this order. Raises Unkept otherwise."""
        seconds = within or self.seconds
        found = await client.receive(len(updates), seconds)
        come = [receipt.update for receipt in found]
        before = [receipt.update for receipt in client.receipts[: client.taken - len(found)]]
        for place, (wanted, came) in enumerate(zip(updates, come, strict=False)):
            if wanted != came:
                raise Unkept(
                    _expected(updates, place),
                    _came(wanted, [*before, *come], len(before) + place),
                    found[place].encoded,
                )
        if len(come) < len(updates):
            what = f"{client.ended}, after" if client.ended else f"in {seconds:.1f} s"
            missing = f"{what} {len(come)} of {len(updates)} updates"
            raise Unkept(_expected(updates, len(come)), missing, client.talk.seen, is_silent=not client.ended)
        return found

    # What is made.

    async def make_and_see(self, count: int = 1, payload_bytes: int = 10) -> list[Update]:
        """Make updates, and wait until a client of the server has them all."""
        witness = await self.subscribe()
        updates = self.make(count, payload_bytes)
        await self.expect(witness, updates, self.seconds + payload_bytes * count / 1e6)
        witness.close()
        return updates

    def make(self, count: int = 1, payload_bytes: int = 10) -> list[Update]:
        """Make updates."""
        first = self.feed.head + 1
        return self.feed.make(*(f"{seq}".ljust(payload_bytes, "x") for seq in range(first, first + count)))

    # Faults.

    async def mend(self) -> None:
        """Make the feed work again, and wait until the server follows it. Raises Unkept when it does not."""
        self.feed.mend()
        await self.until_followed()

    async def until_followed(self) -> None:
        """Wait until the server follows the feed. Raises Unkept when it does not."""
        within = min(self.seconds, Patience.HASTY_SECONDS)
        if self.feed.asked:  # Otherwise it has had time enough before the first check.
            within = self.seconds + (FEED_SECONDS if self.seconds == self.patience.full_seconds else 0.0)
        if not await self.feed.until_followed(within):
            raise Unkept(f"GET /feed at {self.feed.url}", f"none within {within:g} s", is_silent=True)

    async def until(self, holds: Callable[[], Awaitable[bool]], expected: str, came: str, within: float = 0.0) -> None:
        """Wait until `holds` returns true. Raises Unkept when it does not."""
        seconds = within or self.seconds
        if not await wait_until(holds, seconds):
            raise Unkept(expected, f"{came} within {seconds:g} s")

    async def restart(self) -> None:
        """Start the server under test again."""
        if self.command is None:
            raise NotChecked("needs --command, with which the server can be started again")
        await self.command.stop()
        await self.command.start()

    def tidy(self) -> None:
        """Close what is open."""
        for opened in self._opened:
            opened.close()
        self._opened.clear()


async def wait_until(holds: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Look until `holds` returns true, or the time is over; return whether it does."""
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


def _expected(updates: Sequence[Update], place: int) -> str:
    """Return in words which update should be next."""
    before = f" after {_key(updates[place - 1])}" if place else ""
    return f"update {_key(updates[place])}{before}"


def _came(wanted: Update, come: Sequence[Update], place: int) -> str:
    """Return in words what came in the place of an update."""
    came = come[place]
    if (came.epoch, came.seq, came.channel) == (wanted.epoch, wanted.seq, wanted.channel):
        fields = [name for name in came.__struct_fields__ if getattr(came, name) != getattr(wanted, name)]
        return f"the same update with another {' and '.join(fields)}"
    return f"update {_key(came)}{' again' if came in come[:place] else ''}"


def _key(update: Update) -> str:
    place = f"{update.epoch}-{update.seq}"
    return f"{place} of channel {update.channel}" if update.channel else place
