"""The rows of a trace file, JSON Lines or CSV: line, time and payload as text. Ambiguous rows are refused."""

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from wirerace.decoding import decode_json
from wirerace.errors import MOST_SHOWN, BadInput, shown
from wirerace.workload.moments import moment_of, unit_in

CURE = 'a line is time[,payload], or {"time": …, "payload": …}; a time is seconds, a Unix time or ISO 8601'
SEPARATORS = {",": "the comma", ";": "the semicolon", "\t": "the tab"}
NO_HEADINGS = {"nan", "inf", "infinity"}

_SPLIT_TIME = re.compile(r"\s*\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d,\d{3,9}(?!\d)|,\s*\d\d:\d\d)", re.ASCII)
"""A time with a comma in it, or a time and a payload that looks like the rest of one."""
_TIME_HEADING = re.compile(r"time|ts|date|at\b|when", re.IGNORECASE)


class TraceRow(NamedTuple):
    """One row: the number of its first line, its time as text, and its payload if it has one."""

    line: int
    time: str
    payload: str | None


class Rows(NamedTuple):
    """The rows of a file, in order; `unit` is the unit of their times in the heading, if there is one."""

    unit: str
    rows: Iterator[TraceRow]


class RowError(BadInput):
    """A row is wrong; the reader of the file puts the file's name before the error."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"{line}: {reason}")


def rows_of(text: str, most_payload_bytes: int) -> Rows:
    """Return the rows of a text. A text that begins with a brace is JSON Lines, others are CSV; a heading is optional.

    Raises RowError, at once or while rows are taken.
    """
    csv.field_size_limit(2 * most_payload_bytes)  # beyond our own limit, so that ours is the one that is reported
    begun = ((number, line) for number, line in _numbered(text) if _counts(line))
    number, first = next(begun, (1, ""))
    if first.lstrip().startswith("{"):
        return Rows("", _json_rows(text))
    if first.lstrip().startswith("["):
        raise RowError(number, f"no event: JSON, but not an object a line; {CURE}")
    heading = _heading_of(number, first)
    separator = _separator_of(number, first) or (_separator_of(*next(begun, (1, ""))) if heading else "")
    unit = unit_in(heading[0]) if heading else ""
    return Rows(unit, _csv_rows(text, separator or ",", len(heading)))


class _JsonRow(msgspec.Struct):
    time: msgspec.Raw
    payload: str | None = None


def _json_rows(text: str) -> Iterator[TraceRow]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = decode_json(line.encode(), _JsonRow)
                time = bytes(row.time).decode()
                yield TraceRow(number, decode_json(bytes(row.time), str) if time.startswith('"') else time, row.payload)
            except BadInput as error:
                raise RowError(number, f"no event: {error}; {CURE}") from None


def _heading_of(number: int, line: str) -> list[str]:
    """Return the names of columns in the first line; none if it is an event."""
    heading = _fields(line, _separator_of(number, line) or ",")
    if not _is_heading(heading[0]):
        return []
    if len(heading) > 2:
        raise RowError(number, f"{len(heading)} columns; {CURE}")
    if len(heading) == 2 and _TIME_HEADING.search(heading[1]) and not _TIME_HEADING.search(heading[0]):
        raise RowError(number, f"the column {shown(heading[1].strip())} comes second; put the time first")
    return heading


def _separator_of(number: int, line: str) -> str:
    """Return the separator of time and payload in a line; empty without one.

    Raises RowError when the line is ambiguous.
    """
    readings = [separator for separator in SEPARATORS if separator in line and _may_be_read(line, separator)]
    if len(readings) > 1:
        names = " or ".join(SEPARATORS[separator] for separator in readings)
        raise RowError(number, f"{shown(line.strip())} may be split at {names}; begin with a heading: time;payload")
    return readings[0] if readings else ""


def _may_be_read(line: str, separator: str) -> bool:
    fields = _fields(line, separator)
    try:
        is_time = moment_of(_time_in(fields[0], separator)) is not None
    except BadInput:  # a time, although its unit is unknown
        is_time = True
    return len(fields) <= 2 and (is_time or _is_heading(fields[0]))


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), []) or [""]
    except csv.Error:
        return [""]


def _is_heading(field: str) -> bool:
    """Return whether a field names a column: a word, and no number, not even one such as nan."""
    word = field.strip().lower()
    return any(map(str.isalpha, word)) and not any(map(str.isdigit, word)) and word.lstrip("+-") not in NO_HEADINGS


def _time_in(field: str, separator: str) -> str:
    """Return a field as a time, with a decimal point if commas do not separate fields."""
    return (field if separator == "," else field.replace(",", ".", 1)).strip()


def _csv_rows(text: str, separator: str, columns: int) -> Iterator[TraceRow]:
    source = _Lines(text)
    reader = csv.reader(source, delimiter=separator, strict=True)
    signs: set[str] = set()
    is_first = True
    while True:
        source.row = ""
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise RowError(source.begun, f"no event: {error}; {CURE}") from None
        if fields is None:
            return
        if is_first and columns:
            is_first = False
            continue
        signs |= set() if separator == "," else {sign for sign in ".," if sign in fields[0]}
        if len(signs) > 1:
            raise RowError(source.begun, "a decimal comma here, a decimal point there; use one of them")
        yield _csv_row(source, fields, separator, columns)


def _csv_row(source: "_Lines", fields: list[str], separator: str, columns: int) -> TraceRow:
    """Return a row of fields; `columns` is the number of columns in the heading, 0 without one."""
    if len(fields) > (columns or 2):
        cure = "quote a payload with separators in it, and a time with a comma"
        raise RowError(source.begun, f"no event: {len(fields)} fields, not {columns or 2}; {cure}")
    if separator == "," and columns != 2 and _SPLIT_TIME.match(source.row):
        row = shown(source.row.strip())
        raise RowError(source.begun, f"{row} may be a time, or a time and a payload; quote the time, or the payload")
    return TraceRow(source.begun, _time_in(fields[0], separator), fields[1] if len(fields) == 2 else None)


class _Lines(Iterator[str]):
    """The lines of a CSV for its reader. Empty lines and comments are skipped between rows, and kept inside quotes.

    `row` is the beginning of the row that is being read, `begun` the number of its first line. The caller empties `row`
    before the next row.
    """

    def __init__(self, text: str) -> None:
        self._numbered = _numbered(text)
        self.row = ""
        self.begun = 1

    def __next__(self) -> str:
        for number, line in self._numbered:
            if self.row:
                return line
            if _counts(line):
                self.row, self.begun = line[:MOST_SHOWN], number
                return line
        raise StopIteration


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(io.StringIO(text, newline=""), 1)


def _counts(line: str) -> bool:
    """Return whether a line between rows begins one: it is neither empty nor a comment."""
    return bool(line.strip()) and not line.startswith("#")
