"""The feed over NATS JetStream: an ordered consumer of the stream of the producer's epoch, from a server's cursor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, NoReturn

from nats.aio.msg import Msg

from services.feed_link import BadFeed
from services.feeds import Ask, FeedKind, FeedTaker, NotPassed
from services.feeds.nats_broker import NatsBroker
from services.feeds.nats_link import STATUS, BrokerLink, address_in, opened
from wirerace.clock import NS_PER_SECOND, now_ns
from wirerace.errors import BadCursor, shown
from wirerace.wire.update import CURSOR_HEADER, Cursor

LEAST_HEARTBEAT_SECONDS = 0.1  # JetStream allows no shorter one
BEATS_IN_SILENCE = 3


class Stored(NamedTuple):
    """Where a message is in its stream, and when the broker stored it, Unix nanoseconds."""

    seq: int
    at_ns: int

    @classmethod
    def of(cls, reply: str) -> "Stored":
        """Return what the reply subject of a message says (ADR-15): $JS.ACK.….SEQ.CONSUMER_SEQ.TIME.PENDING.

        Raises BadFeed when it says nothing.
        """
        tokens = reply.split(".")
        first = 5 if len(tokens) == 9 else 7  # with a domain and an account there are two more before it
        try:
            return cls(int(tokens[first]), int(tokens[first + 2]))
        except (IndexError, ValueError):
            raise BadFeed(f"a message is not from JetStream, its reply is {shown(reply)}") from None


class Following:
    """One link to the stream. What one read of the connection brings is taken together.

    The link is silent when no heartbeat comes, neither the producer's nor that of JetStream's consumer.
    """

    def __init__(self, link: BrokerLink, after: Cursor, taker: FeedTaker) -> None:
        self._link = link
        self._after = after
        self._taker = taker
        self._time = asyncio.get_running_loop().time
        self._producer_at = self._stream_at = self._time()
        self._newest: Cursor | None = None
        self._has_begun = False
        self._is_first = True
        self._seq = 0
        self._ends_at: int | None = None
        self._came: list[bytes] = []

    @property
    def heard_at(self) -> float:
        """When the last heartbeat came of the one that has been silent longer."""
        return min(self._producer_at, self._stream_at)

    async def begin(self, silence_seconds: float) -> None:
        """Begin after the cursor: the producer tells its newest one, and JetStream sends what is behind it.

        Raises OSError when no producer publishes there, or when its stream is not there yet; BadFeed when there is
        no feed.
        """
        link, address = self._link, self._link.address
        await link.listen(address.beats, self._on_beat)
        head = await link.ask(address.head, b"", silence_seconds)
        self._newest = newest = _cursor_in(head)
        self._seq = self._after.seq if self._after.epoch == newest.epoch else 0
        inbox = link.client.new_inbox()
        await link.listen(inbox, self._on_update)
        heartbeat_seconds = max(silence_seconds / BEATS_IN_SILENCE, LEAST_HEARTBEAT_SECONDS)
        stream = address.stream(newest.epoch)
        config = {
            "deliver_subject": inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._seq + 1,
            "ack_policy": "none",
            "max_deliver": 1,
            "replay_policy": "instant",
            "flow_control": True,
            "idle_heartbeat": round(heartbeat_seconds * NS_PER_SECOND),
            "num_replicas": 1,
            "mem_storage": True,
        }
        order = {"stream_name": stream, "config": config}
        await link.api(f"CONSUMER.CREATE.{stream}", silence_seconds, order)
        self._producer_at = self._stream_at = self._time()
        self._taker.begin(newest)
        self._has_begun = True
        if head.data:
            self._taker.take([head.data.rstrip(b"\n")])
        self._deliver()

    async def _on_beat(self, message: Msg) -> None:
        """Note the producer's heartbeat: its newest cursor, behind `end` where it ends the feed."""
        if self._newest is None:
            return
        end, _, text = message.data.decode("latin-1").rpartition(" ")
        cursor = Cursor.parse(text)
        if cursor.epoch == self._newest.epoch:
            self._producer_at = self._time()
            self._ends_at = cursor.seq if end else None
            self._look_for_the_end()
        elif not end:
            raise ConnectionError("another producer publishes there now")

    async def _on_update(self, message: Msg) -> None:
        """Queue an update; answer JetStream when it wants to know whether this server keeps up."""
        self._stream_at = self._time()
        if not message.data and message.headers and STATUS in message.headers:
            if reply := message.reply or message.headers.get("Nats-Consumer-Stalled"):
                await self._link.client.publish(reply)
            return
        stored = Stored.of(message.reply)
        if stored.seq <= self._seq or self._link.lost.done():
            return  # a stream that was filled again begins before this server's cursor
        if stored.seq != self._seq + 1 and not self._is_first:
            raise ConnectionError("updates were dropped from the stream before they were read")
        if b"\n" in message.data:
            raise BadFeed(f"an update is one line, got {shown(message.data)}")
        self._is_first = False
        self._seq = stored.seq
        self._taker.stored(now_ns() - stored.at_ns)
        if not self._came:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._came.append(b"%d %b" % (stored.seq, message.data))

    def _deliver(self) -> None:
        """Hand on what has come."""
        if not (self._has_begun and self._came):
            return
        came, self._came = self._came, []
        try:
            self._taker.take(came)
            self._look_for_the_end()
        except Exception as error:  # noqa: BLE001 -- `follow` raises it
            self._link.fail(error)

    def _look_for_the_end(self) -> None:
        if self._ends_at is not None and self._seq >= self._ends_at and not self._came:
            self._link.fail(ConnectionError("it has ended"))


async def follow(url: str, after: Cursor, taker: FeedTaker, silence_seconds: float) -> NoReturn:
    """Follow the feed that a producer publishes at a broker, nats://HOST:PORT/NAME, after a cursor."""
    time = asyncio.get_running_loop().time
    async with opened(address_in(url), silence_seconds) as link:
        following = Following(link, after, taker)
        await following.begin(silence_seconds)
        while (left_seconds := following.heard_at + silence_seconds - time()) > 0:
            await asyncio.wait({link.lost}, timeout=left_seconds)
            if link.lost.done():
                raise link.lost.result()
        raise TimeoutError(f"it was silent for {silence_seconds:g} s")


@asynccontextmanager
async def passing(url: str, within_seconds: float, most_bytes: int) -> AsyncIterator[Ask]:
    """Yield a function that sends messages to the producer by way of the broker, on a connection that is kept."""
    address = address_in(url)
    link = BrokerLink(address)

    async def ask(body: bytes) -> bytes:
        nonlocal link
        if not link.client.is_connected:
            await link.close()
            link = BrokerLink(address)
            await link.open(within_seconds)
        answer = await link.ask(address.messages, body, within_seconds)
        if len(answer.data) > most_bytes:
            raise NotPassed(f"its answer has more than {most_bytes} bytes")
        return answer.data

    try:
        yield ask
    finally:
        await link.close()


def _cursor_in(head: Msg) -> Cursor:
    """Return the producer's newest cursor. Raises BadFeed when there is none."""
    try:
        return Cursor.parse((head.headers or {}).get(CURSOR_HEADER, ""))
    except BadCursor:
        raise BadFeed(f"what answers there has no cursor in {CURSOR_HEADER}: it is no producer") from None


def _address(url: str) -> str:
    return address_in(url).url


FEED = FeedKind(_address, follow, passing, NatsBroker)
