"""The adapters: how a client of each transport subscribes and receives. A new transport needs only one here."""

import asyncio
import json
from abc import ABC, abstractmethod
from ssl import SSLContext
from typing import NamedTuple

import wsproto.connection as ws
from wsproto.events import CloseConnection, Message

from tests.contract.raw import WAIT_SECONDS, Answer, Raw, get
from wirerace.checking.clients.websocket import HEADERS
from wirerace.transports import TRANSPORTS

POLL_SECONDS = 0.005
HANDSHAKE = HEADERS


class Update(NamedTuple):
    """An update, as the contract has it."""

    epoch: str
    seq: int
    ts: int
    data: str
    channel: str = ""
    client: str = ""
    n: int = 0
    sent: int = 0

    @classmethod
    def parse(cls, encoded: bytes) -> "Update":
        return cls(**json.loads(encoded))


class Client(ABC):
    """One client. It would reconnect with `cursor`; `encoded` has every update as it came."""

    granted: int
    """The status of an answer when nothing is new."""
    query = ""  # more parameters of its requests
    tls: SSLContext | None = None  # that it speaks

    def __init__(self, path: str, after: str = "") -> None:
        self.cursor = after
        self.encoded: list[bytes] = []
        self._path = path
        self._taken = 0
        self._raw: Raw | None = None

    @property
    def raw(self) -> Raw:
        assert self._raw is not None
        return self._raw

    async def subscribe(self, port: int) -> Answer:
        """Connect and return the first answer, which gives the cursor."""
        self._raw = await Raw.open(port, tls=self.tls)
        return await self.first_answer()

    async def receive(self, count: int) -> list[Update]:
        """Wait for `count` updates and return them."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.encoded) < self._taken + count:
                await self.listen()
        taken = self.encoded[self._taken : self._taken + count]
        self._taken += count
        return [Update.parse(encoded) for encoded in taken]

    def close(self) -> None:
        self.raw.close()

    def abort(self) -> None:
        """Close the connection, if there is one, at once."""
        if self._raw is not None:
            self._raw.abort()

    @classmethod
    @abstractmethod
    def request(cls, target: str, *headers: str) -> bytes:
        """Return the request for updates."""

    @abstractmethod
    async def first_answer(self) -> Answer:
        """Ask, and return the answer."""

    @abstractmethod
    async def listen(self) -> None:
        """Read what comes next."""

    @abstractmethod
    async def ask_and_not_read(self) -> None:
        """Make the server send, and leave it unread."""

    @abstractmethod
    async def read_on(self) -> list[Update]:
        """Read what was left unread, to the end of the connection; return the updates not received before."""

    def _target(self) -> str:
        parameters = "&".join(filter(None, (f"after={self.cursor}" if self.cursor else "", self.query)))
        return f"{self._path}?{parameters}" if parameters else self._path


class Polling(Client):
    """Asks, and asks again."""

    granted = 204
    asking = ""

    @classmethod
    def request(cls, target: str, *headers: str) -> bytes:
        return get(target, *headers)

    async def first_answer(self) -> Answer:
        target = self._target()
        return self._take(await self.raw.ask(get(target + ("&hold=0" if "?" in target else "?hold=0"))))

    async def listen(self) -> None:
        answer = self._take(await self.raw.ask(get(self._target() + self.asking)))
        if answer.status == 204:
            await asyncio.sleep(POLL_SECONDS)

    async def ask_and_not_read(self) -> None:
        self.raw.post(get(self._target()))

    async def read_on(self) -> list[Update]:
        await self.raw.rest()
        return []

    def _take(self, answer: Answer) -> Answer:
        assert answer.status in {200, 204}, answer
        self.cursor = answer.cursor
        if answer.status == 200:
            self.encoded += split_batch(answer.body)
        return answer


class LongPolling(Polling):
    """Asks, waits to be answered, and asks again."""

    asking = "&hold=60"


class WebSocket(Client):
    """Connects once and receives."""

    granted = 101

    def __init__(self, path: str, after: str = "") -> None:
        super().__init__(path, after)
        self.close_code: int | None = None
        self._reader = ws.Connection(ws.ConnectionType.CLIENT)
        self._parts: list[str] = []

    @classmethod
    def request(cls, target: str, *headers: str) -> bytes:
        return get(target, *HANDSHAKE, *headers)

    async def first_answer(self) -> Answer:
        answer = await self.raw.ask(self.request(self._target()))
        assert 101 == answer.status, answer
        self.cursor = answer.cursor
        return answer

    async def listen(self) -> None:
        if not await self._read():
            raise ConnectionError(f"the server ended the connection with {self.close_code}")

    async def ask_and_not_read(self) -> None:
        """Ask for nothing: the server pushes."""

    async def read_on(self) -> list[Update]:
        while await self._read():
            pass
        return await self.receive(len(self.encoded) - self._taken)

    async def _read(self) -> bool:
        data = await self.raw.some()
        self._reader.receive_data(data or None)
        for event in self._reader.events():
            if isinstance(event, CloseConnection):
                self.close_code = self.close_code or event.code
            elif isinstance(event, Message):
                self._take(str(event.data), whole=event.message_finished)
        return bool(data)

    def _take(self, part: str, *, whole: bool) -> None:
        self._parts.append(part)
        if whole:
            self.encoded.append("".join(self._parts).encode())
            self._parts.clear()
            update = Update.parse(self.encoded[-1])
            self.cursor = f"{update.epoch}-{update.seq}"


class Streaming(Client):
    """Asks once and reads an answer without end, whose chunks each hold what one update is in."""

    granted = 200
    accepts = "application/x-ndjson"

    def __init__(self, path: str, after: str = "") -> None:
        super().__init__(path, after)
        self.has_ended = False
        self._unread = b""

    @classmethod
    def request(cls, target: str, *headers: str) -> bytes:
        return get(target, f"Accept: {cls.accepts}", *headers)

    async def first_answer(self) -> Answer:
        answer = await self.raw.ask(self.request(self._target()))
        assert 200 == answer.status, answer
        assert "chunked" == answer.headers["transfer-encoding"]
        self.cursor = answer.cursor
        return answer

    async def listen(self) -> None:
        if not await self._read():
            raise ConnectionError(f"the server ended the connection, the answer {'whole' if self.has_ended else 'not'}")

    async def ask_and_not_read(self) -> None:
        """Nothing is asked for: a server pushes."""

    async def read_on(self) -> list[Update]:
        while await self._read():
            pass
        return await self.receive(len(self.encoded) - self._taken)

    async def _read(self) -> bool:
        data = await self.raw.some()
        self._unread += data
        while (end := self._unread.find(b"\r\n")) >= 0:
            size = int(self._unread[:end], 16)
            if len(self._unread) < end + 2 + size + 2:
                break
            chunk = self._unread[end + 2 : end + 2 + size]
            assert b"\r\n" == self._unread[end + 2 + size : end + 4 + size]
            self._unread = self._unread[end + 4 + size :]
            self.has_ended = not size
            self._take(chunk)
        return bool(data)

    def _take(self, chunk: bytes) -> None:
        if chunk.strip():
            self._keep(chunk.removesuffix(b"\n"))

    def _keep(self, encoded: bytes) -> None:
        self.encoded.append(encoded)
        update = Update.parse(encoded)
        self.cursor = f"{update.epoch}-{update.seq}"


class EventSource(Streaming):
    """Reads events: here each is in a chunk of its own, so that no parser is needed."""

    accepts = "text/event-stream"

    def _take(self, chunk: bytes) -> None:
        lines = chunk.decode().split("\n")
        fields = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
        if "data" in fields:
            self._keep(fields["data"].encode())
            assert self.cursor == fields["id"]


CLIENTS: dict[str, type[Client]] = {
    "polling": Polling,
    "longpolling": LongPolling,
    "websocket": WebSocket,
    "sse": EventSource,
    "stream": Streaming,
}
"""The adapter of each transport; the contract says what it must be able to do, `TRANSPORTS` which there must be."""

HTTP_TRANSPORTS = [name for name, client in CLIENTS.items() if name in TRANSPORTS and issubclass(client, Polling)]
STREAM_TRANSPORTS = [name for name, client in CLIENTS.items() if name in TRANSPORTS and issubclass(client, Streaming)]
WEBSOCKET_TRANSPORTS = [
    name for name, client in CLIENTS.items() if name in TRANSPORTS and issubclass(client, WebSocket)
]


def split_batch(body: bytes) -> list[bytes]:
    """Return the updates of a batch, each as it is spelled there."""
    head, tail = '{"updates":[', "]}"
    text = body.decode().replace('],"more":true}', tail)
    assert text.startswith(head)
    assert text.endswith(tail)
    decoder, position, encoded = json.JSONDecoder(), len(head), []
    while position < len(text) - len(tail):
        _, end = decoder.raw_decode(text, position)
        encoded.append(text[position:end].encode())
        assert text[end] in ",]"
        position = end + 1
    return encoded
