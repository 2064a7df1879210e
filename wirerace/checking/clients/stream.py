"""HTTP streaming: an answer without end, a line for each update."""

from wirerace.checking.clients.chunked import ChunkedClient
from wirerace.checking.verdicts import Unkept
from wirerace.wire.update import MOST_LINE_BYTES

HEADERS = ("Accept: application/x-ndjson",)


class LineClient(ChunkedClient):
    """Lines; an empty one is a heartbeat."""

    kind, heartbeat = "application/x-ndjson", b"\n"
    _unread = b""

    def take(self, data: bytes) -> None:
        """Take the lines that are whole."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if line.strip():
                self.keep(line)
        if len(self._unread) > MOST_LINE_BYTES:
            raise Unkept("the end of a line", f"{len(self._unread)} bytes without one", self._unread)


Client = LineClient
