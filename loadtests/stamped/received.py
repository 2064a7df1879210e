"""What a user receives: bytes with their stamp."""

from collections.abc import Mapping
from typing import Any

import msgspec

from loadtests.connection import Stamp


class StampedData(msgspec.Struct, frozen=True):
    """Bytes, and when they arrived.

    With `is_bound`, later bytes were read with them, and the stamp is that of the last: they arrived then or earlier.
    """

    data: bytes
    stamp: Stamp
    is_bound: bool = False

    @property
    def arrival_ns(self) -> int:
        """When the kernel had received them, Unix nanoseconds. Without a kernel's stamp it is the time of reading."""
        return self.stamp.arrival_ns

    @property
    def read_ns(self) -> int:
        """When they were read, Unix nanoseconds: later, if the load process was busy."""
        return self.stamp.read_ns

    @property
    def text(self) -> str:
        """They as text. Bytes that are not UTF-8 are replaced."""
        return self.data.decode(errors="replace")

    def json(self) -> Any:
        """Return the value that they spell as JSON.

        Raises ValueError (msgspec.DecodeError) when they spell none.
        """
        return msgspec.json.decode(self.data)


class StampedMessage(StampedData, frozen=True, gc=False):
    """A message of a WebSocket, a line, or a part of a body."""

    is_text: bool = True


class StampedEvent(StampedData, frozen=True, gc=False):
    """A server-sent event. `id` is the last one that the stream has set, also by an earlier event."""

    event: str = "message"
    id: str = ""


class StampedResponse(StampedData, frozen=True, kw_only=True):
    """An answer to a request: `data` is its body. The names of `headers` are in small letters.

    `asked_ns` is when the request was begun, and `sent_ns` when it had left, Unix nanoseconds.
    """

    status: int
    headers: Mapping[str, str]
    asked_ns: int
    sent_ns: int

    @property
    def ok(self) -> bool:
        """Return whether the status is below 400."""
        return self.status < 400
