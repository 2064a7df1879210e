"""The producer: makes updates at the times its schedule intends, whoever listens, and feeds them to servers."""

import asyncio
import itertools
import logging
import secrets
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from services.answers import Encoded
from services.fanout import Fanout, Subscriber
from services.feed import HEARTBEAT_SECONDS
from services.host import Connection, Port, Service, ServiceOptions
from services.recent import Recent
from services.record import Record
from services.timer import new_timer
from services.transport import cursor_of, parameters_of
from wirerace.clock import NS_PER_SECOND, Clock, now_ns
from wirerace.decoding import Misfit, decode_json
from wirerace.errors import BadInput
from wirerace.schedule import Arrivals, Bytes, Duration, Rate, Schedule, Seed, due_times, payloads
from wirerace.trace import Event, read_trace
from wirerace.transports import PRODUCER_PORT
from wirerace.wire import CURSOR_HEADER, Cursor, Update, encode_update

HEARTBEAT = b"1\r\n\n\r\n"  # a chunk with an empty line
MADE_AT_ONCE = 1000  # of a backlog, before the event loop gets its turn

logger = logging.getLogger(__name__)


class ProducerOptions(ServiceOptions, frozen=True, kw_only=True):
    """Options of the producer: the schedule it starts with, among others."""

    port: Port = PRODUCER_PORT
    rate_per_second: Rate = 5.0
    arrivals: Arrivals = "poisson"
    payload_bytes: Annotated[Bytes, Meta(description="bytes of data in an update")] = 100
    on_seconds: Annotated[Duration, Meta(description="bursts: how long one lasts")] = 1.0
    off_seconds: Annotated[Duration, Meta(description="bursts: the silence between two")] = 4.0
    trace_file: Annotated[str | None, Meta(description="trace: recorded times, JSON Lines or CSV")] = None
    speed: Annotated[float, Meta(gt=0, description="trace: how much faster than recorded")] = 1.0
    seed: Seed = 1
    idle: Annotated[bool, Meta(description="make nothing until a schedule is set")] = False
    record_file: Annotated[
        str | None, Meta(description="file for the record of all updates made; a new producer goes on with it")
    ] = None


