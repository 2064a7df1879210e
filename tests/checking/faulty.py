"""The example server with a WebSocket, and a switch for each fault that a check must find."""

import base64
import contextlib
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from examples import server as example
from wirerace.wire.frame_reader import FrameReader
from wirerace.wire.frames import CloseCode, FrameError, Opcode, close_code_of, encode_close, encode_frame

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class FaultyHistory(example.History):
    """Keeps what the feed brings, with a fault."""

    fault = ""

    def __init__(self) -> None:
        self._is_live = self.caught_up = False
        super().__init__()

    @property
    def live(self) -> bool:
        return self._is_live

    @live.setter
    def live(self, value: bool) -> None:
        self._is_live = value
        if self.fault == "a lost feed ends every answer" and not value and self.caught_up:
            for self.stops in (True, False):
                with self.changed:
                    self.changed.notify_all()
                time.sleep(0.3)

    @property
    def feed_cursor(self) -> str:
        return "" if self.fault == "the feed is not resumed" and self.head[0] else super().feed_cursor

    def turn_to(self, epoch: str) -> None:
        if self.fault != "a new epoch is not noticed" or not self.head[0]:
            super().turn_to(epoch)

    def add(self, line: bytes) -> None:
        try:
            super().add(line)
        except (ValueError, LookupError):
            if self.fault != "a bad line is passed on":
                raise
            with self.changed:
                self._lines.append(line)
                self._seqs.append(self.head[1])
                self.end += 1
                self.changed.notify_all()

    def position(self, after: example.Cursor | None) -> int:
        place = super().position(after)
        match self.fault:
            case "an update is lost after reconnecting" if after and place < self.end:
                return place + 1
            case "an unknown epoch starts at the end" if after and after[0] not in self._epochs:
                return self.end
            case "a cursor before what is kept is refused" if after and after[0] in self._epochs and self._seqs:
                if after[1] + 1 < self._seqs[self._epochs[after[0]] - self._first]:
                    raise example.Refused(410, "that is too long ago")
            case "a cursor ahead is answered" if after and after[0] == self.head[0] and after[1] > self.head[1]:
                return self.end
            case "a new client gets what is kept" if after is None:
                return max(self.end - 1, 0)
        return place

    def since(self, position: int) -> list[bytes]:
        lines = super().since(position)
        match self.fault:
            case "the order is reversed":
                return lines[::-1]
            case "an answer has no bound":
                return self._lines[max(position - self._first, 0) :]
            case "an update is left out":
                return [line for line in lines if b'"seq":5,' not in line]
        return lines


