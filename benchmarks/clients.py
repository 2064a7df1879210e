"""Clients for the serving groups: many in one process, on one epoll. They only receive and count."""

import argparse
import base64
import re
import select
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import psutil

from benchmarks.measure import MemoryGrowth, Turn
from wirerace.clock import process_cpu_seconds
from wirerace.wire.deflate import MOST_WINDOW_BITS, Inflater, InflatingReader
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import Opcode
from wirerace.wire.negotiation import DEFLATE, EXTENSIONS_HEADER
from wirerace.wire.update import decode_update

CONNECT_SECONDS = 10.0
WARM_UP_SECONDS = 0.25
QUIET_SECONDS = 0.002
"""After a silence of that length the server is between two updates, and all of its work is counted here."""
WAIT_FOR_QUIET_SECONDS = 0.1  # a server that is never at rest does so much work that the error is small
READ_BYTES = 65_536
MAX_MESSAGE_BYTES = 1_048_576

OFFER = f"{EXTENSIONS_HEADER}: {DEFLATE}; client_max_window_bits\r\n"

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CURSOR = re.compile(rb"\r\nwirerace-cursor: *(\S+)", re.IGNORECASE)


class BenchClient(ABC):
    """One connection. `operations` counts whole answers or messages."""

    def __init__(self, port: int) -> None:
        self.operations = 0
        self.socket = socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @abstractmethod
    def take(self, data: bytes) -> None:
        """Take the bytes of a read."""


class Asker(BenchClient):
    """Asks for updates after the last cursor, or the `behind`th one before it, as soon as it is answered."""

    def __init__(self, port: int, path: str, behind: int) -> None:
        super().__init__(port)
        self._path = path
        self._behind = behind
        self._answer = b""
        self._ask(path)

    def take(self, data: bytes) -> None:
        answer = self._answer = self._answer + data if self._answer else data
        body_at = answer.find(b"\r\n\r\n") + 4
        if body_at < 4:
            return
        length = _LENGTH.search(answer, 0, body_at)
        if len(answer) - body_at < (int(length[1]) if length else 0):
            return
        if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 204")):
            raise SystemExit(f"the server answers {answer[:100]!r}")
        self._answer = b""
        self.operations += 1
        cursor = _CURSOR.search(answer, 0, body_at)
        self._ask(f"{self._path}?after={self._before(cursor[1].decode())}" if cursor else self._path)

    def _before(self, cursor: str) -> str:
        if not self._behind:
            return cursor
        epoch, _, seq = cursor.partition("-")
        return f"{epoch}-{max(int(seq) - self._behind, 0)}"

    def _ask(self, target: str) -> None:
        self.socket.send(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())


class Poller(Asker):
    """Asks once, without a cursor."""

    def take(self, data: bytes) -> None:
        self.operations += data.startswith(b"HTTP/1.1 20")


