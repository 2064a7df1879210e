"""A server of updates in one file: every transport but WebSocket, with nothing but Python's standard library.

    python examples/server.py --port 9000 --producer-url http://127.0.0.1:8100

It keeps the delivery contract: `wirerace check` says so. Each client has a thread, which is enough for some hundred.
"""

import argparse
import contextlib
import json
import re
import signal
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from urllib.parse import parse_qs, urlsplit

CURSOR = re.compile(r"([0-9a-z]{1,16})-(0|[1-9][0-9]{0,17})", re.ASCII)
KEEP_UPDATES, MOST_UPDATES, MOST_BYTES = 65_536, 1_000, 1_048_576  # in all, and the most in an answer
SILENCE_SECONDS, HEARTBEAT_SECONDS, WRITE_SECONDS, HEAD_SECONDS, IDLE_SECONDS = 3.0, 15.0, 0.5, 10.0, 75.0
PATHS = ("/poll", "/longpoll", "/sse", "/stream", "/health")
Cursor = tuple[str, int]


def spelled(cursor: Cursor) -> str:
    """Return a cursor as it travels."""
    return f"{cursor[0]}-{cursor[1]}"


class History:
    """The updates, in order, and where each epoch begins among them. A position counts from the first one ever."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.head: Cursor = ("", 0)
        self.live = self.caught_up = self.stops = False
        self.end = self._first = 0  # positions: behind the newest, and of the oldest that is kept
        self._lines, self._seqs, self._epochs = list[bytes](), list[int](), dict[str, int]()

    @property
    def feed_cursor(self) -> str:
        """Where the feed is to continue; 0-0 asks for all that the producer keeps."""
        return spelled(self.head) if self.head[0] else "0-0"

    def turn_to(self, epoch: str) -> None:
        """Begin an epoch."""
        with self.changed:
            if epoch != self.head[0]:
                self.head = (epoch, 0)
                self._epochs[epoch] = self.end

    def add(self, line: bytes) -> None:
        """Keep an update. Raises ValueError when the line is none, or not the next one."""
        fields = json.loads(line)
        epoch, seq = fields["epoch"], fields["seq"]
        self.turn_to(epoch)
        with self.changed:
            if seq <= self.head[1]:
                raise ValueError(f"update {seq} after {self.head[1]}")
            self._lines.append(line)
            self._seqs.append(seq)
            self.head, self.end = (epoch, seq), self.end + 1
            if len(self._lines) > 2 * KEEP_UPDATES:
                del self._lines[:KEEP_UPDATES], self._seqs[:KEEP_UPDATES]
                self._first += KEEP_UPDATES
            self.changed.notify_all()

    def position(self, after: Cursor | None) -> int:
        """Return the position of the first update behind a cursor. One that is ahead is behind none for a while."""
        if after is None or after[0] not in self._epochs:
            return self.end if after is None else self._first
        epoch, seq = after
        ends = [*list(self._epochs.values())[1:], self.end]
        begin, end = self._epochs[epoch] - self._first, ends[list(self._epochs).index(epoch)] - self._first
        position = bisect_right(self._seqs, seq, max(begin, 0), end) + self._first
        return position + max(seq - self.head[1], 0) if epoch == self.head[0] else position

    def since(self, position: int) -> list[bytes]:
        """Return updates from a position on: as many as fit into an answer, but at least one."""
        with self.changed:
            start = max(position - self._first, 0)
            lines = self._lines[start : start + MOST_UPDATES]
        sizes = accumulate(map(len, lines))
        return [line for line, size in zip(lines, sizes, strict=True) if size <= MOST_BYTES] or lines[:1]

    def wait(self, position: int, seconds: float) -> None:
        """Wait for the update at a position."""
        with self.changed:
            self.changed.wait_for(lambda: self.end > position or self.stops, seconds)


def follow(history: History, url: str) -> None:
    """Follow the producer's feed to the end, and ask again at our cursor whenever it breaks."""
    while not history.stops:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=SILENCE_SECONDS)
        with contextlib.suppress(OSError, HTTPException, ValueError, LookupError, TypeError):
            connection.request("GET", f"/feed?after={history.feed_cursor}")
            feed = connection.getresponse()
            epoch, seq = feed.headers.get("Wirerace-Cursor", "").split("-")
            history.turn_to(epoch)
            line = b"\n"
            while line:
                if line.strip():  # an empty line is a heartbeat
                    history.add(line.strip())
                if history.head[0] != epoch or history.head[1] >= int(seq):
                    history.live = history.caught_up = True
                line = feed.readline()
        history.live = False
        connection.close()
        time.sleep(0.05)


