"""A lean WebSocket client: shakes hands, reads messages, answers pings and closes."""

import base64
import contextlib
import hashlib
import os
from collections.abc import Mapping
from typing import Protocol

from loadtests import wall
from loadtests.connection import Address, BytesTaker, MessagesTaker, Stamp, never
from loadtests.http import said
from loadtests.opening import open_connection
from loadtests.traffic import Counters
from wirerace.errors import BadAnswer, BadCursor, ConnectionLost, Refused, noted
from wirerace.transports.websocket import Deflate
from wirerace.wire.deflate import Inflater, InflatingReader
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import (
    CloseCode,
    FrameError,
    Message,
    Opcode,
    close_code_of,
    encode_close,
    encode_frame,
)
from wirerace.wire.negotiation import EXTENSIONS_HEADER, checked_answer, offer, refuse_any
from wirerace.wire.update import CURSOR_HEADER, Cursor

HANDSHAKE_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
MAX_HEAD_BYTES = 16_384
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


class ServerClosed(ConnectionLost):
    """The server has sent a close frame; `code` is None if it gave none."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"the server closed with {code}: {reason}")
        self.code = code
        self.reason = reason


class TwoWayBytes(Protocol):
    """What carries frames: a connection, or a stream on a shared one."""

    @property
    def stamp(self) -> Stamp:
        """When the bytes last received arrived, and when they were read."""

    @property
    def is_cut(self) -> bool:
        """Tell whether the stamp belongs to something that is not there yet."""

    def send(self, data: bytes) -> None:
        """Send all of `data`."""

    def receive(self, take: BytesTaker = ...) -> bytes:
        """Wait for bytes and return them: at least one. What `take` takes is not returned."""

    def close(self) -> None:
        """Close at once."""


class MessageSocket:
    """A WebSocket after its handshake, whatever carries it.

    Raises OSError or ConnectionLost when the connection breaks.
    """

    __slots__ = ("_connection", "_end", "_reader", "_take", "_unread")

    def __init__(self, connection: TwoWayBytes) -> None:
        self._connection = connection
        self._reader = FrameReader(masked=False, max_message_bytes=MAX_MESSAGE_BYTES)
        self._unread = b""
        self._take: MessagesTaker = never
        self._end: ConnectionLost | FrameError | None = None

    @property
    def stamp(self) -> Stamp:
        """When the messages last received arrived, and when they were read."""
        return self._connection.stamp

    @property
    def is_cut(self) -> bool:
        """Return whether the last read ended inside a frame, or brought something for another client behind it.

        The stamp then belongs to what is not there yet.
        """
        return self._reader.is_cut or self._connection.is_cut

    def receive(self, take: MessagesTaker = never) -> list[bytes]:
        """Wait for messages as `receive_messages` does, and return their payloads.

        `take` may take a read that is one plain message ([`StampedConnection.receive`]).
        """
        if self._end is None:  # Nearly every read is one plain message.
            self._take = take
            data = self._unread or self._connection.receive(self._take_plain)
            if (text := self._reader.plain_text(data)) is not None:
                self._unread = b""
                return [text]
            self._unread = data
        return [message.payload for message in self.receive_messages(take)]

    def receive_messages(self, take: MessagesTaker = never) -> list[Message]:
        """Wait for data messages and return all that one read brought: at least one. Compressed ones are unpacked.

        `take` is that of `receive`. Raises ConnectionLost when the server closes, FrameError when it breaks the
        protocol; a note of the error shows the bytes.
        """
        if self._end is not None:
            raise self._end
        messages: list[Message] = []
        reader, self._take = self._reader, take
        data = b""
        try:
            while not messages:
                data, self._unread = self._unread or self._connection.receive(self._take_plain), b""
                for message in reader.feed(data):
                    if message.opcode is Opcode.TEXT or message.opcode is Opcode.BINARY:
                        messages.append(message)
                    else:
                        self._control(message)
        except (ConnectionLost, FrameError) as error:
            if isinstance(error, FrameError):
                noted(error, data)
            if not messages:
                raise
            self._end = error  # Messages before the end count; the next call raises the end.
        return messages

    def _take_plain(self, data: bytes) -> bool:
        text = self._reader.plain_text(data)
        return text is not None and self._take([text], self._connection.stamp)

    def send_text(self, payload: bytes) -> int:
        """Send a message of text, and return the bytes of its frame."""
        return self.send_message(Opcode.TEXT, payload)

    def send_message(self, opcode: Opcode, payload: bytes) -> int:
        """Send a message, and return the bytes of its frame."""
        frame = encode_frame(opcode, payload, os.urandom(4))
        self._connection.send(frame)
        return len(frame)

    def leave(self) -> None:
        """Send a close frame, and read until the server has closed (RFC 6455, section 7.1.1)."""
        with contextlib.suppress(OSError, ConnectionLost):
            self._connection.send(encode_close(CloseCode.NORMAL, mask=os.urandom(4)))
            while True:
                self._connection.receive()

    def close(self) -> None:
        """Close at once."""
        self._connection.close()

    def _control(self, message: Message) -> None:
        if message.opcode is Opcode.PING:
            self._connection.send(encode_frame(Opcode.PONG, message.payload, os.urandom(4)))
        elif message.opcode is Opcode.CLOSE:
            self._connection.send(encode_frame(Opcode.CLOSE, message.payload[:2], os.urandom(4)))
            code = close_code_of(message.payload)
            raise ServerClosed(code, message.payload[2:].decode())

    def _agree(self, answer: str, deflate: Deflate) -> None:
        """Read compressed messages from now on, if they were asked for."""
        if deflate == "off":
            refuse_any(answer)
            return
        agreed = checked_answer(answer, shared=deflate == "shared")
        inflater = Inflater(agreed.server_window_bits, MAX_MESSAGE_BYTES, takes_over=agreed.server_takes_over)
        self._reader = InflatingReader(inflater, masked=False, max_message_bytes=MAX_MESSAGE_BYTES)


class WebSocketConnection(MessageSocket):
    """One connection, to any server. `headers` are lines of the upgrade request that end in CRLF, such as its Host.

    `opened_ns`, `secured_ns` and `sent_ns` are when it was open, when TLS was established (0 without TLS), and when the
    upgrade request had left, Unix nanoseconds.
    With `deflate` it offers compression, and insists on it.

    Raises OSError or ConnectionLost when the connection breaks, Refused when the server does not upgrade or declines
    compression, and BadAnswer when its answer is malformed.
    """

    __slots__ = ("opened_ns", "secured_ns", "sent_ns")
    connects = 1

    def __init__(
        self,
        address: Address,
        target: str,
        counters: Counters | None = None,
        deflate: Deflate = "off",
        headers: str = "",
    ) -> None:
        opened = open_connection(address, counters)
        super().__init__(opened)
        self.opened_ns, self.secured_ns = opened.opened_ns, opened.secured_ns
        self.sent_ns = 0
        try:
            self._accept(self._shake_hands(target, deflate, headers or f"Host: {address}\r\n"))
        except BaseException:
            self.close()
            raise

    def _accept(self, headers: dict[str, str]) -> None:
        """Take the headers of the 101, their names in small letters.

        Raises BadAnswer when one is missing.
        """

    def _shake_hands(self, target: str, deflate: Deflate, host: str) -> dict[str, str]:
        key = base64.b64encode(os.urandom(16))
        offered = "" if deflate == "off" else f"{EXTENSIONS_HEADER}: {offer(shared=deflate == 'shared')}\r\n"
        self._connection.send(
            f"GET {target} HTTP/1.1\r\n{host}Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n".encode()
        )
        self.sent_ns = wall.now_ns()
        answer = b""
        while b"\r\n\r\n" not in answer:
            if len(answer) > MAX_HEAD_BYTES:
                raise BadAnswer(f"no end of the answer's head after {len(answer)} bytes")
            answer += self._connection.receive()
        head, _, self._unread = answer.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, _, status = status_line.partition(" ")
        if not version.startswith("HTTP/"):
            raise noted(BadAnswer("no HTTP"), answer)
        if not status.startswith("101"):
            raise Refused(f"{status[:200]}: {said(self._unread)}")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        accept = base64.b64encode(hashlib.sha1(key + HANDSHAKE_GUID, usedforsecurity=False).digest()).decode()
        if headers.get("sec-websocket-accept") != accept:
            raise BadAnswer("101 with a wrong Sec-WebSocket-Accept")
        self._agree(headers.get(EXTENSIONS_HEADER.lower(), ""), deflate)
        return headers


class WebSocketClient(WebSocketConnection):
    """A connection to a server that keeps the contract; `cursor` is the cursor of the 101."""

    __slots__ = ("cursor",)

    def _accept(self, headers: dict[str, str]) -> None:
        self.cursor = self._cursor_in(headers)

    def _cursor_in(self, headers: Mapping[str, str]) -> Cursor:
        try:
            return Cursor.parse(headers.get(CURSOR_HEADER.lower(), ""))
        except BadCursor:
            raise BadAnswer(f"101 without a cursor in {CURSOR_HEADER}") from None