class Listener(BenchClient):
    """Reads the messages of a WebSocket; it may offer compression."""

    def __init__(self, port: int, path: str, *, compressed: bool = False) -> None:
        super().__init__(port)
        key = base64.b64encode(b"wirerace's bench").decode()
        self.socket.send(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{OFFER if compressed else ''}\r\n".encode()
        )
        self._reader = FrameReader(masked=False, max_message_bytes=MAX_MESSAGE_BYTES)
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(READ_BYTES)
            if not more:
                raise SystemExit("the server closed in the handshake")
            head += more
        status, _, rest = head.partition(b"\r\n\r\n")
        if b" 101 " not in status:
            raise SystemExit(f"the server answers {head[:100]!r}")
        if compressed:
            takes_over = b"server_no_context_takeover" not in status
            inflater = Inflater(MOST_WINDOW_BITS, MAX_MESSAGE_BYTES, takes_over=takes_over)
            self._reader = InflatingReader(inflater, masked=False, max_message_bytes=MAX_MESSAGE_BYTES)
        self.take(rest)

    def take(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            if message.opcode is Opcode.TEXT:
                decode_update(message.payload)
                self.operations += 1


class EventListener(BenchClient):
    """Reads an event stream; it counts the events, and takes no chunk apart: all clients would pay for it alike."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(port)
        self.socket.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
        self._end = b""

    def take(self, data: bytes) -> None:
        data = self._end + data
        self.operations += data.count(b"\ndata: ")
        self._end = data[-len("\ndata:") :]


class Crowd:
    """All clients, on one epoll."""

    def __init__(self, clients: list[BenchClient]) -> None:
        self._clients = {client.socket.fileno(): client for client in clients}
        self._epoll = select.epoll()
        for descriptor, client in self._clients.items():
            client.socket.setblocking(False)
            self._epoll.register(descriptor, select.EPOLLIN)

    @property
    def operations(self) -> int:
        """The operations of all of them."""
        return sum(client.operations for client in self._clients.values())

    def receive(self, wait_seconds: float) -> bool:
        """Read from every client that has bytes, or wait; return whether any had bytes."""
        ready = self._epoll.poll(wait_seconds)
        for descriptor, _ in ready:
            client = self._clients[descriptor]
            data = client.socket.recv(READ_BYTES)
            if not data:
                raise SystemExit("the server closed a connection")
            client.take(data)
        return bool(ready)

    def receive_until_all_have(self) -> None:
        """Return when every client has received something."""
        deadline = time.monotonic() + CONNECT_SECONDS
        while not all(client.operations for client in self._clients.values()):
            if time.monotonic() > deadline:
                raise SystemExit("not every client has received something in time")
            self.receive(QUIET_SECONDS)

    def receive_for(self, seconds: float) -> None:
        """Receive for a time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.receive(left)

    def sample(self, pid: int) -> Turn:
        """Return CPU time and operations of the server with this pid so far, at a moment of rest if it has one."""
        deadline = time.monotonic() + WAIT_FOR_QUIET_SECONDS
        while self.receive(QUIET_SECONDS) and time.monotonic() < deadline:
            pass
        cpu_seconds = process_cpu_seconds(pid)
        if cpu_seconds is None:
            raise SystemExit("the server has ended")
        return Turn(cpu_seconds, self.operations)


def measured(clients: list[BenchClient], pid: int, seconds: float) -> Turn:
    """Return what the server does for these clients in a time, and what it uses for that."""
    crowd = Crowd(clients)
    crowd.receive_until_all_have()
    crowd.receive_for(WARM_UP_SECONDS)
    before = crowd.sample(pid)
    crowd.receive_for(seconds)
    after = crowd.sample(pid)
    return Turn(after.cpu_seconds - before.cpu_seconds, after.operations - before.operations)


def grown(make: Callable[[], BenchClient], clients: int, grown_from: int, pid: int) -> MemoryGrowth:
    """Return by how much a server's own memory grows when more clients come to the first ones."""
    first = [make() for _ in range(grown_from)]
    Crowd(first).receive_until_all_have()
    before = psutil.Process(pid).memory_full_info().uss
    crowd = Crowd([*first, *(make() for _ in range(clients - grown_from))])
    crowd.receive_until_all_have()
    crowd.receive_for(WARM_UP_SECONDS)
    return MemoryGrowth(psutil.Process(pid).memory_full_info().uss - before, clients - grown_from)


def publish(port: int, path: str, rate_per_second: float, message: bytes) -> None:
    """Post a message at a fixed rate, until killed."""
    connection = HTTPConnection("127.0.0.1", port, timeout=CONNECT_SECONDS)
    due = time.monotonic()
    while True:
        due += 1 / rate_per_second
        time.sleep(max(0.0, due - time.monotonic()))
        connection.request("POST", path, message)
        connection.getresponse().read()


def main() -> None:
    """Run clients or a publisher, as the arguments say. Clients print one sample as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients")
    parser.add_argument("role", choices=["ask", "poll", "listen", "unpack", "events", "publish"])
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--grown-from", type=int, help="measure the growth of memory from this number of clients on")
    parser.add_argument("--behind", type=int, default=0, help="how many updates before the newest to ask for")
    parser.add_argument("--pid", type=int, help="the server")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=1.0, help="messages to publish a second")
    parser.add_argument("--message", type=Path, help="file with the message to publish")
    given = parser.parse_args()
    if given.role == "publish":
        publish(given.port, given.path, given.rate, given.message.read_bytes())
    makers: dict[str, Callable[[], BenchClient]] = {
        "ask": lambda: Asker(given.port, given.path, given.behind),
        "poll": lambda: Poller(given.port, given.path, given.behind),
        "listen": lambda: Listener(given.port, given.path),
        "unpack": lambda: Listener(given.port, given.path, compressed=True),
        "events": lambda: EventListener(given.port, given.path),
    }
    make = makers[given.role]
    result: MemoryGrowth | Turn
    if given.grown_from:
        result = grown(make, given.clients, given.grown_from, given.pid)
    else:
        result = measured([make() for _ in range(given.clients)], given.pid, given.seconds)
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