class Refused(Exception):
    """A request that is not served: a status and one line that says why."""


class Client(BaseHTTPRequestHandler):
    """One connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    history: History

    def parse_request(self) -> bool:
        """Read the head of a request, which must be complete in time."""
        self.connection.settimeout(HEAD_SECONDS)
        try:
            return super().parse_request()
        except TimeoutError:
            self.close_connection = True
            self.answer(408)
            return False

    def do_GET(self) -> None:
        """Serve a request, or refuse it in one line."""
        try:
            self.serve()
        except Refused as refused:
            self.answer(refused.args[0], f"{refused.args[1]}\n".encode())
        except OSError:  # the client has gone, or reads too slowly: it can come back with its cursor
            self.close_connection = True

    def do_HEAD(self) -> None:
        """Refuse: an answer without end has no head to show."""
        self.answer(405, headers="Allow: GET\r\n")

    def serve(self) -> None:
        """Serve a request."""
        self.connection.settimeout(IDLE_SECONDS)
        parts, hosts = urlsplit(self.path), self.headers.get_all("Host", [])
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if self.request_version == "HTTP/1.1" and len(hosts) != 1:
            raise Refused(400, "a request has one Host")
        if parts.path not in PATHS:
            raise Refused(404, "there is nothing")
        getattr(self, parts.path[1:])(query)

    def poll(self, query: dict[str, str]) -> None:
        """Answer at once with what is newer than a cursor."""
        after = self.cursor_in(query.get("after"))
        with self.history.changed:
            position, head = self.history.position(after), self.history.head
            lines = self.history.since(position)
            more = b',"more":true' if position + len(lines) < self.history.end else b""
        if lines:
            last = json.loads(lines[-1])
            body = b'{"updates":[%b]%b}' % (b",".join(lines), more)
            self.answer(200, body, spelled((last["epoch"], last["seq"])), "application/json")
        else:
            self.answer(204, b"", spelled(after or head))

    def longpoll(self, query: dict[str, str]) -> None:
        """Answer as soon as there is an update, or when the hold is over."""
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", hold := query.get("hold", "25")):
            raise Refused(400, "hold must be a number of seconds")
        after = self.cursor_in(query.get("after")) or self.history.head
        self.history.wait(self.history.position(after), float(hold))
        self.poll(query | {"after": spelled(after)})

    def sse(self, query: dict[str, str]) -> None:
        """Send an event for each update. A browser that comes back has its last id in a header."""
        after, last = self.cursor_in(query.get("after")), self.headers.get("Last-Event-ID")
        after = self.cursor_in(last, "Last-Event-ID") if last else after
        position, cursor = self.begin(after, "text/event-stream")
        self.chunk(f"retry: 1000\nid: {cursor}\n\n".encode())
        self.send_all(position, event_of, heartbeat=b":\n")

    def stream(self, query: dict[str, str]) -> None:
        """Send a line for each update."""
        position, _ = self.begin(self.cursor_in(query.get("after")), "application/x-ndjson")
        self.send_all(position, lambda line: line + b"\n", heartbeat=b"\n")

    def begin(self, after: Cursor | None, kind: str) -> tuple[int, str]:
        """Begin an answer without end, and return where it starts: the position, and the cursor in its head."""
        if not accepts(self.headers.get("Accept", ""), kind):
            raise Refused(406, f"this is {kind}")
        if self.request_version != "HTTP/1.1":
            raise Refused(400, "this answer is chunked: ask with HTTP/1.1")
        with self.history.changed:  # both at once, or an update between them would be lost
            position, cursor = self.history.position(after), spelled(after or self.history.head)
        self.close_connection = True
        self.connection.settimeout(WRITE_SECONDS)  # A client whose buffers stay full that long reads too slowly.
        self.head(200, f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\nWirerace-Cursor: {cursor}\r\n")
        return position, cursor

    def send_all(self, position: int, as_bytes: Callable[[bytes], bytes], heartbeat: bytes) -> None:
        """Send what there is from a position on, and what comes, until the server stops."""
        while not self.history.stops:
            self.history.wait(position, HEARTBEAT_SECONDS)
            for line in (lines := self.history.since(position)):
                self.chunk(as_bytes(line))
            position += len(lines)
            if not lines and not self.history.stops:
                self.chunk(heartbeat)
        self.wfile.write(b"0\r\n\r\n")

    def health(self, _query: dict[str, str]) -> None:
        """Say whether the feed is live."""
        body = json.dumps({"service": "example", "live": self.history.live}).encode()
        self.answer(200 if self.history.live else 503, body, kind="application/json")

    def cursor_in(self, text: str | None, name: str = "after") -> Cursor | None:
        """Return a cursor that a client sends, None if it sends none."""
        match = CURSOR.fullmatch(text) if text is not None else None
        if text is not None and match is None:
            raise Refused(400, f"{name} must be a cursor such as k3f9-17")
        if not self.history.caught_up:
            raise Refused(503, "no feed yet")
        return (match[1], int(match[2])) if match else None

    def chunk(self, data: bytes) -> None:
        """Send bytes as one chunk."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def head(self, status: int, headers: str = "", body: bytes = b"") -> None:
        """Send a head, and the body in one piece with it."""
        begin = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {self.date_time_string()}"
        self.wfile.write(f"{begin}\r\nCache-Control: no-store\r\n{headers}\r\n".encode("latin-1") + body)

    def answer(self, status: int, body: bytes = b"", cursor: str = "", kind: str = "", headers: str = "") -> None:
        """Send a whole answer."""
        if cursor:
            headers += f"Wirerace-Cursor: {cursor}\r\n"
        if status != 204:
            headers += f"Content-Type: {kind or 'text/plain'}\r\nContent-Length: {len(body)}\r\n"
        if self.close_connection or self.history.stops:
            headers += "Connection: close\r\n"
            self.close_connection = True
        self.head(status, headers, body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def event_of(line: bytes) -> bytes:
    """Return the event of an update, whose id is its cursor."""
    fields = json.loads(line)
    return b"id: %b-%d\ndata: %b\n\n" % (fields["epoch"].encode(), fields["seq"], line)


def accepts(header: str, kind: str) -> bool:
    """Return whether an Accept header allows a type (RFC 9110, section 12.5.1)."""
    ranges = dict(part.partition(";")[::2] for part in header.replace(" ", "").split(",") if part)
    names = [name for name in (kind, f"{kind.partition('/')[0]}/*", "*/*") if name in ranges]
    quality = ranges[names[0]] if names else "q=0" if ranges else ""
    return not re.fullmatch(r"q=0(\.0*)?", quality)


def stop(server: ThreadingHTTPServer, history: History) -> None:
    """Let the clients' threads end their answers, and stop."""
    with history.changed:
        history.stops = True
        history.changed.notify_all()
    time.sleep(0.2)
    server.shutdown()


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--producer-url", default="http://127.0.0.1:8100")
    options = parser.parse_args()
    history = Client.history = History()
    threading.Thread(target=follow, args=(history, options.producer_url), daemon=True).start()
    ThreadingHTTPServer.request_queue_size = 1024
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Client)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=stop, args=(server, history)).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
