"""The publisher: follows the producer's feed, and publishes each update to a server that does not follow it."""

import asyncio
import logging
import os
from collections import deque
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn

import msgspec
from aiohttp import web
from msgspec import Meta

from services.feed import FROM_THE_OLDEST, HEADS, SILENCE_SECONDS, numbered
from services.feed_link import BadFeed, FeedReader, follow_link
from services.host import Service, ServiceOptions
from services.publication import PublishAnswer, PublishLink, PublishPlace, PublishProtocol
from wirerace.addresses import host_port_in, spelled
from wirerace.backoff import OF_FEED
from wirerace.clock import now_ns, process_cpu_seconds
from wirerace.errors import BadInput, printable, shown
from wirerace.observe.publishing import PublisherQueue, PublisherReport
from wirerace.options import variable_of
from wirerace.transports import PRODUCER_PORT
from wirerace.wire.update import NO_UPDATE, Cursor, decode_update

TOKEN_VARIABLE = variable_of("publish_token")
LEAST_RETRY_SECONDS = 0.05

logger = logging.getLogger(__name__)


class PublisherOptions(ServiceOptions, frozen=True, kw_only=True):
    """Options of the publisher."""

    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0 for any free one")] = 8010
    producer_url: Annotated[str, Meta(description="address of the producer: http://HOST:PORT")] = (
        f"http://127.0.0.1:{PRODUCER_PORT}"
    )
    publish_url: Annotated[str, Meta(description="where updates are published: http://HOST:PORT/PATH")] = (
        "http://127.0.0.1:9000/publish"
    )
    protocol: Annotated[PublishProtocol, Meta(description="how updates are published")] = "post"
    topic: Annotated[str, Meta(description="topic of the updates, for mercure")] = "updates"
    token_file: Annotated[
        str, Meta(description=f"file with the bearer token that the server asks for; without it, ${TOKEN_VARIABLE}")
    ] = ""
    most_waiting: Annotated[
        int, Meta(ge=1, le=1_000_000, description="most updates that wait; what comes then is lost, and counted")
    ] = 10_000
    most_tries: Annotated[
        int, Meta(ge=1, le=100, description="how often an update is published that the server does not take")
    ] = 5
    answer_seconds: Annotated[float, Meta(gt=0, le=60, description="how long the server may take to answer")] = 10.0


class _NewestKnown(Exception):
    """The head of the feed has told where it ends: what was made before the publisher came is not published."""


class _Unpublished(NamedTuple):
    made_ns: int
    encoded: bytes


