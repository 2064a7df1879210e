"""The producer: makes updates at the times that its schedule intends, and feeds them to servers."""

import asyncio
import contextlib
import logging
import secrets
import time
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from pathlib import Path

import msgspec
from aiohttp import web

from services.fanout import Fanout
from services.feed import HEARTBEAT_SECONDS, Heads
from services.feed_gate import FeedGate
from services.feeds import FeedSource, broker_at, until_ended
from services.heads import Unmet, body_of
from services.host import Service
from services.keys import MessageKeys
from services.making import Making
from services.parameters import cursor_of, ns_of, parameters_of
from services.passed import messages_in
from services.push import PushedClient, chunk_of
from services.recent import Bounds, Kept, Recent
from services.record import Record
from services.schedules import ProducerOptions, schedule_in, schedule_of
from services.timer import new_timer
from services.upkeep import send_as_upkeep
from wirerace.clock import NS_PER_SECOND, Clock, StepWatch, now_ns
from wirerace.errors import BadInput
from wirerace.wire.message import Passed
from wirerace.wire.update import CURSOR_HEADER, Cursor, Update, encode_update
from wirerace.workload.schedule import Due, Schedule

HEARTBEAT = b"1\r\n\n\r\n"  # a chunk with an empty line
STEP_NS = 3 * NS_PER_SECOND
"""A larger jump means that the clock was set. A smaller one counts as lateness."""

logger = logging.getLogger(__name__)


