"""Times as people record them: only notations that stand for exactly one moment are accepted."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND
from wirerace.errors import BadInput, shown

EARLIEST_SECONDS = 946_684_800
LATEST_SECONDS = 4_102_444_800
"""The years 2000 to 2100, as seconds since 1970. A smaller number is a time in seconds since some start."""
UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
"""The number of each unit in a second."""
LOCAL = "ISO 8601 without a zone"

_SHORT = {
    "s": "seconds", "sec": "seconds", "secs": "seconds", "second": "seconds",
    "ms": "milliseconds", "msec": "milliseconds", "millis": "milliseconds", "millisecond": "milliseconds",
    "us": "microseconds", "µs": "microseconds", "μs": "microseconds", "usec": "microseconds", "micros": "microseconds",
    "microsecond": "microseconds",
    "ns": "nanoseconds", "nsec": "nanoseconds", "nanos": "nanoseconds", "nanosecond": "nanoseconds",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_ISO = re.compile(r"\d{4}-?(\d\d-?\d\d|W\d\d(-?\d)?)([T ,]\d\d.*)?", re.ASCII)
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """A moment, in nanoseconds since an origin that depends on its notation; a file uses one notation."""

    ns: int
    notation: str


def moment_of(text: str, unit: str = "") -> Moment | None:
    """Return the moment that a text stands for, None if it is no time; `unit` is the unit of numbers, if known.

    Raises BadInput when it may stand for several moments.
    """
    if _NUMBER.fullmatch(text):
        return _number(Decimal(text), unit, text)
    return _iso(text)


def unit_in(heading: str) -> str:
    """Return the unit in the heading of a column, such as time_ms; empty without one."""
    words = re.split(r"[^a-zµμ]+", heading.lower())
    return next((_SHORT.get(word, word) for word in words if word in _SHORT or word in UNITS), "")


def _number(number: Decimal, unit: str, text: str) -> Moment:
    if unit and abs(number) < LATEST_SECONDS * UNITS[unit]:
        return _moment(number, unit, unit)
    if unit:
        raise BadInput(f"{shown(text)} lies after 2100, in {unit} as the heading says; correct the heading")
    if abs(number) < EARLIEST_SECONDS:
        return _moment(number, "seconds", "seconds")
    for name, per_second in UNITS.items():
        if EARLIEST_SECONDS * per_second <= number < LATEST_SECONDS * per_second:
            return _moment(number, name, f"{name} since 1970")
    raise BadInput(f"{shown(text)} may be in several units; write seconds, or name the unit in a heading: time_ms")


def _moment(number: Decimal, unit: str, notation: str) -> Moment:
    return Moment(round(number * (NS_PER_SECOND // UNITS[unit])), notation)


def _iso(text: str) -> Moment | None:
    try:
        moment = datetime.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _ORIGIN
    ns = since // timedelta(microseconds=1) * 1_000
    return Moment(ns, "ISO 8601 with a zone" if moment.tzinfo else LOCAL)
