"""Traces: recorded times of real events, with payloads if there are any, read from JSON Lines or CSV."""

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput

MOST_EVENTS = 1_000_000
MOST_PAYLOAD_BYTES = 1_048_576
MOST_SPAN_SECONDS = 100 * 365.25 * 86_400
"""From the first event to the last one, as played: its nanoseconds, added to those of now, fit into 64 bits."""
MOST_PER_SECOND = 10_000
"""As of any schedule; a trace is played again and again, so its mean counts."""
CURE = 'a line is time[,payload], or {"time": …, "payload": …}; a time is seconds or ISO 8601'


class Event(NamedTuple):
    """One recorded event: seconds since the first one, and its payload if it was recorded."""

    at_seconds: float
    payload: str | None


def check_events(
    events: Sequence[Event], speed: float = 1.0, place_of: Callable[[int], str] = "trace[{}]".format
) -> None:
    """Check that a producer can play these events at this speed, again and again.

    The reader of a trace file calls it, and the producer for each schedule that it is given or finds in its record:
    both refuse the same. `place_of` names an event in the error, by its index. A million events take about a second.

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
    """Return what keeps a trace from being played, whose last event is at `last_seconds`; nothing when it can be."""
    if last_seconds / speed > MOST_SPAN_SECONDS:
        return f"it takes {last_seconds / speed:.3g} s at speed {speed:g}, over 100 years; raise the speed"
    per_second = (count - 1) * speed / last_seconds if last_seconds else 0.0  # one instant: repeated at another rate
    if per_second > MOST_PER_SECOND:
        return f"it has {per_second:.3g} events a second at speed {speed:g}, over {MOST_PER_SECOND}; slow it down"
    return ""


def _payload_trouble(payload: str | None) -> str:
    """Return what is wrong with a payload, nothing when it can be sent."""
    if payload is None or (len(payload) <= MOST_PAYLOAD_BYTES and payload.isascii()):
        return ""
    try:
        size = len(payload.encode())
    except UnicodeEncodeError:
        return "the payload has half of a surrogate pair, which is no text; leave it out"
    return f"a payload has at most {MOST_PAYLOAD_BYTES} bytes; cut it" if size > MOST_PAYLOAD_BYTES else ""


def read_trace(path: Path) -> list[Event]:
    """Return the events of a trace, at least one, in order; `.jsonl` and `.json` are JSON Lines, all else is CSV.

    Raises BadInput, naming file, line and cure.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}; name a trace with producer.trace_file") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8; {CURE}") from None
    events: list[Event] = []
    numbers: list[int] = []
    first_seconds = 0.0
    for number, (time, payload) in _rows(path, text):
        seconds = _seconds(time)
        if seconds is None and time == "time" and not events:  # the header of a CSV
            continue
        place = f"{path}:{number}"
        if seconds is None:
            raise BadInput(f"{place}: {time!r} is no time; {CURE}")
        first_seconds = seconds if not events else first_seconds
        events.append(Event(seconds - first_seconds, payload))
        numbers.append(number)
    if not events:
        raise BadInput(f"{path}: no events; {CURE}")
    check_events(events, place_of=lambda index: f"{path}:{numbers[index]}")
    return events


def _rows(path: Path, text: str) -> Iterator[tuple[int, tuple[object, str | None]]]:
    """Yield line numbers with time and payload; empty lines, and comments of a CSV, are passed over."""
    is_json = path.suffix in {".jsonl", ".json"}
    csv.field_size_limit(2 * MOST_PAYLOAD_BYTES)  # beyond our own limit, so that ours is the one that is told
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and (is_json or not line.startswith("#")):
            yield number, _json_row(path, number, line) if is_json else _csv_row(path, number, line)


def _json_row(path: Path, number: int, line: str) -> tuple[object, str | None]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    payload = row.get("payload") if isinstance(row, dict) else None
    if not isinstance(row, dict) or "time" not in row or not isinstance(payload, str | None):
        raise BadInput(f"{path}:{number}: no event; {CURE}")
    return row["time"], payload


def _csv_row(path: Path, number: int, line: str) -> tuple[object, str | None]:
    try:
        (fields,) = csv.reader([line], strict=True)
    except (csv.Error, ValueError):
        fields = []
    if len(fields) not in {1, 2}:
        raise BadInput(f"{path}:{number}: no event; {CURE}")
    return fields[0].strip(), fields[1] if len(fields) == 2 else None


def _seconds(time: object) -> float | None:
    """Return a time as seconds from some origin, None when it is none."""
    if isinstance(time, bool) or not isinstance(time, int | float | str):
        return None
    try:
        seconds = float(time)
    except ValueError:
        try:
            moment = datetime.fromisoformat(str(time))
        except ValueError:
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if math.isfinite(seconds) else None
