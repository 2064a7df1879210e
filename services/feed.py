"""The feed, as a server follows it: from the producer or a broker, resumed at its cursor whenever it breaks."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated, NoReturn

import msgspec
from msgspec import Meta

from services.channel import Channel, Channels
from services.feed_link import BadFeed
from services.feeds import FeedTaker, feed_at
from wirerace.backoff import OF_FEED
from wirerace.clock import Clock, now_ns
from wirerace.errors import printable, shown
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import NO_UPDATE, Cursor, Update, decode_update, is_channel, is_epoch
from wirerace.workload.schedule import MOST_CHANNELS

HEARTBEAT_SECONDS = 1.0
"""How often the producer sends an empty line when it has nothing else to send."""
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""After this long without a byte the link counts as lost."""
FROM_THE_OLDEST = Cursor("0", 0)
"""A cursor of no epoch: a server without updates asks for all that the producer still keeps."""
MOST_DIGITS = 18  # of a number in the feed, as of a seq
HEADS = b'{"heads":'
"""How the line begins that names each channel and its newest `seq`. It is the first one of a feed with named channels.

Nothing else names a channel whose updates the producer has dropped.
"""

logger = logging.getLogger(__name__)


class Heads(msgspec.Struct, frozen=True):
    """The channels of a producer, and the newest `seq` of each."""

    heads: dict[str, Annotated[int, Meta(ge=0, lt=10**18)]]