class FaultyClient(example.Client):
    """Serves one connection, with a fault."""

    rbufsize = 0  # frames that come with a handshake stay in the socket
    fault = ""

    def do_GET(self) -> None:  # noqa: N802 -- http.server's name
        parts = urlsplit(self.path)
        if parts.path != "/ws":
            super().do_GET()
            return
        try:
            self._upgrade(dict(pair.split("=", 1) for pair in parts.query.split("&") if pair))
        except example.Refused as refused:
            headers = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n" if refused.args[0] == 426 else ""
            self.answer(refused.args[0], f"{refused.args[1]}\n".encode(), headers=headers)
        except OSError:
            self.close_connection = True

    def do_HEAD(self) -> None:  # noqa: N802 -- the same
        if self.fault == "HEAD is served":
            self.answer(200)
        else:
            super().do_HEAD()

    def health(self, query: dict[str, str]) -> None:
        if self.fault == "health is always good":
            self.answer(200, b'{"service":"x","live":true}')
        else:
            super().health(query)

    def longpoll(self, query: dict[str, str]) -> None:
        after = self.cursor_in(query.get("after"))
        match self.fault:
            case "the hold is cut short":
                query["hold"] = "0.02"
            case "an update does not end the hold" if after and self.history.position(after) >= self.history.end:
                threading.Event().wait(min(float(query.get("hold", "1")), 2.0))
        super().longpoll(query)

    def answer(self, status: int, body: bytes = b"", cursor: str = "", kind: str = "", headers: str = "") -> None:
        match self.fault:
            case "204 has no cursor" if status == 204:
                cursor = ""
            case "the cursor does not move" if status == 200 and cursor:
                cursor = cursor.partition("-")[0] + "-0"
            case "answers have no cursor":
                cursor = ""
            case "more is not said":
                body = body.replace(b',"more":true', b"")
            case "an empty answer is a list" if status == 204:
                status, body = 200, b'{"updates":[]}'
            case "the answer is no batch" if status == 200 and b'"updates"' in body:
                body = body.removeprefix(b'{"updates":').removesuffix(b"}")
        super().answer(status, body, cursor, kind, headers)

    def cursor_in(self, text: str | None, name: str = "after") -> example.Cursor | None:
        if self.fault == "Last-Event-ID is ignored" and name != "after":
            return None
        try:
            return super().cursor_in(text, name)
        except example.Refused:
            if self.fault != "a bad cursor is ignored" or not self.history.caught_up:
                raise
            return None

    def head(self, status: int, headers: str = "", body: bytes = b"") -> None:
        match self.fault:
            case "the Content-Type is wrong":
                headers = headers.replace("text/event-stream", "text/plain").replace("x-ndjson", "json")
            case "the stream is not chunked":
                headers = headers.replace("Transfer-Encoding: chunked\r\n", "")
        super().head(status, headers, body)

    def chunk(self, data: bytes) -> None:
        match self.fault:
            case "events have no id":
                data = b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b"id:"))
            case "the stream begins without an id" if b"retry:" in data:
                data = b"retry: 1000\n\n"
            case "data has two lines":
                data = data.replace(b',"seq"', b'\ndata: ,"seq"')
            case "each update is sent twice" if b'"seq"' in data:
                super().chunk(data)
            case "the stream is not chunked":
                self.wfile.write(data)
                return
        super().chunk(data)

    def _upgrade(self, query: dict[str, str]) -> None:
        """Serve a WebSocket."""
        headers = self.headers
        if headers.get("Upgrade", "").lower() != "websocket" or headers.get("Sec-WebSocket-Version") != "13":
            raise example.Refused(426, "this is WebSocket 13")
        if len(headers.get_all("Host", [])) != 1:
            raise example.Refused(400, "a request has one Host")
        if headers.get("Origin", f"http://{headers['Host']}") != f"http://{headers['Host']}":
            raise example.Refused(403, "no page of another origin")
        key = headers.get("Sec-WebSocket-Key", "").encode()
        if len(base64.b64decode(key)) != 16:
            raise example.Refused(400, "Sec-WebSocket-Key must be 16 bytes in base64")
        after = self.cursor_in(query.get("after"))
        with self.history.changed:
            position, cursor = self.history.position(after), example.spelled(after or self.history.head)
        guid = GUID if self.fault != "the accept key is wrong" else GUID[::-1]
        accept = base64.b64encode(hashlib.sha1(key + guid, usedforsecurity=False).digest()).decode()
        self.close_connection = True
        self.connection.settimeout(example.WRITE_SECONDS)
        self.writing, self.has_closed = threading.Lock(), False
        self.wfile.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nWirerace-Cursor: {cursor}\r\n\r\n".encode()
        )
        reading = threading.Thread(target=self._read_frames, daemon=True)
        reading.start()
        while not self.history.stops and not self.has_closed:
            self.history.wait(position, 0.2)
            for line in (lines := self.history.since(position)):
                self._write(b"".join(self._frames_of(line)))
            position += len(lines)

    def _frames_of(self, line: bytes) -> Iterator[bytes]:
        match self.fault:
            case "an update is two messages":
                yield encode_frame(Opcode.TEXT, line[:20])
                yield encode_frame(Opcode.TEXT, line[20:])
            case "an update is two fragments":
                yield bytes([Opcode.TEXT]) + encode_frame(Opcode.TEXT, line[:20])[1:]
                yield encode_frame(Opcode.CONTINUATION, line[20:])
            case "an update is bytes":
                yield encode_frame(Opcode.BINARY, line)
            case _:
                yield encode_frame(Opcode.TEXT, line)

    def _write(self, data: bytes) -> None:
        with self.writing:
            if not self.has_closed:
                self.wfile.write(data)

    def _read_frames(self) -> None:
        reader = FrameReader(masked=True, max_message_bytes=65_536)
        while not self.has_closed:
            try:
                data = self.connection.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            with contextlib.suppress(OSError):
                self._take_frames(reader, data)

    def _take_frames(self, reader: FrameReader, data: bytes) -> None:
        try:
            for message in reader.feed(data):
                if message.opcode == Opcode.PING and self.fault != "a ping is not answered":
                    self._write(encode_frame(Opcode.PONG, message.payload))
                elif message.opcode == Opcode.CLOSE and self.fault != "a close is not answered":
                    code = close_code_of(message.payload)
                    self._close(encode_frame(Opcode.CLOSE, b"" if code is None else struct.pack("!H", code)))
        except FrameError as error:
            if self.fault != "unmasked frames are taken":
                code = CloseCode.NORMAL if self.fault == "every close has code 1000" else error.code
                self._close(encode_close(code, str(error)[:100]))

    def _close(self, frame: bytes) -> None:
        self._write(frame)
        self.has_closed = True
        self.connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def faulty_server(producer_url: str, fault: str = "") -> Iterator[int]:
    """Run a server with a fault, in threads of this process, and give its port."""
    kinds: dict[str, object] = {"fault": fault}
    history = type("ThisHistory", (FaultyHistory,), kinds)()
    handler = type("ThisClient", (FaultyClient,), kinds | {"history": history})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    following: Callable[..., None] = example.follow
    threading.Thread(target=following, args=(history, producer_url), daemon=True).start()
    serving = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    try:
        yield running.server_address[1]
    finally:
        with history.changed:
            history.stops = True
            history.changed.notify_all()
        running.shutdown()
        running.server_close()
