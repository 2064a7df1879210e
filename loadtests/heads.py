"""Heads: plain answers are taken apart by finding, once httptools has found the same head plain."""

from wirerace.wire.update import CURSOR_HEADER

_CURSOR = f"\r\n{CURSOR_HEADER}: ".encode()
_LENGTH = b"\r\nContent-Length: "
_LENGTH_NAME = b"content-length"
_END = b"\r\n\r\n"
MOST_PLAIN = 256
"""How many different heads are known at a time: a server's heads differ in their date only, once a second."""


class PlainHeads:
    """The heads of whole answers that httptools has read, without the values of cursor and length.

    What is left of a head decides what else it means: that the connection stays open, and where the body ends. So an
    answer with the same rest, a cursor of letters and digits, and a length that fits needs no parser.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}
        self._last = b""
        self._last_parts: tuple[int, str, bytes] | None = None

    def learn(self, data: bytes, status: int, cursor: bytes, body: bytes) -> None:
        """Note the head of an answer that was whole in one read, after which the connection stays open.

        `cursor` and `body` are what httptools has found.
        """
        parts = _parts_of(data)
        if parts is None or parts[1:] != (cursor, body) or not _is_framed(parts[0], status):
            return
        if len(self._known) >= MOST_PLAIN:
            self._known.clear()
        self._known[parts[0]] = status

    def read(self, data: bytes) -> tuple[int, str, bytes] | None:
        """Return status, cursor and body of what was read; None if it is not certainly one whole plain answer.

        Clients that have the same cursor get the same bytes, so they are often those of the read before.
        """
        if data == self._last:
            return self._last_parts
        parts = _parts_of(data)
        if parts is None:
            return None
        rest, cursor, body = parts
        status = self._known.get(rest)
        if status is None:
            return None
        self._last, self._last_parts = data, (status, cursor.decode(), body)
        return self._last_parts


def _is_framed(rest: bytes, status: int) -> bool:
    """Return whether a body with such a head ends where `_parts_of` says, and no value is there twice."""
    names = rest.lower()
    return names.count(_CURSOR.lower()) == 1 and names.count(_LENGTH_NAME) == rest.count(_LENGTH) == (status == 200)


def _parts_of(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return a head without two values, its cursor, and the body; None if the values do not fit."""
    end = data.find(_END)
    at = data.find(_CURSOR, 0, end) if end > 0 else -1
    if at < 0:
        return None
    at += len(_CURSOR)
    to = data.find(b"\r", at)
    cursor, body = data[at:to], data[end + 4 :]
    if not cursor.replace(b"-", b"", 1).isalnum():
        return None
    length_at = data.find(_LENGTH, 0, end)
    if length_at < 0:
        return None if body else (data[:at] + data[to:end], cursor, body)
    length_at += len(_LENGTH)
    length_to = data.find(b"\r", length_at)
    length = data[length_at:length_to]
    if not length.isdigit() or int(length) != len(body):
        return None
    if at < length_at:
        return data[:at] + data[to:length_at] + data[length_to:end], cursor, body
    return data[:length_at] + data[length_to:at] + data[to:end], cursor, body
