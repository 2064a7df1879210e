"""A raw client: bytes over a socket, each of them counted, and the HTTP answers among them."""

import asyncio
import socket
import struct
from ssl import SSLContext
from typing import NamedTuple, Self

from wirerace.checking.http import answer_in, request

WAIT_SECONDS = 60.0
"""How long anything that has to come may take; a machine may be busy, but not for ever."""
READ_BYTES = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


class Answer(NamedTuple):
    """One HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cursor(self) -> str:
        return self.headers["wirerace-cursor"]

    @property
    def line(self) -> str:
        """The body of an error, which must be one line."""
        text = self.body.decode()
        assert text.endswith("\n")
        assert 1 == text.count("\n")
        return text.rstrip("\n")


class Raw:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sent_bytes = 0
        self.received_bytes = 0
        self.ended = False
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, host: str = "127.0.0.1", tls: SSLContext | None = None) -> Self:
        async with asyncio.timeout(WAIT_SECONDS):
            return cls(*await asyncio.open_connection(host, port, ssl=tls))

    async def send(self, data: bytes) -> None:
        """Send all of `data`, which waits when the peer does not read."""
        self.post(data)
        async with asyncio.timeout(WAIT_SECONDS):
            await self._writer.drain()

    def post(self, data: bytes) -> None:
        """Send `data` some time."""
        self.sent_bytes += len(data)
        self._writer.write(data)

    async def some(self) -> bytes:
        """Return what comes next, b"" when the peer has ended the connection."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                data = await self._reader.read(READ_BYTES)
            except ConnectionError:
                data = b""
        self.ended = not data
        self.received_bytes += len(data)
        return data

    async def rest(self) -> bytes:
        """Return everything until the peer ends the connection."""
        parts: list[bytes] = []
        while part := await self.some():
            parts.append(part)
        return b"".join(parts)

    async def answer(self, *, to_head: bool = False) -> Answer:
        """Return the next HTTP response; one `to_head` has no body."""
        async with asyncio.timeout(WAIT_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, headers = parse_head(head)
            body = b"" if to_head else await self._reader.readexactly(int(headers.get("content-length", "0")))
        self.received_bytes += len(head) + len(body)
        return Answer(status, headers, body)

    async def ask(self, request: bytes) -> Answer:
        await self.send(request)
        return await self.answer()

    def end_sending(self) -> None:
        """Close our half of the connection."""
        self._writer.write_eof()

    def reset(self) -> None:
        """End the connection as a crash does: with RST."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection when all is sent."""
        self._writer.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return status and headers."""
    answer = answer_in(head)
    return answer.status, answer.headers


def get(target: str, *headers: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """Return a request."""
    return request(target, *headers, host="test", method=method, version=version, body=body or None)
