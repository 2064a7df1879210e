"""Traces: recorded times of real events, with payloads if there are any, read from JSON Lines or CSV."""

import csv
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from wirerace.errors import BadInput

MOST_EVENTS = 1_000_000
MOST_PAYLOAD_BYTES = 1_048_576
CURE = 'a line is time[,payload], or {"time": …, "payload": …}; a time is seconds or ISO 8601'


class Event(NamedTuple):
    """One recorded event: seconds since the first one, and its payload if it was recorded."""

    at_seconds: float
    payload: str | None


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
    first_seconds = 0.0
    for number, (time, payload) in _rows(path, text):
        seconds = _seconds(time)
        if seconds is None and time == "time" and not events:  # the header of a CSV
            continue
        place = f"{path}:{number}"
        if seconds is None:
            raise BadInput(f"{place}: {time!r} is no time; {CURE}")
        first_seconds = seconds if not events else first_seconds
        _append(place, events, Event(seconds - first_seconds, payload))
    if not events:
        raise BadInput(f"{path}: no events; {CURE}")
    return events


def _append(place: str, events: list[Event], event: Event) -> None:
    back_seconds = events[-1].at_seconds - event.at_seconds if events else 0.0
    if back_seconds > 0:
        raise BadInput(f"{place}: time goes back by {back_seconds:g} s; sort the file by time")
    if event.payload is not None and len(event.payload.encode()) > MOST_PAYLOAD_BYTES:
        raise BadInput(f"{place}: a payload has at most {MOST_PAYLOAD_BYTES} bytes; cut it")
    if len(events) == MOST_EVENTS:
        raise BadInput(f"{place}: a trace has at most {MOST_EVENTS} events; cut it")
    events.append(event)


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
