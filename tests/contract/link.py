"""The link between a producer, or a broker, and servers: a TCP relay that breaks on demand."""

import asyncio
import contextlib
from typing import Self


class Link:
    """A TCP relay to a port: `cut` breaks all connections and refuses new ones, `mute` forwards no more bytes."""

    def __init__(self, to_port: int, url: str = "http://127.0.0.1:{port}") -> None:
        self.to_port = to_port
        self._url = url
        self._open = True
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def start(cls, to_port: int, url: str = "http://127.0.0.1:{port}") -> Self:
        link = cls(to_port, url)
        link._server = await asyncio.start_server(link._connected, "127.0.0.1", 0)
        return link

    @property
    def url(self) -> str:
        assert self._server is not None
        return self._url.format(port=self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    def mute(self) -> None:
        self._passing.clear()

    def mend(self) -> None:
        self._open = True
        self._passing.set()

    async def close(self) -> None:
        self.mend()
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if self._open:
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
                await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))
        writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()
