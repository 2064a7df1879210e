"""A channel: one sequence of updates, the requests that wait for its next one, and the listeners that get all."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from services.recent import Bounds, Kept, Recent
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import Cursor, Update

REACH_SECONDS = 3.0
"""How often a client that is ahead of its server looks again: its epoch may have ended."""

Listener = Callable[[Sequence[Kept]], None]
"""Takes the updates that came together, oldest first: at least one."""
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class Waiter(NamedTuple):
    """What waits for an update after the cursor `after`, whose position was `position` when the wait began.

    `act` gets the position when there is such an update. `end` is called instead when the server stops.
    """

    position: int
    after: Cursor | None
    act: Callable[[int], None]
    end: Callable[[], None]


class Channel:
    """One channel of a server: what it has kept, who waits, and who listens."""

    def __init__(self, name: str, recent: Recent, metrics: ServiceMetrics) -> None:
        self.name = name
        self.recent = recent
        self._metrics = metrics
        self._listeners: list[Listener] = []
        self._waiters: dict[object, Waiter] = {}
        self._added: list[Kept] = []
        self._ended = False

    def listen(self, listener: Listener) -> None:
        """Call `listener` with all updates from now on."""
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
        give_up = partial(_settle, future, lambda: None)
        timer = loop.call_later(wait_seconds, give_up)
        waiter = Waiter(position, after, lambda found: _settle(future, partial(act, found)), give_up)
        self.wait(future, waiter)
        self._metrics.held_requests += 1
        try:
            return await future
        finally:
            timer.cancel()
            self.leave(future)
            self._metrics.held_requests -= 1

    def wait(self, key: object, waiter: Waiter) -> None:
        """Add a waiter. It is called once at most."""
        self._waiters[key] = waiter

    def leave(self, key: object) -> None:
        """Remove a waiter, if it is still there."""
        self._waiters.pop(key, None)

    async def reach(self, after: Cursor | None) -> int:
        """Return the position of `after` once this server has reached it; a client may be ahead of the server."""
        while (position := self.recent.position(after)) > self.recent.head and not self._ended:
            await self.once_newer(None, REACH_SECONDS, lambda _: None)
        return min(position, self.recent.head)

    def add(self, update: Update, packed: bytes) -> None:
        """Keep the next update. Nobody gets it before `deliver`."""
        self._added.append(self.recent.append(Cursor(update.epoch, update.seq), packed, update.payload_bytes))

    def deliver(self) -> None:
        """Call the listeners with what was added since the last time, then the waiters."""
        added, self._added = self._added, []
        for listener in self._listeners:
            try:
                listener(added)
            except Exception:  # a defect of one listener must not cost the others their updates
                logger.exception("a listener failed at update %s", self.recent.cursor)
        self._wake(added[0].position - 1)

    def _wake(self, head_before: int) -> None:
        """Answer the waiters that have been waiting since `head_before` was the newest position."""
        waiters, self._waiters = self._waiters, {}
        for key, waiter in waiters.items():
            position = waiter.position
            if position > head_before:  # This client was ahead of the server; since then its epoch may have ended.
                position = self.recent.position(waiter.after)
            if self.recent.head > position:
                waiter.act(position)
            else:
                self._waiters[key] = waiter

    def end(self) -> None:
        """End every wait, now and later: the server is shutting down."""
        self._ended = True
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters.values():
            waiter.end()


class Channels:
    """The channels of a server by name. The default one, whose name is empty, is there from the start.

    `on_open` is called with each channel. All of them share the bounds of what is kept: the oldest update of any
    channel is dropped first.
    """

    def __init__(self, bounds: Bounds, metrics: ServiceMetrics, on_open: Callable[[Channel], None]) -> None:
        self._bounds = bounds
        self._metrics = metrics
        self._on_open = on_open
        self._by_name: dict[str, Channel] = {}
        self.default = self.open("")

    def open(self, name: str) -> Channel:
        """Return the channel of a name. It is opened if there is none yet."""
        channel = self._by_name.get(name)
        if channel is None:
            channel = self._by_name[name] = Channel(name, Recent(self._bounds), self._metrics)
            self._metrics.channels += 1
            self._on_open(channel)
        return channel

    def get(self, name: str) -> Channel | None:
        """Return the channel of a name, None if there is none."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


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
