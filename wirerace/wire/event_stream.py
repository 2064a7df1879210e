"""Server-Sent Events on the wire: bytes in, events out, without I/O (WHATWG HTML standard, section 9.2)."""

from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
MOST_EVENT_BYTES = 16 * 1024 * 1024
_CR, _LF = b"\r", b"\n"


MOST_RETRY_DIGITS = 15
"""A longer time to wait, over 30,000 years, is ignored."""


class ServerEvent(NamedTuple):
    """One event. `id` is the last one that the stream has set, also by an earlier event; `data` is UTF-8 as it came."""

    id: str
    kind: str
    data: bytes


class EventTooLarge(ValueError):
    """An event has no end after `MOST_EVENT_BYTES`."""


class EventReader:
    """Reads one stream. `last_id` is what a client that comes back sends as Last-Event-ID, `retry_ms` the time to wait.

    An event that is not whole when the stream ends is dropped, as the standard says.
    """

    __slots__ = (
        "_buffer", "_data", "_data_bytes", "_ends_with_cr", "_id", "_is_begun", "_is_inside", "_kind", "last_id",
        "retry_ms",
    )  # fmt: skip

    def __init__(self, last_id: str = "") -> None:
        self.last_id = self._id = last_id  # an event without an id has that of the stream before
        self.retry_ms: int | None = None
        self._buffer = b""
        self._is_inside = False
        self._data_bytes = 0
        self._is_begun = False
        self._ends_with_cr = False
        self._kind = ""
        self._data: list[bytes] = []

    @property
    def is_cut(self) -> bool:
        """Tell whether what was fed last ended inside an event."""
        return bool(self._buffer) or self._is_inside

    @property
    def is_idle(self) -> bool:
        """Tell whether the data of events to come depends on nothing that was fed so far."""
        return self._is_begun and not self._ends_with_cr and not self.is_cut

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events that become whole with these bytes.

        Raises EventTooLarge.
        """
        if not self._is_begun:
            data, self._buffer = self._buffer + data, b""
            if len(data) < len(BOM) and BOM.startswith(data):
                self._buffer = data
                return []
            self._is_begun = True
            data = data.removeprefix(BOM)
        buffer = self._buffer + self._with_line_feeds(data)
        lines = buffer.split(_LF)
        self._buffer = lines.pop()
        events: list[ServerEvent] = []
        for line in lines:
            if line:
                self._take(line)
            else:
                self._dispatch(events)
        if self._data_bytes + len(self._buffer) > MOST_EVENT_BYTES:
            raise EventTooLarge(f"no end of an event after {self._data_bytes + len(self._buffer)} bytes")
        return events

    def _with_line_feeds(self, data: bytes) -> bytes:
        """Return bytes in which every line ends with LF; a line may end with CR, LF or both, also across two reads."""
        if self._ends_with_cr and data:
            data = data.removeprefix(_LF)
            self._ends_with_cr = False
        if _CR in data:
            self._ends_with_cr = data.endswith(_CR)
            data = data.replace(b"\r\n", _LF).replace(_CR, _LF)
        return data

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if not name:  # a comment
            return
        self._is_inside = True
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._data.append(value)
                self._data_bytes += len(line) + 1
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"event":
                self._kind = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) <= MOST_RETRY_DIGITS:  # of bytes: 0 to 9 alone
                self.retry_ms = int(value)

    def _dispatch(self, events: list[ServerEvent]) -> None:
        self.last_id = self._id
        if self._data:
            events.append(ServerEvent(self.last_id, self._kind or "message", _LF.join(self._data)))
            self._data.clear()
        self._kind, self._is_inside, self._data_bytes = "", False, 0


def encode_event(identity: bytes, data: bytes) -> bytes:
    """Return one event; the data is one line."""
    return b"id: %b\ndata: %b\n\n" % (identity, data)
