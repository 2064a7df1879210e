"""Schedules: the one that a producer starts with, from its options, and the one that a request sets."""

import logging
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from services.host import Port, ServiceOptions
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, is_text, shown
from wirerace.transports import PRODUCER_PORT
from wirerace.workload.schedule import Arrivals, Bytes, ChannelCount, Duration, Rate, Schedule, Seed
from wirerace.workload.trace import Event, check_events, read_trace

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
    broker_url: Annotated[
        str,
        Meta(
            description="broker that brings the feed to servers, too: nats://HOST:PORT/NAME",
            extra={"example": "nats://127.0.0.1:4222/wirerace"},
        ),
    ] = ""
    control_token: Annotated[
        str, Meta(description="token with which an experiment may break the feed; without it nobody may")
    ] = ""


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
