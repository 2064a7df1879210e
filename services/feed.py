"""The feed, as a server follows it: one long response of the producer, resumed at its cursor whenever it breaks."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import aiohttp

from services.recent import Recent
from wirerace.backoff import OF_FEED
from wirerace.clock import Clock, now_ns
from wirerace.errors import BadCursor, WireraceError, printable, shown
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import CURSOR_HEADER, MOST_LINE_BYTES, NO_UPDATE, Cursor, Update, decode_update, is_epoch

HEARTBEAT_SECONDS = 1.0
"""How often the producer sends an empty line when it has nothing else to send."""
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""After this long without a byte the link counts as lost."""
FROM_THE_OLDEST = Cursor("0", 0)
"""A cursor of no epoch: a server without updates asks for all that the producer still keeps."""

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class BadFeed(WireraceError):
    """The other end of the link sends no feed, or a broken one."""


class _Waiter(NamedTuple):
    """A request that waits for an update after the cursor `after`, whose position was `position` when it came."""

    position: int
    after: Cursor | None
    act: Callable[[int], Any]


class Feed:
    """Follows the producer into `recent`, and answers waiting requests.

    `live` is false while the link is lost, and `trouble` says why. `caught_up` becomes true, for good, when the server
    has caught up for the first time. Until then it must not answer, because it may lack updates that its clients have.
    """

    def __init__(
        self,
        recent: Recent,
        metrics: ServiceMetrics,
        *,
        pack: Callable[[bytes, Update], bytes] = lambda line, _: line,
        clock: Clock = now_ns,
    ) -> None:
        self.recent = recent
        self.live = False
        self.caught_up = False
        self.trouble = "no feed from the producer yet"
        self._complaints: set[str] = set()
        self._nonsense = ""
        self._metrics = metrics
        self._pack = pack
        self._clock = clock
        self._listeners: list[Callable[[bytes, int], None]] = []
        self._waiters: dict[asyncio.Future[Any], _Waiter] = {}
        self._ended = False

    def listen(self, listener: Callable[[bytes, int], None]) -> None:
        """Call `listener` with each update's packed bytes and payload size."""
        self._listeners.append(listener)

    async def once_newer(
        self, after: Cursor | None, wait_seconds: float, act: Callable[[int], Result]
    ) -> Result | None:
        """Call `act` with the position of `after` as soon as there is an update behind it, and return its result.

        The result is None when no update came for `wait_seconds`. `act` is called where the update is ingested: for one
        waiter after the other, before any of them runs. So the last waiter waits for the others' `act`, and not for
        what they do after it. An error of `act` is raised in its own waiter.
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
        """Return the position of `after` once this server has reached it; a client may be ahead of the server."""
        while (position := self.recent.position(after)) > self.recent.head and not self._ended:
            await self.once_newer(None, SILENCE_SECONDS, lambda _: None)
        return min(position, self.recent.head)

    def end(self) -> None:
        """End every wait, now and later: the server is shutting down."""
        self._ended = True
        for waiter in self._waiters:
            _settle(waiter, lambda: None)

    def publish(self, lines: Iterable[bytes]) -> None:
        """Ingest updates in the order of arrival; call the listeners, then the waiters.

        Raises BadFeed at the first line that is no update, or not the next one. The lines before it are ingested.
        """
        head_before = self.recent.head
        try:
            for line in lines:
                self._ingest(line)
        finally:
            self._wake(head_before)

    def _ingest(self, line: bytes) -> None:
        update = self._checked(line)
        packed = self._pack(line, update)
        self.recent.append(update, packed)
        self._metrics.count_update(self._clock() - update.ts)
        for listener in self._listeners:
            try:
                listener(packed, update.payload_bytes)
            except Exception:  # a defect of one listener must not cost the others their updates
                logger.exception("a listener failed at update %s-%d", update.epoch, update.seq)

    def _checked(self, line: bytes) -> Update:
        """Return the update in a line. Clients get the line unchanged, so all of it must be right."""
        try:
            update = decode_update(line)
            if not line.isascii():
                line.decode()  # unknown fields are forwarded, too
        except NO_UPDATE as error:
            raise BadFeed(f"a line is no update: {error}, in {shown(line)}") from None
        newest = self.recent.cursor
        if newest is None or update.epoch != newest.epoch:
            if not is_epoch(update.epoch):
                raise BadFeed(f"an epoch is 1 to 16 of 0-9 and a-z, got {shown(update.epoch)}")
        elif update.seq <= newest.seq:
            raise BadFeed(f"update {update.seq} of epoch {update.epoch} comes after update {newest.seq}")
        return update

    def _wake(self, head_before: int) -> None:
        waiters, self._waiters = self._waiters, {}
        for future, waiter in waiters.items():
            position = waiter.position
            if position > head_before:  # This client was ahead of the server; since then its epoch may have ended.
                position = self.recent.position(waiter.after)
            if self.recent.head > position:
                _settle(future, partial(waiter.act, position))
            else:
                self._waiters[future] = waiter

    async def follow(self, url: str) -> None:
        """Follow the producer at `url` until cancelled, through lost links and new epochs."""
        least, most = OF_FEED
        pause = least
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=SILENCE_SECONDS, sock_read=SILENCE_SECONDS),
            auto_decompress=False,
        ) as session:
            while True:
                error: Exception = ConnectionError("it has ended")
                try:
                    await self._follow_once(session, url)
                except (aiohttp.ClientError, TimeoutError, OSError, BadFeed) as lost:
                    error = lost
                was_right = self.live and not isinstance(error, BadFeed)
                pause = least if was_right else min(2 * pause, most)
                self._lose(url, error)
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

    async def _follow_once(self, session: aiohttp.ClientSession, url: str) -> None:
        after = self.recent.cursor or FROM_THE_OLDEST
        async with session.get(f"{url}/feed", params={"after": str(after)}, allow_redirects=False) as response:
            newest = _cursor_of(response)
            logger.log(logging.DEBUG if self._nonsense else logging.INFO, "feed %s connected, after %s", url, after)
            self._metrics.feed_connects += 1
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
                if len(rest) > MOST_LINE_BYTES:
                    raise BadFeed(f"a line has more than {MOST_LINE_BYTES} bytes")

    def _note_progress(self, newest: Cursor) -> None:
        """Go live once everything up to `newest` has come, the producer's head when the link was made."""
        cursor = self.recent.cursor
        if not self.live and cursor is not None and cursor.epoch == newest.epoch and cursor.seq >= newest.seq:
            self.live = self.caught_up = True
            self.trouble = ""
            self._complaints.clear()
            self._metrics.feed_live = 1


def _cursor_of(response: aiohttp.ClientResponse) -> Cursor:
    """Return the cursor of the producer's newest update.

    Raises BadFeed when the answer is not from a producer.
    """
    if response.status != HTTPStatus.OK:
        raise BadFeed(f"it answers with {response.status}")
    try:
        return Cursor.parse(response.headers.get(CURSOR_HEADER, ""))
    except BadCursor:
        raise BadFeed(
            f"its answer has no cursor in {CURSOR_HEADER}: it is no producer; name one with --producer-url"
        ) from None


def _settle(waiter: asyncio.Future[Any], act: Callable[[], Any]) -> None:
    """Call `act` for a waiter, which gets the result or any error."""
    if waiter.done():
        return
    try:
        result = act()
    except Exception as error:  # noqa: BLE001 -- it is the waiter's, and the others are waiting
        waiter.set_exception(error)
    else:
        waiter.set_result(result)