class Feed:
    """Follows the producer into the channels of a server.

    `cursor` is a place in the feed, which numbers the updates of all channels together.

    `live` is false while the link is lost, and `trouble` says why. `caught_up` becomes true, for good, when the server
    has caught up for the first time. Until then it must not answer, because it may lack updates that its clients have.
    """

    def __init__(
        self,
        channels: Channels,
        metrics: ServiceMetrics,
        *,
        pack: Callable[[bytes, Update], bytes] = lambda line, _: line,
        clock: Clock = now_ns,
    ) -> None:
        self.channels = channels
        self.cursor: Cursor | None = None
        self.live = False
        self.caught_up = False
        self.trouble = "no feed from the producer yet"
        self._complaints: set[str] = set()
        self._nonsense = ""
        self._metrics = metrics
        self._pack = pack
        self._clock = clock
        self._heads: dict[str, int] = {}
        self._newest = FROM_THE_OLDEST

    def end(self) -> None:
        """End every wait, now and later: the server is shutting down."""
        for channel in self.channels:
            channel.end()

    def publish(self, lines: Iterable[bytes]) -> None:
        """Ingest updates in the order of arrival, then deliver them: those of one channel together.

        Raises BadFeed at the first line that is no update, or not the next one. The lines before it are ingested.
        """
        brought: dict[Channel, None] = {}  # in order
        try:
            for line in lines:
                if line.startswith(HEADS):
                    self._heads = heads_in(line)
                else:
                    brought[self._ingest(line)] = None
        finally:
            for channel in brought:
                channel.deliver()

    def _ingest(self, line: bytes) -> Channel:
        """Keep an update, and return its channel."""
        number, line = numbered(line)
        update = self._checked(line)
        cursor = Cursor(update.epoch, update.seq if number is None else number)
        _check_order(cursor, self.cursor)
        channel = self.channels.get(update.channel) or self._opened(update.channel)
        _check_order(update, channel.recent.cursor)
        self.cursor = cursor
        packed = self._pack(line, update)
        self._metrics.count_update(self._clock() - update.ts)  # before the fan-out, which is no part of the lag
        channel.add(update, packed)
        return channel

    def _checked(self, line: bytes) -> Update:
        """Return the update in a line. Clients get the line unchanged, so all of it must be right."""
        try:
            update = decode_update(line)
            if not line.isascii():
                line.decode()  # unknown fields are forwarded, too
        except NO_UPDATE as error:
            raise BadFeed(f"a line is no update: {error}, in {shown(line)}") from None
        if (self.cursor is None or update.epoch != self.cursor.epoch) and not is_epoch(update.epoch):
            raise BadFeed(f"an epoch is 1 to 16 of 0-9 and a-z, got {shown(update.epoch)}")
        return update

    def _opened(self, name: str) -> Channel:
        """Open a channel, which the feed has named for the first time."""
        if not is_channel(name):
            raise BadFeed(f"a channel is 1 to 32 letters, digits, _ and -, got {shown(name)}")
        if len(self.channels) > MOST_CHANNELS:
            raise BadFeed(f"there are more than {MOST_CHANNELS} channels")
        return self.channels.open(name)

    async def follow(self, url: str) -> NoReturn:
        """Follow the producer at `url` until cancelled, through lost links and new epochs."""
        least, most = OF_FEED
        pause = least
        while True:
            try:
                await self._follow_once(url)
            except (OSError, BadFeed) as lost:
                was_right = self.live and not isinstance(lost, BadFeed)
                pause = least if was_right else min(2 * pause, most)
                self._lose(url, lost)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    def _lose(self, url: str, error: Exception) -> None:
        """Stop being live. Each reason is logged once until the feed is live again."""
        reason = printable(str(error)) or type(error).__name__
        self.live = False
        self._metrics.feed_live = 0
        self.trouble = f"no feed from {url}: {reason}"
        is_known = type(error).__name__ in self._complaints or reason == self._nonsense
        self._complaints.add(type(error).__name__)
        self._nonsense = reason if isinstance(error, BadFeed) else ""
        logger.log(logging.DEBUG if is_known else logging.WARNING, "%s; trying again", self.trouble)

    async def _follow_once(self, url: str) -> NoReturn:
        after = self.cursor or FROM_THE_OLDEST
        self._heads = {}
        taker = FeedTaker(partial(self._begin, url, after), self._take, self._metrics.count_stored)
        await feed_at(url).follow(url, after, taker, SILENCE_SECONDS)

    def _begin(self, url: str, after: Cursor, newest: Cursor) -> None:
        """Note that a link was made that begins after a cursor. `newest` is the producer's head."""
        logger.log(logging.DEBUG if self._nonsense else logging.INFO, "feed %s connected, after %s", url, after)
        self._metrics.feed_connects += 1
        if self.cursor is None or newest.epoch != after.epoch:
            self.cursor = Cursor(newest.epoch, 0)
            for channel in self.channels:
                channel.recent.turn_to(self.cursor)
        self._newest = newest
        self._note_progress()

    def _take(self, lines: list[bytes]) -> None:
        """Take the lines of one read."""
        self._metrics.feed_reads += 1
        self.publish(lines)
        self._note_progress()

    def _note_progress(self) -> None:
        """Go live once everything up to the head has come that the producer had when the link was made."""
        cursor, newest = self.cursor, self._newest
        if not self.live and cursor is not None and cursor.epoch == newest.epoch and cursor.seq >= newest.seq:
            self._take_heads(cursor.epoch)
            self.live = self.caught_up = True
            self.trouble = ""
            self._complaints.clear()
            self._metrics.feed_live = 1

    def _take_heads(self, epoch: str) -> None:
        """Open the channels whose updates the producer has dropped, and note what is missing in the others for good."""
        for name, seq in self._heads.items():
            recent = (self.channels.get(name) or self._opened(name)).recent
            newest = recent.cursor
            if newest is None or newest.epoch != epoch or newest.seq < seq:
                recent.turn_to(Cursor(epoch, seq))


def _check_order(coming: Cursor | Update, newest: Cursor | None) -> None:
    """Raise BadFeed when what is coming is not behind the newest, in the feed or in a channel."""
    if newest is not None and newest.epoch == coming.epoch and coming.seq <= newest.seq:
        raise BadFeed(f"update {coming.seq} of epoch {coming.epoch} comes after update {newest.seq}")


def numbered(line: bytes) -> tuple[int | None, bytes]:
    """Return an update's number in the feed, None if that is its `seq`, and its line without the number.

    Raises BadFeed when a line begins with a digit, but not with a number and a space.
    """
    if not line[:1].isdigit():
        return None, line
    number, space, rest = line.partition(b" ")
    if not (number.isdigit() and space and len(number) <= MOST_DIGITS):
        raise BadFeed(f"a line begins with a number and a space, or with an update, got {shown(line)}")
    return int(number), rest


def heads_in(line: bytes) -> dict[str, int]:
    """Return the newest `seq` of each channel in a line.

    Raises BadFeed when it is malformed.
    """
    try:
        return msgspec.json.decode(line, type=Heads).heads
    except NO_UPDATE as error:
        raise BadFeed(f"a line of heads is malformed: {error}, in {shown(line)}") from None
