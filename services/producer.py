"""The producer: makes updates at the times that its schedule intends, and feeds them to servers."""

import asyncio
import logging
import secrets
import time
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from services.fanout import Fanout
from services.feed import HEARTBEAT_SECONDS, Heads
from services.heads import body_of
from services.host import Port, Service, ServiceOptions
from services.making import Making
from services.push import PushedClient, chunk_of
from services.recent import Bounds, Recent
from services.record import Record
from services.timer import new_timer
from services.transport import cursor_of, parameters_of
from wirerace.clock import NS_PER_SECOND, Clock, StepWatch, now_ns
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, is_text, shown
from wirerace.transports import PRODUCER_PORT
from wirerace.wire.update import CURSOR_HEADER, Cursor, Update, encode_update
from wirerace.workload.schedule import Arrivals, Bytes, ChannelCount, Due, Duration, Rate, Schedule, Seed
from wirerace.workload.trace import Event, check_events, read_trace

HEARTBEAT = b"1\r\n\n\r\n"  # a chunk with an empty line
STEP_NS = 3 * NS_PER_SECOND
"""A larger jump means that the clock was set. A smaller one counts as lateness."""

logger = logging.getLogger(__name__)


class ProducerOptions(ServiceOptions, frozen=True, kw_only=True):
    """Options of the producer: the schedule it starts with, among others."""

    port: Port = PRODUCER_PORT
    rate_per_second: Rate = 5.0
    channels: ChannelCount = 1
    arrivals: Arrivals = "poisson"
    payload_bytes: Annotated[Bytes, Meta(description="bytes of data in an update")] = 100
    on_seconds: Annotated[Duration, Meta(description="length of a burst, when arrivals is bursty")] = 1.0
    off_seconds: Annotated[Duration, Meta(description="time between two bursts")] = 4.0
    trace_file: Annotated[
        str | None, Meta(description="the trace to replay, JSON Lines or CSV, when arrivals is trace")
    ] = None
    speed: Annotated[float, Meta(gt=0, description="speed of a replayed trace; 2 is twice as fast as recorded")] = 1.0
    seed: Seed = 1
    idle: Annotated[bool, Meta(description="make nothing until a schedule is set")] = False
    record_file: Annotated[
        str | None, Meta(description="file for the record of all updates made; a new producer continues it")
    ] = None


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
        self._recent = Recent(Bounds(options.keep_updates, options.keep_bytes))
        self._recent.turn_to(Cursor(self._epoch, 0))
        self._fanout = Fanout(self.metrics, options.keep_bytes)
        self._first_schedule = None if options.idle else schedule_of(options)
        self._record = Record(Path(options.record_file) if options.record_file else None, self.troubles, clock)
        self._record.begin(self._first_schedule)
        self._making: Making | None = None
        self._at_work = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer = new_timer(self._on_time)
        self.routes["/feed"] = {"GET": self._feed}
        self.routes["/schedule"] = {
            "GET": self._get_schedule,
            "PUT": self._put_schedule,
            "DELETE": self._delete_schedule,
        }
        self.routes["/updates"] = {"GET": self._updates}

    async def work(self) -> None:
        """Start with a schedule, and keep quiet links alive."""
        try:
            self._begin()
            self._at_work = True
            while not self._failed.done():
                await asyncio.wait({self._failed}, timeout=HEARTBEAT_SECONDS)
                self._heed_the_clock()
                self._record.flush()
                self._fanout.send_heartbeat(HEARTBEAT)
            self._failed.result()
        finally:
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
        """Make each update; write it to the record first, then to the servers."""
        made: list[tuple[bytes, int]] = []
        for due_ns, data, channel in due:
            self._number += 1
            seq = self._heads[channel] = self._heads.get(channel, 0) + 1
            late_ns = self._clock() - due_ns
            update = Update(self._epoch, seq, due_ns, data, channel)
            chunk = chunk_of(feed_line(update, self._number))
            made.append((chunk, update.payload_bytes))
            self._record.add(update, late_ns)
            self._recent.append(Cursor(self._epoch, self._number), chunk, update.payload_bytes)
            self.metrics.count_update(late_ns)
        self._record.flush()
        for chunk, payload_bytes in made:
            self._fanout.deliver(chunk, payload_bytes)

    async def _feed(self, request: web.BaseRequest) -> web.StreamResponse:
        after = cursor_of(parameters_of(request))
        server = PushedClient(request, self._fanout, self.metrics)
        if request.version < (1, 1):
            raise BadInput("the feed is chunked, and HTTP/1.0 knows no chunks: ask with HTTP/1.1")
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"Cache-Control: no-store\r\nDate: %b\r\n%b: %b\r\n\r\n"
            % (formatdate(usegmt=True).encode(), CURSOR_HEADER.encode(), str(self._recent.cursor).encode())
        )
        with server.welcome(head + self._channel_heads()):
            await server.subscribe(self._recent, self._recent.position(after))
            return await server.until_lost()

    def _channel_heads(self) -> bytes:
        """Return the chunk that names the channels, empty if there is only the default one."""
        return chunk_of(msgspec.json.encode(Heads(self._heads)) + b"\n") if self._heads.keys() - {""} else b""

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
        parameters = parameters_of(request)
        from_ns, to_ns = (_ns_of(parameters, name) for name in ("from", "to"))
        return _json(self._record.between(from_ns, to_ns))


SERVICE = Producer


def feed_line(update: Update, number: int) -> bytes:
    """Return an update's line in the feed. It begins with its number in the feed where that is not its `seq`."""
    line = encode_update(update) + b"\n"
    return line if number == update.seq else b"%d %b" % (number, line)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=HTTPStatus.OK)


def _ns_of(parameters: dict[str, str], name: str) -> int:
    text = parameters.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadInput(f"{name} must be a time in Unix nanoseconds, got {shown(text)}")
    return int(text)


def schedule_in(body: bytes) -> Schedule:
    """Return the schedule in a request.

    Raises BadInput when the body is no schedule, or one that cannot be kept.
    """
    try:
        schedule = decode_json(body, Schedule)
        check_events(schedule.trace, schedule.speed)
    except BadInput as error:
        raise BadInput(f"schedule: {error}") from None
    return schedule


def schedule_of(options: ProducerOptions) -> Schedule:
    """Return the schedule that the options describe, without a start.

    Raises BadInput when its trace cannot be read, or when options do not go together.
    """
    if options.arrivals == "trace" and options.trace_file is None:
        raise BadInput("--trace-file must name a trace when --arrivals is trace")
    names = [name for name in Schedule.__struct_fields__ if name not in {"start_ns", "trace"}]
    events: list[Event] = []
    if options.arrivals == "trace" and options.trace_file:
        if not is_text(options.trace_file):  # it stands in the schedule, which travels as JSON
            raise BadInput(f"--trace-file: {shown(options.trace_file)} is no UTF-8; rename the file or its directory")
        trace = read_trace(Path(options.trace_file), options.speed)
        logger.info("trace %s: %s", options.trace_file, trace.summary(options.speed))
        events = trace.events
    try:
        return Schedule(**{name: getattr(options, name) for name in names}, trace=events)
    except ValueError as error:  # two options that are right by themselves do not go together
        raise BadInput(str(error)) from None
