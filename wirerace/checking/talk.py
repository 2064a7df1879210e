"""One connection to the server under test. Every wait has a bound, and what came is kept for the report."""

import asyncio
import contextlib
import socket
import ssl
import time

from wirerace.checking.address import CheckedAddress
from wirerace.checking.http import HEAD_END, MOST_HEAD_BYTES, Answer, ChunkReader, answer_in
from wirerace.checking.verdicts import MOST_SEEN_BYTES, Unkept
from wirerace.tls import refusal_of

READ_BYTES = 65_536


class Patience:
    """How long a check waits for what must come at once: `full_seconds`, and little if two checks got nothing at all.

    A server that has ever sent a byte is waited for as long as before: it may only be busy.
    """

    HASTY_SECONDS = 0.3
    SILENCES = 2

    def __init__(self, full_seconds: float) -> None:
        self.full_seconds = full_seconds
        self.has_heard = False
        self._silences = 0

    @property
    def seconds(self) -> float:
        """The time to wait now."""
        is_hasty = self._silences >= self.SILENCES and not self.has_heard
        return min(self.HASTY_SECONDS, self.full_seconds) if is_hasty else self.full_seconds

    def note(self, *, is_silent: bool) -> None:
        """Note whether the server was silent in a check."""
        self._silences += is_silent


class Talk:
    """A connection, with TLS if its address has it. `seen` is the beginning of what came since the last request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: Patience) -> None:
        self.seen = b""
        self.has_ended = False
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._unread = b""
        self._doing = "a connection"

    @classmethod
    async def open(cls, address: CheckedAddress, patience: Patience, receive_bytes: int = 0) -> "Talk":
        """Connect; `receive_bytes` bounds what the kernel takes for a client that does not read.

        Raises Unkept when nobody listens, or when there is no TLS with the server.
        """
        name = None if address.tls is None else address.host
        try:
            async with asyncio.timeout(patience.seconds):
                sock = await _connected(address, receive_bytes)
                streams = await asyncio.open_connection(
                    sock=sock, limit=READ_BYTES, ssl=address.tls, server_hostname=name
                )
                return cls(*streams, patience)
        except TimeoutError:
            raise Unkept("a connection", f"no answer within {patience.seconds:g} s", is_silent=True) from None
        except ssl.SSLError as error:
            raise Unkept("TLS with the server", refusal_of(error), is_silent=True) from None
        except OSError as error:
            raise Unkept("a server that takes connections", error.strerror or str(error), is_silent=True) from None

    async def send(self, data: bytes) -> None:
        """Send bytes. A connection that has ended is noticed by the next reading."""
        line = data.partition(b"\r\n")[0]
        if b" HTTP/" in line:
            self._doing = line.rpartition(b" ")[0].decode("latin-1")
        self.seen = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            self._writer.write(data)
            async with asyncio.timeout(self._patience.seconds):
                await self._writer.drain()

    async def read(self, within: float) -> bytes | None:
        """Return what comes next, b"" when the server has ended the connection, None when nothing comes in time."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        try:
            async with asyncio.timeout(max(within, 0.001)):
                data = await self._reader.read(READ_BYTES)
        except TimeoutError:
            return None
        except OSError:
            data = b""
        self.has_ended = not data
        self._patience.has_heard |= bool(data)
        if len(self.seen) < MOST_SEEN_BYTES:
            self.seen += data[:MOST_SEEN_BYTES]
        return data

    async def some(self, expected: str, within: float | None = None) -> bytes:
        """Return what comes next. Raises Unkept when nothing comes in time, or the connection ends."""
        seconds = self._patience.seconds if within is None else within
        data = await self.read(seconds)
        if data is None:
            raise Unkept(expected, f"nothing within {seconds:g} s", self.seen, is_silent=not self.seen)
        if not data:
            raise Unkept(expected, "the end of the connection", self.seen)
        return data

    async def head(self, within: float | None = None) -> Answer:
        """Return the head of the next answer; heads of status 1xx but 101 are skipped."""
        data = b""
        while HEAD_END not in data:
            if len(data) > MOST_HEAD_BYTES:
                raise Unkept("the end of a head", f"more than {MOST_HEAD_BYTES} bytes", data)
            if data and not data.startswith(b"HTTP/"[: len(data)]):
                raise Unkept(f"an answer to {self._doing}", "bytes that are no HTTP", data)
            data += await self.some(f"an answer to {self._doing}", within)
        head, end, self._unread = data.partition(HEAD_END)
        answer = answer_in(head + end)
        return await self.head(within) if answer.status in {100, 102, 103} else answer

    async def answer(self, within: float | None = None, method: str = "GET") -> Answer:
        """Return the next answer with its body."""
        found = await self.head(within)
        return found._replace(body=await self._body(found, method))

    async def _body(self, answer: Answer, method: str) -> bytes:
        expected, body = f"the body of the answer to {self._doing}", b""
        size = answer.body_bytes(method)
        if size is not None:
            while len(body) < size:
                body += await self.some(expected)
            body, self._unread = body[:size], body[size:] + self._unread
        elif answer.is_chunked:
            chunks = ChunkReader()
            while not chunks.has_ended:
                body += chunks.feed(await self.some(expected))
            self._unread = chunks.unread
        else:
            body = await self.rest(expected)
        return body

    async def ask(self, request: bytes, within: float | None = None) -> Answer:
        """Return the answer to a request."""
        await self.send(request)
        return await self.answer(within, method=request.partition(b" ")[0].decode())

    async def rest(self, expected: str = "the end of the connection", within: float | None = None) -> bytes:
        """Return everything until the server ends the connection. Raises Unkept when it does not, in time."""
        seconds = self._patience.seconds if within is None else within
        deadline, parts = time.monotonic() + seconds, list[bytes]()
        while True:
            data = await self.read(deadline - time.monotonic())
            if data is None:
                raise Unkept(expected, f"an open connection after {seconds:g} s", b"".join(parts) or self.seen)
            if not data:
                return b"".join(parts)
            parts.append(data)

    def close(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()


async def _connected(address: CheckedAddress, receive_bytes: int) -> socket.socket:
    """Return a socket that is connected to the first address of a host that takes it."""
    loop = asyncio.get_running_loop()
    failure: OSError = ConnectionError("the name has no address")
    for family, kind, number, _, place in await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, number)
        sock.setblocking(False)
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            await loop.sock_connect(sock, place)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise failure
