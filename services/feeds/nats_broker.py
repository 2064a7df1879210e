"""The producer's side of the feed over NATS JetStream: a stream an epoch, whose sequence is the number in the feed."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import nats.errors
from nats.aio.msg import Msg

from services.feed_link import BadFeed
from services.feeds import FeedSource
from services.feeds.nats_link import (
    NO_SUCH_STREAM,
    STATUS,
    ApiRefusal,
    BrokerAddress,
    BrokerLink,
    address_in,
    decoded,
    opened,
    said,
    whole,
)
from services.push import data_in
from services.troubles import Troubles
from wirerace.backoff import OF_FEED
from wirerace.errors import BadInput, printable
from wirerace.wire.update import CURSOR_HEADER, MOST_LINE_BYTES, Cursor

ANSWER_SECONDS = 3.0
"""How long the broker may take to answer, or to acknowledge an update."""
OTHER_SECONDS = 0.25
"""How long another producer under the same name may take to answer."""
END_SECONDS = 0.5
AT_ONCE_UPDATES, AT_ONCE_BYTES = 1000, 1024 * 1024
EXPECTED = "Nats-Expected-Last-Sequence"
TROUBLE = "broker"

logger = logging.getLogger(__name__)


class _Channel(msgspec.Struct):
    channel: str = ""


_channel_in = msgspec.json.Decoder(_Channel).decode


class NatsBroker:
    """Publishes the producer's kept updates, each with the sequence that it must get in the stream.

    What the broker has not acknowledged when a link is lost is published again at the next one, from the last sequence
    of the stream on. A stream that was lost, or that lacks more than the producer keeps, is made anew.
    """

    def __init__(self, url: str, source: FeedSource, troubles: Troubles) -> None:
        self._address = address_in(url)
        self._source = source
        self._troubles = troubles
        self._wanted = asyncio.Event()
        self._link: BrokerLink | None = None
        self._links = 0
        self._sent = self._acknowledged = 0
        self._acknowledged_at = 0.0
        self._beat_is_due = False
        self._shut_until = 0.0
        self._has_ended = False

    async def work(self) -> None:
        """Publish what is made, until `end`, through lost links."""
        least, most = OF_FEED
        pause = least
        time = asyncio.get_running_loop().time
        while not self._has_ended:
            links = self._links
            try:
                await self._publish_once()
            except (OSError, BadFeed) as lost:
                pause = least if self._links > links else min(2 * pause, most)
                line = printable(str(lost)) or type(lost).__name__
                self._troubles.begin(TROUBLE, f"no feed by way of {self._address.url}: {line}")
                pause_until = max(time() + pause * random.uniform(0.5, 1.0), self._shut_until)
                await self._wait_until(pause_until)

    async def _wait_until(self, at: float) -> None:
        """Wait until a time of the event loop, or until the producer stops."""
        time = asyncio.get_running_loop().time
        while not self._has_ended and (left_seconds := at - time()) > 0:
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_seconds):
                    await self._wanted.wait()

    def publish(self) -> None:
        """Note that updates were made."""
        self._wanted.set()

    def beat(self) -> None:
        """Note that a heartbeat is due."""
        self._beat_is_due = True
        self._wanted.set()

    def end(self) -> None:
        """End the feed: the producer stops."""
        self._has_ended = True
        self._wanted.set()

    def drop(self, lasts_seconds: float) -> int:
        """Break the feed for a time, as an experiment orders."""
        self._shut_until = asyncio.get_running_loop().time() + lasts_seconds
        if self._link is None or self._link.lost.done():
            return 0
        self._link.fail(ConnectionError("the feed is dropped, as ordered"))
        return 1

    async def _publish_once(self) -> None:
        """Publish until the producer stops. Raises OSError when the link is lost, BadFeed when none can be made."""
        async with opened(self._address, ANSWER_SECONDS) as link:
            await _refuse_what_does_not_fit(link)
            self._sent = self._acknowledged = await stream_for(link, self._source)
            self._acknowledged_at = asyncio.get_running_loop().time()
            inbox = link.client.new_inbox()
            await link.listen(f"{inbox}.*", partial(self._on_acknowledgement, link))
            await link.listen(self._address.head, self._on_head)
            await link.listen(self._address.messages, self._on_messages)
            self._link = link
            self._links += 1
            link.lost.add_done_callback(lambda _: self._wanted.set())
            self._beat_is_due = True
            self._troubles.end(TROUBLE, f"the feed is at {self._address.url}")
            try:
                while not (link.lost.done() or self._has_ended):
                    self._wanted.clear()
                    await self._send_newer(link, inbox)
                    if self._beat_is_due:
                        await self._send_beat(link)
                    await self._wanted.wait()
                if not self._has_ended:
                    raise link.lost.result()
            finally:
                await self._end(link, inbox)

    async def _send_newer(self, link: BrokerLink, inbox: str) -> None:
        """Publish what is newer than what was sent. The broker acknowledges it later."""
        while updates := self._source.recent.after(self._sent, AT_ONCE_UPDATES, AT_ONCE_BYTES):
            if self._sent == self._acknowledged:
                self._acknowledged_at = asyncio.get_running_loop().time()
            for update in updates:
                number, line = update.position, line_in(update.encoded)
                subject = self._address.updates(self._source.epoch, _channel_in(line).channel)
                await self._publish(link, subject, line, f"{inbox}.{number}", {EXPECTED: str(number - 1)})
                self._sent = number

    async def _send_beat(self, link: BrokerLink, word: str = "") -> None:
        """Send the cursor of what was published. Raises TimeoutError when the broker acknowledges nothing."""
        self._beat_is_due = False
        waited = asyncio.get_running_loop().time() - self._acknowledged_at
        if self._sent > self._acknowledged and waited > ANSWER_SECONDS:
            raise TimeoutError(f"no update was acknowledged for {ANSWER_SECONDS:g} s")
        cursor = Cursor(self._source.epoch, self._sent)
        await self._publish(link, self._address.beats, f"{word} {cursor}".strip().encode())

    async def _publish(
        self, link: BrokerLink, subject: str, data: bytes, reply: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        try:
            await link.client.publish(subject, data, reply, None if headers is None else dict(headers))
        except nats.errors.Error as error:
            raise ConnectionError(said(error)) from None

    async def _end(self, link: BrokerLink, inbox: str) -> None:
        """Say that the feed ends with what was made: servers need not wait for their silence to be noticed."""
        try:
            async with asyncio.timeout(END_SECONDS):
                if link.client.is_connected:
                    if not link.lost.done():
                        await self._send_newer(link, inbox)
                    await self._send_beat(link, "end")
                    await whole(link.client.flush())
        except (OSError, nats.errors.Error) as error:
            logger.debug("the end of the feed could not be sent: %s", error)

    # What the broker calls.

    async def _on_acknowledgement(self, link: BrokerLink, message: Msg) -> None:
        if message.headers and STATUS in message.headers:
            raise ConnectionError("the stream has gone")
        answer = decoded(message.data)
        if answer.error is not None:
            raise ConnectionError(f"an update was refused: {answer.error.description}")
        if answer.seq > self._acknowledged and link is self._link:
            self._acknowledged = answer.seq
            self._acknowledged_at = asyncio.get_running_loop().time()

    async def _on_head(self, message: Msg) -> None:
        cursor = Cursor(self._source.epoch, self._source.recent.head)
        await self._reply(message, self._source.heads(), {CURSOR_HEADER: str(cursor)})

    async def _on_messages(self, message: Msg) -> None:
        try:
            answer = self._source.messages(message.data)
        except BadInput as error:
            answer = msgspec.json.encode({"error": str(error)})
        await self._reply(message, answer, {})

    async def _reply(self, to: Msg, data: bytes, headers: dict[str, str]) -> None:
        if to.reply and self._link is not None:
            await self._publish(self._link, to.reply, data, headers=headers or None)


def line_in(chunk: bytes) -> bytes:
    """Return the update in a chunk of the feed over HTTP, without its number and its line break."""
    line = data_in(chunk).rstrip(b"\n")
    return line if line.startswith(b"{") else line.partition(b" ")[2]


async def _refuse_what_does_not_fit(link: BrokerLink) -> None:
    """Raise BadFeed when the broker takes no message as large as an update, or has another producer of that name."""
    address = link.address
    if (most_bytes := link.client.max_payload) < MOST_LINE_BYTES:
        raise BadFeed(
            f"the broker takes messages of {most_bytes} bytes at most, and an update may have {MOST_LINE_BYTES}: write "
            f"max_payload: {MOST_LINE_BYTES} into its configuration"
        )
    try:
        answer = await link.ask(address.head, b"", OTHER_SECONDS)
    except OSError:
        return
    if cursor := (answer.headers or {}).get(CURSOR_HEADER):  # else a stream of somebody else has answered
        raise BadFeed(
            f"another producer publishes there, at {printable(cursor)}: name another place, nats://HOST:PORT/NAME"
        )


async def stream_for(link: BrokerLink, source: FeedSource) -> int:
    """Return the last sequence of the stream of the producer's epoch, which is made if it is not there.

    Raises BadFeed when it cannot be made, or has other settings.
    """
    name = link.address.stream(source.epoch)
    wanted = settings_of(link.address, source)
    head = source.recent.head
    oldest = next((kept.position for kept in source.recent.after(0, 1, 1)), head + 1)
    try:
        found = await link.api(f"STREAM.INFO.{name}", ANSWER_SECONDS)
    except ApiRefusal as refusal:
        if refusal.number != NO_SUCH_STREAM:
            raise
        found = None
    if found is not None:
        different = [key for key, value in wanted.items() if found.config.get(key) != value]
        if different or found.state.last_seq > head:
            said = f"{different[0]} is {found.config.get(different[0])}" if different else "it has other updates"
            raise BadFeed(f"the stream {name} exists with other settings ({said}): delete it, or name another place")
        if found.state.last_seq >= oldest - 1:
            return found.state.last_seq
        await link.api(f"STREAM.DELETE.{name}", ANSWER_SECONDS)
    await _make_stream(link, wanted, oldest)
    await _forget_older(link, name)
    return oldest - 1


async def _make_stream(link: BrokerLink, wanted: dict[str, Any], first: int) -> None:
    try:
        await link.api(f"STREAM.CREATE.{wanted['name']}", ANSWER_SECONDS, wanted | {"first_seq": first})
    except ApiRefusal as refusal:
        raise BadFeed(
            f"the stream {wanted['name']} cannot be made, {refusal}: delete the stream that is in its place, or name "
            "another place, nats://HOST:PORT/NAME"
        ) from None


async def _forget_older(link: BrokerLink, name: str) -> None:
    """Delete the streams of earlier epochs, which their producers have left."""
    filter_ = {"subject": link.address.updates("*")}
    prefix = link.address.stream("")
    for other in (await link.api("STREAM.NAMES", ANSWER_SECONDS, filter_)).streams or []:
        if other != name and other.startswith(prefix):
            await link.api(f"STREAM.DELETE.{other}", ANSWER_SECONDS)


def settings_of(address: BrokerAddress, source: FeedSource) -> dict[str, Any]:
    """Return the settings of the stream of an epoch: it keeps what the producer keeps, and at least one update."""
    subject = address.updates(source.epoch)
    return {
        "name": address.stream(source.epoch),
        "subjects": [subject, f"{subject}.*"],
        "retention": "limits",
        "discard": "old",
        "storage": "file",
        "max_msgs": source.keep_updates,
        "max_bytes": max(source.keep_bytes, MOST_LINE_BYTES),
        "max_age": 0,
        "num_replicas": 1,
    }
