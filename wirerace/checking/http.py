"""HTTP/1.1 as a check reads it: heads, and bodies of any framing, without I/O."""

from typing import NamedTuple

from wirerace.checking.verdicts import Unkept
from wirerace.wire.update import CURSOR_HEADER

MOST_HEAD_BYTES = 65_536
HEAD_END = b"\r\n\r\n"
_WITHOUT_BODY = {*range(100, 200), 204, 304}  # RFC 9112, section 6.3
_SIZE_DIGITS = 8  # of a chunk


class Answer(NamedTuple):
    """One response. Names of headers are in lower case; lines of one name are one list."""

    status: int
    headers: dict[str, str]
    head: bytes
    body: bytes = b""

    @property
    def cursor(self) -> str:
        """The cursor that it carries, empty if it has none."""
        return self.headers.get(CURSOR_HEADER.lower(), "")

    @property
    def seen(self) -> bytes:
        """All that came."""
        return self.head + self.body

    @property
    def is_chunked(self) -> bool:
        """Whether its body comes in chunks."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def ends_the_connection(self) -> bool:
        """Whether the server closes the connection behind it."""
        return self.headers.get("connection", "").lower() == "close" or self.head.startswith(b"HTTP/1.0 ")

    def body_bytes(self, method: str) -> int | None:
        """Return the size of the body, None if only its end says so: a chunk, or the connection's end."""
        if method == "HEAD" or self.status in _WITHOUT_BODY:
            return 0
        length = self.headers.get("content-length")
        if self.is_chunked or length is None:
            return None
        if not (length.isascii() and length.isdigit()):
            raise Unkept("a Content-Length that is a number", f"Content-Length: {length}", self.head)
        return int(length)


def answer_in(head: bytes) -> Answer:
    """Return the answer that a head begins.

    Raises Unkept when it is no head of HTTP/1.
    """
    status_line, *lines = head.removesuffix(HEAD_END).decode("latin-1").split("\r\n")
    version, _, rest = status_line.partition(" ")
    if version not in {"HTTP/1.1", "HTTP/1.0"} or not rest[:3].isdigit():
        raise Unkept("a head of HTTP/1.1", "something else", head)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise Unkept("lines `name: value` in the head", "another line", head)
        key = name.lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Answer(int(rest[:3]), headers, head)


def request(
    target: str, *headers: str, host: str, method: str = "GET", version: str = "1.1", body: bytes | None = None
) -> bytes:
    """Return a request; an empty `host` leaves that header out."""
    lines = [f"{method} {target} HTTP/{version}", *([f"Host: {host}"] if host else []), *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class ChunkReader:
    """Takes the chunks of a body off (RFC 9112, section 7.1). `unread` is what lies behind, once it `has_ended`."""

    def __init__(self) -> None:
        self.has_ended = False
        self.unread = b""

    def feed(self, data: bytes) -> bytes:
        """Return what is in the chunks that are whole now.

        Raises Unkept when the chunks are damaged.
        """
        self.unread += data
        found = []
        while not self.has_ended and (end := self.unread.find(b"\r\n")) >= 0:
            size = self._size(self.unread[:end])
            last = end + 2 + size
            if len(self.unread) < last + 2:
                break
            if self.unread[last : last + 2] != b"\r\n":
                raise Unkept("a line break behind each chunk", "other bytes", self.unread[last:])
            found.append(self.unread[end + 2 : last])
            self.unread = self.unread[last + 2 :]
            self.has_ended = not size
        return b"".join(found)

    @staticmethod
    def _size(line: bytes) -> int:
        digits = line.partition(b";")[0].strip()
        try:
            return int(digits if len(digits) <= _SIZE_DIGITS and digits.isalnum() else b"", 16)
        except ValueError:
            raise Unkept("a chunk that begins with its size", "something else", line) from None
