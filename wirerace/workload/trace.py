"""Traces: recorded times of real events, with payloads if there are any, read from JSON Lines or CSV."""

import math
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from wirerace.clock import NS_PER_SECOND
from wirerace.errors import BadInput, is_text, shown
from wirerace.files import read_text
from wirerace.workload.moments import LOCAL, Moment, moment_of
from wirerace.workload.trace_rows import CURE, RowError, rows_of

MOST_EVENTS = 1_000_000
MOST_PAYLOAD_BYTES = 1_048_576
MOST_SPAN_SECONDS = 100 * 365.25 * 86_400
"""The limit from the first to the last event, as played. Its nanoseconds, added to those of now, fit into 64 bits."""
MOST_PER_SECOND = 10_000
"""The highest mean rate, as for any schedule. A trace is played again and again, so its mean counts."""
MOST_SCHEDULE_BYTES = 64 * 1024 * 1024
"""The limit of a schedule with its trace in it, as a producer gets it."""
MOST_TRACE_BYTES = MOST_SCHEDULE_BYTES - 65_536
"""The limit of the trace alone: the rest of a schedule is much smaller."""


class Event(NamedTuple):
    """One recorded event: seconds since the first one, and its payload if it was recorded."""

    at_seconds: float
    payload: str | None


class Trace(NamedTuple):
    """The events of a trace, in order, and the notation of their times."""

    events: list[Event]
    notation: str

    def summary(self, speed: float = 1.0) -> str:
        """Return a summary on one line: the number of events, their span, their rate, their payloads."""
        span_seconds = self.events[-1].at_seconds / speed
        sizes = [len(event.payload.encode()) for event in self.events if event.payload is not None]
        parts = [
            f"events: {len(self.events)} over {span_seconds:.6g} s",
            f"{(len(self.events) - 1) / span_seconds:.3g} a second" if span_seconds else "",
            f"at {speed:g} × the speed of the file" if speed != 1 else "",
            f"times: {self.notation}",
            f"payloads: {len(sizes)} of {min(sizes)} to {max(sizes)} bytes" if sizes else "payloads: none",
        ]
        return ", ".join(part for part in parts if part)


def check_events(
    events: Sequence[Event], speed: float = 1.0, place_of: Callable[[int], str] = "trace[{}]".format
) -> None:
    """Check that a producer can play these events at this speed, again and again.

    The reader of a trace file calls it, and so does the producer for each schedule that is set or read from its record,
    so that both refuse the same. `place_of` names an event in the error, by its index. A million events take about a
    second.

    Raises BadInput, naming the place and the cure.
    """
    if len(events) > MOST_EVENTS:
        raise BadInput(f"{place_of(MOST_EVENTS)}: a trace has at most {MOST_EVENTS} events; cut it")
    before_seconds = 0.0
    for index, (at_seconds, payload) in enumerate(events):
        if not at_seconds >= before_seconds or at_seconds == math.inf:  # not: NaN is refused, too
            raise BadInput(f"{place_of(index)}: {_misplaced(at_seconds, before_seconds, index)}")
        before_seconds = at_seconds
        trouble = _payload_trouble(payload)
        if trouble:
            raise BadInput(f"{place_of(index)}: {trouble}")
    if events:
        trouble = _pace_trouble(len(events), before_seconds, speed)
        if trouble:
            raise BadInput(f"{place_of(len(events) - 1)}: {trouble}")


def _misplaced(at_seconds: float, before_seconds: float, index: int) -> str:
    if not math.isfinite(at_seconds):
        return f"{at_seconds} is no time; a time is a number of seconds"
    if not index:
        return f"the first event is at {at_seconds:g} s; begin at 0 s or later"
    return f"time goes back by {before_seconds - at_seconds:g} s; sort the events by time"


def _pace_trouble(count: int, last_seconds: float, speed: float) -> str:
    """Return why a trace whose last event is at `last_seconds` cannot be played; empty when it can."""
    if last_seconds / speed > MOST_SPAN_SECONDS:
        return f"it takes {last_seconds / speed:.3g} s at speed {speed:g}, over 100 years; raise the speed"
    per_second = (count - 1) * speed / last_seconds if last_seconds else 0.0  # one instant: repeated at another rate
    if per_second > MOST_PER_SECOND:
        return f"it has {per_second:.3g} events a second at speed {speed:g}, over {MOST_PER_SECOND}; lower the speed"
    return ""


def _payload_trouble(payload: str | None) -> str:
    """Return what is wrong with a payload; empty when it can be sent."""
    if payload is None or (len(payload) <= MOST_PAYLOAD_BYTES and payload.isascii()):
        return ""
    if not is_text(payload):
        return "the payload has half of a surrogate pair, which is no text; leave it out"
    is_large = len(payload) > MOST_PAYLOAD_BYTES or len(payload.encode()) > MOST_PAYLOAD_BYTES
    return f"a payload has at most {MOST_PAYLOAD_BYTES} bytes; cut it" if is_large else ""


def read_trace(path: Path, speed: float = 1.0) -> Trace:
    """Return the trace in a file, to be played at a speed.

    Raises BadInput, naming file, line and cure, when it is ambiguous, or cannot be played.
    """
    try:
        trace, lines = _understood(read_text(path, "name a trace with producer.trace_file"))
    except RowError as error:
        raise BadInput(f"{path}:{error}") from None
    if not trace.events:
        raise BadInput(f"{path}: no events; {CURE}")
    check_events(trace.events, speed, lambda index: f"{path}:{lines[index]}")
    encoded_bytes = len(msgspec.json.encode(trace.events))
    if encoded_bytes > MOST_TRACE_BYTES:
        size = f"{encoded_bytes / 1e3:.1f} kB as the producer gets it, and {MOST_TRACE_BYTES / 1e3:.1f} kB at most"
        raise BadInput(f"{path}: {size}; cut it, or leave payloads out")
    return trace


def _understood(text: str) -> tuple[Trace, "array[int]"]:
    """Return the trace in a text, and the line of each event.

    Raises RowError.
    """
    unit, rows = rows_of(text, MOST_PAYLOAD_BYTES)
    events: list[Event] = []
    lines = array("q")
    first = last = Moment(0, "")
    for line, time, payload in rows:
        try:
            moment = moment_of(time, unit)
        except BadInput as error:
            raise RowError(line, str(error)) from None
        if moment is None:
            raise RowError(line, f"{shown(time)} is no time; {CURE}")
        if not events:
            first = last = moment
        elif moment.notation != first.notation:
            notations = f"{moment.notation}, and the times before it are in {first.notation}"
            raise RowError(line, f"{shown(time)} is in {notations}; use one of them")
        elif moment.ns < last.ns and moment.notation == LOCAL:
            cure = "sort the lines, or give times a zone if the clock was set back"
            raise RowError(line, f"{shown(time)} is before the time above it; {cure}")
        if len(events) > MOST_EVENTS:
            break  # which check_events() refuses
        last = moment
        events.append(Event((moment.ns - first.ns) / NS_PER_SECOND, payload))
        lines.append(line)
    return Trace(events, first.notation), lines
