"""Streams for HTTP/1.0, which knows no chunks: the same content, up to the end of the connection."""

from collections.abc import Sequence

from services.deflate import Converted
from services.fanout import Fanout, Subscriber
from services.recent import History, Kept


class UnchunkedFanout(Fanout):
    """The clients of a stream that asked with HTTP/1.0: those of a reverse proxy, above all.

    An answer of unknown length ends with its connection then (RFC 9112, section 6.3).
    """

    def written(self, subscriber: Subscriber, recent: History) -> History:  # noqa: ARG002 -- as its base
        """Return what is kept, without chunks."""
        return Converted(recent, content_of)

    def deliver(self, updates: Sequence[Kept]) -> None:
        """Send updates that came together, and count the deliveries."""
        if self.has_listeners:
            super().deliver([update._replace(encoded=content_of(update.encoded)) for update in updates])


def content_of(chunk: bytes) -> bytes:
    """Return what is in one chunk (RFC 9112, section 7.1)."""
    return chunk[chunk.index(b"\r\n") + 2 : -2]
