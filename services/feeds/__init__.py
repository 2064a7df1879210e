"""Feeds: how updates come from the producer to servers. Each is one module here, found by the scheme of its URL."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, NoReturn, Protocol

from services.recent import Recent
from services.troubles import Troubles
from wirerace.errors import BadInput, WireraceError, shown
from wirerace.wire.update import Cursor

DEFAULT = "http"
END_SECONDS, CANCEL_SECONDS = 1.0, 0.1
NEEDS = {"nats": "nats-py: pip install wirerace[nats]"}
"""What a feed needs beside Wirerace's own packages."""


class NotPassed(WireraceError):
    """The producer did not take messages."""


class FeedTaker(NamedTuple):
    """What a feed calls while it is followed.

    `begin` gets the producer's newest cursor when a link is made, `take` the lines that came together, and `stored`,
    of each update that a broker had stored, how long ago that was, ns.
    """

    begin: Callable[[Cursor], None]
    take: Callable[[list[bytes]], None]
    stored: Callable[[int], None]


class FeedSource(NamedTuple):
    """What a broker gets from the producer: its epoch and kept updates, how many these may be, and two answers.

    `heads` returns the line that names the channels, empty for the default one alone; `messages` answers what servers
    pass on, as `POST /messages` does.
    """

    epoch: str
    recent: Recent
    keep_updates: int
    keep_bytes: int
    heads: Callable[[], bytes]
    messages: Callable[[bytes], bytes]


class Broker(Protocol):
    """Brings the feed to servers by way of a broker, beside the producer's own."""

    async def work(self) -> None:
        """Publish what is made, until `end`, through lost links."""

    def end(self) -> None:
        """End the feed in order: what was made is published first."""

    def publish(self) -> None:
        """Note that updates were made."""

    def beat(self) -> None:
        """Note that a heartbeat is due."""

    def drop(self, lasts_seconds: float) -> int:
        """Break the feed for a time, as an experiment orders; return the number of connections that break."""


class NoBroker:
    """Servers connect to the producer itself."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    async def work(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    def end(self) -> None:
        """End."""
        self._ended.set()

    def publish(self) -> None:
        """Do nothing."""

    def beat(self) -> None:
        """Do nothing."""

    def drop(self, lasts_seconds: float) -> int:  # noqa: ARG002 -- as for other brokers
        """Break nothing."""
        return 0


Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends messages to the producer, and returns its answer. Raises OSError when none comes, NotPassed at a refusal."""


class FeedKind(NamedTuple):
    """One way from the producer to servers.

    `address` returns a URL as it is used, and raises BadInput for one that is none. `follow` brings the feed after a
    cursor, and raises OSError when the link is lost or silent for some seconds, BadFeed when there is no feed.
    `passing` gives a function that passes messages on: within some seconds, for an answer of some bytes at most.
    `broker` is None where servers connect to the producer itself.
    """

    address: Callable[[str], str]
    follow: Callable[[str, Cursor, FeedTaker, float], Coroutine[Any, Any, NoReturn]]
    passing: Callable[[str, float, int], AbstractAsyncContextManager[Ask]]
    broker: Callable[[str, FeedSource, Troubles], Broker] | None = None


def feed_at(url: str) -> FeedKind:
    """Return the kind of the feed at a URL, by its scheme.

    Raises BadInput when there is none, or when a package is missing that it needs.
    """
    scheme, separator, _ = url.partition("://")
    if not (separator and scheme.isascii() and scheme.isalpha() and find_spec(f"{__name__}.{scheme}")):
        scheme = DEFAULT  # whose reader says what an address looks like
    try:
        kind: FeedKind = import_module(f"{__name__}.{scheme}").FEED
    except ImportError as error:
        if scheme not in NEEDS:
            raise
        raise BadInput(f"{shown(url)} needs {NEEDS[scheme]} ({error})") from None
    return kind


def broker_at(url: str, source: FeedSource, troubles: Troubles) -> Broker:
    """Return the broker at a URL of `--broker-url`, which may be empty for none.

    Raises BadInput when the URL is not that of a broker.
    """
    if not url:
        return NoBroker()
    try:
        make = feed_at(url).broker
        if make is not None:
            return make(url, source, troubles)
    except BadInput as error:
        raise BadInput(f"--broker-url: {error}") from None
    raise BadInput(f"--broker-url: a broker is a URL such as nats://127.0.0.1:4222, got {shown(url)}")


async def until_ended(broker: Broker, work: asyncio.Task[None]) -> None:
    """End the work of a broker, and wait for it. A library may need several cancellations."""
    broker.end()
    await asyncio.wait({work}, timeout=END_SECONDS)
    while not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=CANCEL_SECONDS)