class Producer(Service):
    """Makes updates, keeps recent ones for servers that come back, and its record of all."""

    name = "producer"
    options_type = ProducerOptions
    options: ProducerOptions

    def __init__(self, options: ProducerOptions, clock: Clock = now_ns) -> None:
        super().__init__(options)
        self.metrics.feed_live = 1
        self._clock = clock
        self._epoch = secrets.token_hex(4)
        self._seq = 0
        self._recent = Recent(options.keep_updates, options.keep_bytes)
        self._recent.turn_to(Cursor(self._epoch, 0))
        self._fanout = Fanout(self.metrics, options.keep_bytes)
        self._record = Record(Path(options.record_file) if options.record_file else None)
        self._first_schedule = None if options.idle else schedule_of(options)
        self._record.begin(self._first_schedule)
        self._schedule: Schedule | None = None
        self._coming: Iterator[tuple[int, str]] = iter(())
        self._next = (0, "")
        self._timer = new_timer(self._make_what_is_due)
        self.routes["/feed"] = {"GET": self._feed}
        self.routes["/schedule"] = {
            "GET": self._get_schedule,
            "PUT": self._put_schedule,
            "DELETE": self._delete_schedule,
        }
        self.routes["/updates"] = {"GET": self._updates}

    async def work(self) -> None:
        """Start with the schedule of the record, else of the options, and keep quiet links alive.

        The record's was set while the same options held: a producer that was killed goes on with it.
        """
        try:
            if self._record.schedule is not None:
                await self._resume(self._record.schedule)
            elif self._first_schedule is not None:
                self._set_schedule(msgspec.structs.replace(self._first_schedule, start_ns=self._clock()))
            while True:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                self._fanout.send_heartbeat(HEARTBEAT)
        finally:
            self._timer.close()
            self._record.close()

    @property
    def live(self) -> bool:
        """A producer that answers is live."""
        return True

    def cursor(self) -> Cursor | None:
        """Return the cursor of the newest update."""
        return self._recent.cursor

    def end(self) -> None:
        """End every feed."""
        super().end()
        self._fanout.end(b"0\r\n\r\n")

    def _set_schedule(self, schedule: Schedule) -> None:
        self._record.set_schedule(schedule)
        self._record.flush()
        start_ns = schedule.start_ns or self._clock()
        self._keep_to(schedule, updates_of(schedule, start_ns), start_ns)

    async def _resume(self, schedule: Schedule) -> None:
        """Go on with the schedule of an earlier life; a long one takes seconds to walk through, in another thread."""
        coming = updates_of(schedule, schedule.start_ns or self._clock())
        reached = await asyncio.to_thread(skip_to, coming, self._clock())
        if self._record.schedule is schedule:  # and nobody has set another in the meantime
            self._keep_to(schedule, itertools.chain([reached], coming), self._clock())

    def _keep_to(self, schedule: Schedule, coming: Iterator[tuple[int, str]], from_ns: int) -> None:
        """Go on with what is coming, from the first intended time that is not before `from_ns`."""
        self._schedule = schedule
        self._coming = coming
        self._next = skip_to(coming, from_ns)
        self._timer.arm(self._next[0])
        shown = {name: value for name, value in msgspec.structs.asdict(schedule).items() if name != "trace"}
        logger.info("schedule: %s", msgspec.json.encode(shown).decode())

    def _make_what_is_due(self) -> None:
        due: list[tuple[int, str]] = []
        now = self._clock()
        while self._next[0] <= now and len(due) < MADE_AT_ONCE:
            due.append(self._next)
            self._next = next(self._coming)
        self._make(due)
        self._timer.arm(self._next[0])

    def _make(self, due: list[tuple[int, str]]) -> None:
        """Make one update for each intended time and payload: into the record first, then to the servers."""
        made: list[tuple[bytes, int]] = []
        for due_ns, data in due:
            self._seq += 1
            late_ns = self._clock() - due_ns
            update = Update(self._epoch, self._seq, due_ns, data)
            line = encode_update(update) + b"\n"
            chunk = b"%x\r\n%b\r\n" % (len(line), line)
            made.append((chunk, update.payload_bytes))
            self._record.add(self._epoch, self._seq, due_ns, late_ns)
            self._recent.append(update, chunk)
            self.metrics.updates += 1
            self.metrics.feed_lag.observe(late_ns / NS_PER_SECOND)
        self._record.flush()
        for chunk, payload_bytes in made:
            self._fanout.deliver(chunk, payload_bytes)

    async def _feed(self, request: web.BaseRequest) -> web.StreamResponse:
        after = cursor_of(parameters_of(request))
        connection, transport = request.protocol, request.transport
        if transport is None or not isinstance(connection, Connection):
            raise ConnectionResetError("the server has gone")
        connection.join()
        subscriber = Subscriber(transport, self.metrics)
        subscriber.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"Cache-Control: no-store\r\n%b: %b\r\n\r\n" % (CURSOR_HEADER.encode(), str(self._recent.cursor).encode())
        )
        self._fanout.welcome(subscriber)
        try:
            await self._fanout.subscribe(subscriber, self._recent, self._recent.position(after), request.writer.drain)
            await asyncio.get_running_loop().create_future()  # until the link is lost, which cancels this
        finally:
            self._fanout.discard(subscriber)
        return Encoded(b"", keep_alive=False)

    async def _get_schedule(self, _request: web.BaseRequest) -> web.StreamResponse:
        return _json(self._schedule)

    async def _put_schedule(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            schedule = decode_json(await request.read(), Schedule)
        except Misfit as misfit:
            raise BadInput(f"schedule: {misfit}") from None
        now = self._clock()
        if schedule.start_ns is None:
            schedule = msgspec.structs.replace(schedule, start_ns=now)
        elif schedule.start_ns < now:
            raise BadInput("schedule: start_ns must not be past; leave it out to start now")
        self._set_schedule(schedule)
        self._make([(now, "x" * schedule.median_payload_bytes)])
        return _json(schedule)

    async def _delete_schedule(self, _request: web.BaseRequest) -> web.StreamResponse:
        self._record.set_schedule(None)
        self._record.flush()
        self._schedule = None
        self._timer.disarm()
        return _json(None)

    async def _updates(self, request: web.BaseRequest) -> web.StreamResponse:
        parameters = parameters_of(request)
        from_ns, to_ns = (_ns_of(parameters, name) for name in ("from", "to"))
        return _json(self._record.between(from_ns, to_ns))


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=HTTPStatus.OK)


def _ns_of(parameters: dict[str, str], name: str) -> int:
    text = parameters.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadInput(f"{name} must be a time in Unix nanoseconds, got {text[:40]!r}")
    return int(text)


def updates_of(schedule: Schedule, start_ns: int) -> Iterator[tuple[int, str]]:
    """Yield the intended time and the payload of each update, without end."""
    return zip(due_times(schedule, start_ns), payloads(schedule), strict=False)


def skip_to(coming: Iterator[tuple[int, str]], from_ns: int) -> tuple[int, str]:
    """Return the first of what is coming whose time is not before `from_ns`."""
    return next((due_ns, data) for due_ns, data in coming if due_ns >= from_ns)


def schedule_of(options: ProducerOptions) -> Schedule:
    """Return the schedule that the options give, without a start.

    Raises BadInput when its trace cannot be read.
    """
    if options.arrivals == "trace" and options.trace_file is None:
        raise BadInput("--trace-file must name a trace when --arrivals is trace")
    names = [name for name in Schedule.__struct_fields__ if name not in {"start_ns", "trace"}]
    events: list[Event] = []
    if options.arrivals == "trace" and options.trace_file:
        trace = read_trace(Path(options.trace_file), options.speed)
        logger.info("trace %s: %s", options.trace_file, trace.summary(options.speed))
        events = trace.events
    return Schedule(**{name: getattr(options, name) for name in names}, trace=events)
