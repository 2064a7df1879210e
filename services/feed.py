"""The feed, as a server follows it: one long response of the producer, resumed at its cursor whenever it breaks."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import aiohttp
import msgspec

from services.recent import Recent
from wirerace.clock import NS_PER_SECOND, Clock, now_ns
from wirerace.errors import BadCursor
from wirerace.metrics import ServiceMetrics
from wirerace.wire import CURSOR_HEADER, Cursor, decode_update

HEARTBEAT_SECONDS = 1.0
"""How often the producer sends an empty line when it has nothing else to say."""
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""After so much silence the link counts as lost."""
FROM_THE_OLDEST = Cursor("0", 0)
"""A cursor of no epoch: a server that has nothing asks for all that the producer still keeps."""
BACKOFF_SECONDS = (0.05, 1.0)

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class _Waiter(NamedTuple):
    """Who waits for an update behind `after`, which had `position` when the waiting began."""

    position: int
    after: Cursor | None
    act: Callable[[int], Any]


class Feed:
    """Follows the producer into `recent` and tells those who wait.

    `live` is false while the link is lost. `caught_up` turns true, for good, when the first catching-up has ended:
    until then a server must not speak about updates, for it might lack some that its clients have.
    """

    def __init__(
        self,
        recent: Recent,
        metrics: ServiceMetrics,
        *,
        pack: Callable[[bytes], bytes] = bytes,
        clock: Clock = now_ns,
    ) -> None:
        self.recent = recent
        self.live = False
        self.caught_up = False
        self._metrics = metrics
        self._pack = pack
        self._clock = clock
        self._listeners: list[Callable[[bytes, int], None]] = []
        self._waiters: dict[asyncio.Future[Any], _Waiter] = {}
        self._ended = False

    def listen(self, listener: Callable[[bytes, int], None]) -> None:
        """Have `listener` called with each update's packed bytes and payload size."""
        self._listeners.append(listener)

    async def once_newer(
        self, after: Cursor | None, wait_seconds: float, act: Callable[[int], Result]
    ) -> Result | None:
        """Call `act` with the position of `after` as soon as there is an update behind it, and return its result.

        None when there was none for `wait_seconds`. It is called from where the update comes in, one waiter after the
        other, before any of them runs: the last one waits for the others' `act`, not for all that the others do after
        it. What it raises, its waiter gets.
        """
        position = self.recent.position(after)
        if self.recent.head > position:
            return act(position)
        if self._ended:
            return None
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result | None] = loop.create_future()
        timer = loop.call_later(wait_seconds, _settle, future, lambda: None)
        self._waiters[future] = _Waiter(position, after, act)
        self._metrics.held_requests += 1
        try:
            return await future
        finally:
            timer.cancel()
            self._waiters.pop(future, None)
            self._metrics.held_requests -= 1

    async def reach(self, after: Cursor | None) -> int:
        """Return the position of `after` once this server is not behind it; a client may have been further."""
        while (position := self.recent.position(after)) > self.recent.head and not self._ended:
            await self.once_newer(None, SILENCE_SECONDS, lambda _: None)
        return min(position, self.recent.head)

    def end(self) -> None:
        """Let everybody go who waits, now and later: the server is shutting down."""
        self._ended = True
        for waiter in self._waiters:
            _settle(waiter, lambda: None)

    def publish(self, lines: Iterable[bytes]) -> None:
        """Ingest updates as they came, and tell listeners, then waiters."""
        head_before = self.recent.head
        try:
            for line in lines:
                self._ingest(line)
        finally:
            self._wake(head_before)

    def _ingest(self, line: bytes) -> None:
        update = decode_update(line)
        packed = self._pack(line)
        self.recent.append(update, packed)
        self._metrics.updates += 1
        self._metrics.feed_lag.observe((self._clock() - update.ts) / NS_PER_SECOND)
        for listener in self._listeners:
            listener(packed, update.payload_bytes)

    def _wake(self, head_before: int) -> None:
        waiters, self._waiters = self._waiters, {}
        for future, waiter in waiters.items():
            position = waiter.position
            if position > head_before:  # It was ahead of this server; since then its epoch may have ended.
                position = self.recent.position(waiter.after)
            if self.recent.head > position:
                _settle(future, partial(waiter.act, position))
            else:
                self._waiters[future] = waiter

    async def follow(self, url: str) -> None:
        """Follow the producer at `url` until cancelled, through lost links and new epochs."""
        least, most = BACKOFF_SECONDS
        pause = least
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=SILENCE_SECONDS, sock_read=SILENCE_SECONDS)
        ) as session:
            while True:
                try:
                    await self._follow_once(session, url)
                except (aiohttp.ClientError, msgspec.DecodeError, TimeoutError, OSError, BadCursor) as error:
                    level = logging.WARNING if self.live or not self._metrics.feed_connects else logging.DEBUG
                    logger.log(level, "feed %s: %s; trying again", url, str(error) or type(error).__name__)
                pause = least if self.live else min(2 * pause, most)
                self.live = False
                self._metrics.feed_live = 0
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    async def _follow_once(self, session: aiohttp.ClientSession, url: str) -> None:
        after = self.recent.cursor or FROM_THE_OLDEST
        async with session.get(f"{url}/feed", params={"after": str(after)}, raise_for_status=True) as response:
            logger.info("feed %s connected, after %s", url, after)
            self._metrics.feed_connects += 1
            newest = Cursor.parse(response.headers.get(CURSOR_HEADER, ""))
            if self.recent.cursor is None or newest.epoch != after.epoch:
                self.recent.turn_to(Cursor(newest.epoch, 0))
            self._note_progress(newest)
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                found = [line for line in lines if line]
                self._metrics.feed_reads += bool(found)
                self.publish(found)
                self._note_progress(newest)

    def _note_progress(self, newest: Cursor) -> None:
        """Go live once everything up to `newest`, the producer's head when the link was made, has come."""
        cursor = self.recent.cursor
        if not self.live and cursor is not None and cursor.epoch == newest.epoch and cursor.seq >= newest.seq:
            self.live = self.caught_up = True
            self._metrics.feed_live = 1


def _settle(waiter: asyncio.Future[Any], act: Callable[[], Any]) -> None:
    if waiter.done():
        return
    try:
        waiter.set_result(act())
    except ConnectionError as error:
        waiter.set_exception(error)