class PublisherService(Service):
    """Publishes one update after the other, in their order, on one kept connection.

    What cannot be published is tried again, and holds back what was made after it. What is still not taken then, is
    lost, and so is what finds the queue full.
    """

    name = "publisher"
    options_type = PublisherOptions
    options: PublisherOptions

    def __init__(self, options: PublisherOptions) -> None:
        super().__init__(options)
        self._producer_url = _address_of(options.producer_url, "--producer-url")
        _address_of(options.publish_url, "--publish-url")
        self._place = PublishPlace(options.publish_url, options.protocol, options.topic, _token(options.token_file))
        self._after: Cursor | None = None
        self._is_live = False
        self._trouble = "no feed from the producer yet"
        self._waiting: deque[_Unpublished] = deque()
        self._under_way: _Unpublished | None = None
        self._wanted = asyncio.Event()
        self._link = PublishLink()
        self._failure = self._last_failure = ""
        self._sent_ns: list[int] = []
        self._answered_ns: list[int] = []
        self._lost = self._retried = self._most_waiting = 0
        self._cpu_before = 0.0
        self._since_ns = now_ns()
        self.routes["/report"] = {"GET": self._report}
        self.routes["/queue"] = {"GET": self._queue}

    @property
    def live(self) -> bool:
        """Return whether the feed is live."""
        return self._is_live

    @property
    def trouble(self) -> str:
        """What is wrong with the feed or with the server."""
        return "; ".join(filter(None, (self._trouble, self._failure, super().trouble)))

    def cursor(self) -> Cursor | None:
        """Return the place in the feed up to which updates were read."""
        return self._after

    async def work(self) -> None:
        """Follow the feed, and publish what it brings."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._publish_all())

    async def _follow(self) -> NoReturn:
        least, most = OF_FEED
        pause = least
        while True:
            after = self._after or FROM_THE_OLDEST
            try:
                await follow_link(self._producer_url, after, FeedReader(self._begin, self._take), SILENCE_SECONDS)
            except _NewestKnown:
                continue
            except (OSError, BadFeed) as error:
                pause = least if self._is_live else min(2 * pause, most)
                self._is_live, self._trouble = False, f"no feed: {printable(str(error))}"
                logger.warning("%s", self._trouble)
            await asyncio.sleep(pause)

    def _begin(self, newest: Cursor) -> None:
        """Begin behind what was made before. That takes a second request, for the feed after its newest update."""
        if self._after is None:
            self._after = newest
            raise _NewestKnown
        self._is_live, self._trouble = True, ""

    def _take(self, lines: list[bytes]) -> None:
        """Queue the updates of one read."""
        for line in lines:
            if line.startswith(HEADS):
                continue
            number, encoded = numbered(line)
            try:
                update = decode_update(encoded)
            except NO_UPDATE as error:
                raise BadFeed(f"a line is no update: {error}, in {shown(line)}") from None
            self._after = Cursor(update.epoch, update.seq if number is None else number)
            self.metrics.count_update(now_ns() - update.ts)
            if len(self._waiting) >= self.options.most_waiting:
                self._lost += 1
            else:
                self._waiting.append(_Unpublished(update.ts, encoded))
        self._most_waiting = max(self._most_waiting, len(self._waiting))
        self._wanted.set()

    async def _publish_all(self) -> NoReturn:
        while True:
            await self._wanted.wait()
            while self._waiting:
                self._under_way = self._waiting.popleft()
                await self._publish(self._under_way)
                self._under_way = None
            self._wanted.clear()

    async def _publish(self, waiting: _Unpublished) -> None:
        """Publish an update, several times if the server does not take it; count it as lost if it never does."""
        request, pause = self._place.request(waiting.encoded), LEAST_RETRY_SECONDS
        for attempt in range(self.options.most_tries):
            if attempt:
                self._retried += 1
                await asyncio.sleep(pause)
                pause *= 2
            try:
                sent_ns, answer = await self._asked(request)
            except (OSError, TimeoutError) as error:
                self._link.close()
                self._fail(printable(str(error)) or f"no answer within {self.options.answer_seconds:g} s")
                continue
            if answer.is_good:
                self._failure = ""
                self._sent_ns.append(sent_ns - waiting.made_ns)
                self._answered_ns.append(now_ns() - waiting.made_ns)
                return
            self._fail(f"it answers {answer.meaning}")
            if not answer.may_change:
                break
        self._lost += 1

    async def _asked(self, request: bytes) -> tuple[int, PublishAnswer]:
        """Return when a request left, and its answer. Raises OSError or TimeoutError."""
        async with asyncio.timeout(self.options.answer_seconds):
            if not self._link.is_open:
                loop = asyncio.get_running_loop()
                _, self._link = await loop.create_connection(PublishLink, *self._place.address)
            sent_ns = now_ns()  # before the call: a server on this core may run before it returns
            return sent_ns, await self._link.ask(request)

    def _fail(self, what: str) -> None:
        failure = f"{self.options.publish_url} takes no update: {what}"
        if failure != self._failure:
            logger.warning("%s", failure)
        self._failure = self._last_failure = failure

    def _begin_report(self) -> None:
        self._sent_ns, self._answered_ns = [], []
        self._lost = self._retried = self._most_waiting = 0
        self._last_failure = ""

    async def _queue(self, _request: web.BaseRequest) -> web.StreamResponse:
        """Answer with what waits."""
        oldest = self._under_way or next(iter(self._waiting), None)
        queue = PublisherQueue(
            waiting=len(self._waiting) + (self._under_way is not None),
            oldest_ns=None if oldest is None else oldest.made_ns,
        )
        return web.json_response(body=msgspec.json.encode(queue))

    async def _report(self, _request: web.BaseRequest) -> web.StreamResponse:
        """Answer with what was done since the last report, and begin the next one."""
        now, cpu_seconds = now_ns(), process_cpu_seconds() or 0.0
        report = PublisherReport(
            began_ns=self._since_ns,
            ended_ns=now,
            cpu_seconds=cpu_seconds - self._cpu_before,
            sent_ns=self._sent_ns,
            answered_ns=self._answered_ns,
            lost=self._lost,
            retried=self._retried,
            most_waiting=self._most_waiting,
            trouble=self._last_failure,
        )
        self._since_ns, self._cpu_before = now, cpu_seconds
        self._begin_report()
        return web.json_response(body=msgspec.json.encode(report))


def _address_of(url: str, flag: str) -> str:
    """Return the address in a URL. Raises BadInput, naming the flag."""
    example = "http://127.0.0.1:9000"
    scheme, _, rest = url.partition("://")
    try:
        host, port = host_port_in(f"{scheme}://{rest.partition('/')[0]}", ("http",), example)
    except BadInput as error:
        raise BadInput(f"{flag}: {error}") from None
    return f"http://{spelled(host, port or 80)}"


def _token(file: str) -> str:
    """Return the bearer token in a file, or in the environment; empty without one.

    Raises BadInput when the file cannot be read.
    """
    if not file:
        return os.environ.get(TOKEN_VARIABLE, "").strip()
    try:
        token = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise BadInput(f"--token-file: {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not token.isascii() or not token.isprintable():
        raise BadInput(f"--token-file: {file} must hold one line of ASCII, the token")
    return token


SERVICE = PublisherService