class Producer(Service):
    """Makes updates, keeps recent ones for servers that reconnect, and keeps a record of all."""

    name = "producer"
    options_type = ProducerOptions
    options: ProducerOptions

    def __init__(self, options: ProducerOptions, clock: Clock = now_ns, steady: Clock = time.monotonic_ns) -> None:
        super().__init__(options)
        self.metrics.feed_live = 1
        self._clock = clock
        self._watch = StepWatch(clock, steady)
        self._stepped_ns = 0
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._heads: dict[str, int] = {}
        self._keys = MessageKeys()
        self._recent = Recent(Bounds(options.keep_updates, options.keep_bytes))
        self._recent.turn_to(Cursor(self._epoch, 0))
        self._fanout = Fanout(self.metrics, options.keep_bytes)
        source = FeedSource(
            self._epoch, self._recent, options.keep_updates, options.keep_bytes, self._heads_line, self._taken
        )
        self._broker = broker_at(options.broker_url, source, self.troubles)
        self._gate = FeedGate(options.control_token, self._fanout, self._broker)
        self._first_schedule = None if options.idle else schedule_of(options)
        self._record = Record(Path(options.record_file) if options.record_file else None, self.troubles, clock)
        self._record.begin(self._first_schedule)
        for client, n in self._record.messages():
            self._keys.add(client, n)
        self._making: Making | None = None
        self._at_work = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer = new_timer(self._on_time)
        self.routes["/feed"] = {"GET": self._feed}
        self.routes["/feed/drop"] = {"POST": self._gate.drop}
        self.routes["/schedule"] = {
            "GET": self._get_schedule,
            "PUT": self._put_schedule,
            "DELETE": self._delete_schedule,
        }
        self.routes["/updates"] = {"GET": self._updates}
        self.routes["/updates/counts"] = {"GET": self._counts}
        self.routes["/messages"] = {"POST": self._take_messages}

    async def work(self) -> None:
        """Start with a schedule, and keep quiet links alive."""
        publishing = asyncio.create_task(self._broker.work())
        try:
            self._begin()
            self._at_work = True
            while not (self._failed.done() or publishing.done()):
                ends: set[asyncio.Future[None]] = {self._failed, publishing}
                await asyncio.wait(ends, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                self._heed_the_clock()
                self._record.flush()
                await send_as_upkeep(partial(self._fanout.send_heartbeat, HEARTBEAT), self.metrics)
                self._broker.beat()
            (publishing if publishing.done() else self._failed).result()
        finally:
            await until_ended(self._broker, publishing)
            self._timer.close()
            self._record.close()

    @property
    def live(self) -> bool:
        """A producer that has begun is live."""
        return self._at_work

    def cursor(self) -> Cursor | None:
        """Return the newest place in the feed, which numbers the updates of all channels together."""
        return self._recent.cursor

    def end(self) -> None:
        """End every feed."""
        super().end()
        self._fanout.end(b"0\r\n\r\n")
        self._broker.end()

    def _begin(self) -> None:
        """Begin with the schedule of the record, else with that of the options, else without one.

        The record's schedule was set under the same options, so a producer that was killed continues it. It does not
        if the clock was set back in the meantime, because then the updates made lie in the future.
        """
        held, now = self._record.schedule, self._clock()
        if held is not None and self._record.newest_ns <= now + STEP_NS:
            self._keep_to(Making(held, held.start_ns or now, now))
        elif schedule := held or self._first_schedule:
            self._set_schedule(schedule, now)

    def _set_schedule(self, schedule: Schedule, start_ns: int) -> None:
        """Keep a schedule from its start. It is recorded only if it can be kept."""
        schedule = msgspec.structs.replace(schedule, start_ns=start_ns)
        making = Making(schedule, start_ns, start_ns)
        self._record.set_schedule(schedule)
        self._record.flush()
        self._keep_to(making)

    def _keep_to(self, making: Making) -> None:
        self._making = making
        self.metrics.channels = making.schedule.channels
        self._timer.arm(making.next_ns)
        shown = {name: value for name, value in msgspec.structs.asdict(making.schedule).items() if name != "trace"}
        logger.info("schedule: %s", msgspec.json.encode(shown).decode())

    def _heed_the_clock(self) -> None:
        """Start the schedule again when the wall clock was set: its intended times are long past, or far ahead."""
        self._stepped_ns += self._watch.step_ns()
        if abs(self._stepped_ns) > STEP_NS:
            step_seconds, self._stepped_ns = self._stepped_ns / NS_PER_SECOND, 0
            logger.warning("the clock was set by %+.1f s: the schedule starts again from now", step_seconds)
            if self._making is not None:
                self._set_schedule(self._making.schedule, self._clock())

    def _on_time(self) -> None:
        """Make what is due. A failure ends the service: otherwise it would look alive and make nothing."""
        try:
            self._heed_the_clock()
            if self._making is not None:
                self._make(self._making.due(self._clock()))
                self._timer.arm(self._making.next_ns)
        except Exception as error:  # noqa: BLE001 -- `work` raises it
            if not self._failed.done():
                self._failed.set_exception(error)

    def _make(self, due: list[Due]) -> None:
        """Make the updates that are due."""
        self._publish([(self._next(due_ns, data, channel), self._clock() - due_ns) for due_ns, data, channel in due])

    def _next(self, ts: int, data: str, channel: str, message: Passed | None = None) -> Update:
        """Return the next update of a channel, made from a client's message if there is one."""
        seq = self._heads[channel] = self._heads.get(channel, 0) + 1
        if message is None:
            return Update(self._epoch, seq, ts, data, channel)
        return Update(self._epoch, seq, ts, data, channel, message.client, message.n, message.ts)

    def _publish(self, updates: list[tuple[Update, int]]) -> None:
        """Write updates, with how late each was made, to the record first, then to the servers."""
        made: list[Kept] = []
        for update, late_ns in updates:
            self._number += 1
            chunk = chunk_of(feed_line(update, self._number))
            self._record.add(update, late_ns)
            made.append(self._recent.append(Cursor(self._epoch, self._number), chunk, update.payload_bytes))
            self.metrics.count_update(late_ns)
        self._record.flush()
        if made:
            self._fanout.deliver(made)
            self._broker.publish()

    async def _take_messages(self, request: web.BaseRequest) -> web.StreamResponse:
        self._gate.check(request)
        body = await body_of(request)
        if self.ending:  # Every feed has ended, so no server would get the update.
            raise Unmet(HTTPStatus.SERVICE_UNAVAILABLE, "the producer stops: try again")
        return web.Response(body=self._taken(body), content_type="application/json")

    def _taken(self, body: bytes) -> bytes:
        """Make an update of each message that was not taken before; return of each whether it is one now, as JSON.

        What is due by now is made first, so that the updates of a channel ascend in time. Raises BadInput when the
        messages are malformed.
        """
        messages = messages_in(body)
        now = self._clock()
        while self._making is not None and self._making.next_ns <= now:
            self._make(self._making.due(now))
        outcomes = [self._outcome_of(message) for message in messages]
        new = [message for message, outcome in zip(messages, outcomes, strict=True) if outcome == "accepted"]
        self._publish([(self._next(now, message.data, message.channel, message), 0) for message in new])
        return msgspec.json.encode([outcome != "refused" for outcome in outcomes])

    def _outcome_of(self, message: Passed) -> str:
        """Note a message's key. It is refused when its channel is unknown, or when its `n` leaves one gap too many."""
        outcome = "refused"
        if message.channel in self._heads or not message.channel:
            with contextlib.suppress(BadInput):
                outcome = "repeated" if self._keys.has(message.client, message.n) else "accepted"
        if outcome == "accepted":
            self._keys.add(message.client, message.n)
        self.metrics.messages[outcome] += 1
        return outcome

    async def _feed(self, request: web.BaseRequest) -> web.StreamResponse:
        self._gate.check(request)
        after = cursor_of(parameters_of(request))
        server = PushedClient(request, self._fanout, self.metrics)
        if request.version < (1, 1):
            raise BadInput("the feed is chunked, and HTTP/1.0 knows no chunks: ask with HTTP/1.1")
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"Cache-Control: no-store\r\nDate: %b\r\n%b: %b\r\n\r\n"
            % (formatdate(usegmt=True).encode(), CURSOR_HEADER.encode(), str(self._recent.cursor).encode())
        )
        heads = self._heads_line()
        with server.welcome(head + (chunk_of(heads) if heads else b"")):
            await server.subscribe(self._recent, self._recent.position(after))
            return await server.until_lost()

    def _heads_line(self) -> bytes:
        """Return the line that names the channels, empty if there is only the default one."""
        return msgspec.json.encode(Heads(self._heads)) + b"\n" if self._heads.keys() - {""} else b""

    async def _get_schedule(self, _request: web.BaseRequest) -> web.StreamResponse:
        return _json(self._making and self._making.schedule)

    async def _put_schedule(self, request: web.BaseRequest) -> web.StreamResponse:
        asked_ns = self._clock()
        schedule = await asyncio.to_thread(schedule_in, await body_of(request))  # a million events take a second
        if (schedule.start_ns or asked_ns) < asked_ns:
            raise BadInput("schedule: start_ns must not be past; leave it out to start now")
        now = self._clock()
        self._set_schedule(schedule, schedule.start_ns or now)
        priming = "x" * schedule.median_payload_bytes
        self._make([Due(now, priming, channel) for channel in schedule.channel_names])
        return await self._get_schedule(request)

    async def _delete_schedule(self, _request: web.BaseRequest) -> web.StreamResponse:
        self._record.set_schedule(None)
        self._record.flush()
        self._making = None
        self._timer.disarm()
        return _json(None)

    async def _updates(self, request: web.BaseRequest) -> web.StreamResponse:
        return _json(self._record.between(*_window_of(request)))

    async def _counts(self, request: web.BaseRequest) -> web.StreamResponse:
        return _json(self._record.counts(*_window_of(request)))


SERVICE = Producer


def _window_of(request: web.BaseRequest) -> tuple[int, int]:
    """Return the two times of a query, `from` and `to`. Raises BadInput when one is missing, or no time."""
    parameters = parameters_of(request)
    return ns_of(parameters, "from"), ns_of(parameters, "to")


def feed_line(update: Update, number: int) -> bytes:
    """Return an update's line in the feed. It begins with its number in the feed where that is not its `seq`."""
    line = encode_update(update) + b"\n"
    return line if number == update.seq else b"%d %b" % (number, line)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=HTTPStatus.OK)
