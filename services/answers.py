"""Answers: responses encoded to bytes once, status line, headers and body, for all clients that get the same."""

import contextlib
import time
from collections.abc import Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple, Self

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from services.recent import Recent
from wirerace.errors import BadCursor
from wirerace.observe.metrics import ServiceMetrics
from wirerace.wire.update import CURSOR_HEADER, Cursor, join_batch

# The bound of the answers kept at one moment: a client that asks with every old cursor in turn must not fill memory.
CACHED_BYTES = 4 * 1024 * 1024
MOST_TAGS = 64
"""The number of entity tags of a request in which a cursor is looked for. Any of them may be the newest one."""
MOST_UPDATES, MOST_BYTES = 1_000, 1024 * 1024
"""The bound of an answer, because its client may never read it. A single update may exceed it."""


BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Encoded(web.StreamResponse):
    """A response that is already encoded; aiohttp writes its bytes unchanged."""

    def __init__(self, encoded: bytes, *, keep_alive: bool) -> None:  # super() would make headers that are never used
        self._encoded = encoded
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool:
        """Tell aiohttp whether the connection stays open."""
        return self._stays

    def written_to(self, request: web.BaseRequest) -> Self:
        """Write all of it now, before aiohttp asks for it.

        Raises ConnectionResetError when the client has gone.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(self._encoded)
        self._encoded = b""
        return self

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write all of it, if it is not written yet."""
        if self._encoded:
            self.written_to(request)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


def encode_response(
    status: HTTPStatus, body: bytes = b"", *, content_type: str = "", headers: str = "", keep_alive: bool = True
) -> bytes:
    """Return a whole HTTP/1.1 response; `headers` are lines that end in CRLF."""
    if body or status not in BODILESS:
        headers += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    if not keep_alive:
        headers += "Connection: close\r\n"
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nDate: {formatdate(usegmt=True)}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


class Conditional(NamedTuple):
    """What a conditional request says: the cursor that its client has, and whether that is one of its entity tags."""

    cursor: Cursor | None
    is_tag: bool

    @classmethod
    def of(cls, tags: Sequence[str], newest: Cursor | None, after: Cursor | None) -> Self:
        """Return it for the entity tags of If-None-Match, by weak comparison (RFC 9110, section 13.1.2).

        `after`, where it is given, counts more than a tag. A tag of what is newest counts more than another.
        """
        if after is not None:
            return cls(after, f'"{after}"' in tags)
        if not {"*", f'"{newest}"'}.isdisjoint(tags):
            return cls(newest, is_tag=True)
        for tag in tags[:MOST_TAGS]:
            with contextlib.suppress(BadCursor):
                return cls(Cursor.parse(tag.strip('"')), is_tag=True)
        return cls(None, is_tag=False)


class Form(NamedTuple):
    """What a request says about the form of its answer: whether the connection stays, and headers that end in CRLF."""

    keep_alive: bool
    headers: str = ""


class Reply(msgspec.Struct, frozen=True):
    """One encoded response and what counts about it. `superseded` updates were left out of it."""

    encoded: bytes
    outcome: str
    deliveries: int
    payload_bytes: int
    superseded: int = 0

    def count_in(self, metrics: ServiceMetrics, times: int = 1) -> None:
        """Count that it was written `times` times."""
        metrics.responses[self.outcome] += times
        metrics.sent_bytes += times * len(self.encoded)
        if deliveries := self.deliveries:
            metrics.deliveries += times * deliveries
            metrics.payload_bytes += times * self.payload_bytes
            metrics.superseded += times * self.superseded


class CacheBound:
    """The bound of the answers that all channels of a server keep: when it is exceeded, all of them are dropped."""

    def __init__(self) -> None:
        self._bytes = 0
        self._keepers: set[Answers] = set()

    def add(self, keeper: "Answers", size_bytes: int) -> None:
        """Note that `keeper` keeps one more answer, and drop all answers if they are too many now."""
        self._keepers.add(keeper)
        self._bytes += size_bytes
        if self._bytes > CACHED_BYTES:
            for one in list(self._keepers):
                one.drop()

    def remove(self, keeper: "Answers", size_bytes: int) -> None:
        """Note that `keeper` keeps nothing any more."""
        self._keepers.discard(keeper)
        self._bytes -= size_bytes


class Answers:
    """What is newer than a position in a channel, as responses.

    Each is made when it is first asked for, and kept until something newer comes, as far as `bound` allows.
    """

    def __init__(self, recent: Recent, bound: CacheBound) -> None:
        self._recent = recent
        self._bound = bound
        self._cached: dict[tuple[int, bool | None, Form], Reply] = {}
        self._cached_bytes = 0
        self._cached_at = (0, 0)

    def find(
        self,
        position: int,
        after: Cursor | None,
        form: Form,
        *,
        latest_only: bool = False,
        condition: Conditional | None = None,
    ) -> Reply:
        """Return 200 with the updates after `position`, or 204; `after` is the cursor that gave the position.

        An answer that its bounds cut short says so, and its cursor is where to continue. With `latest_only`, it has the
        newest update only: those before it are superseded. With a condition the answer has an ETag, and is 304 instead
        of 204 when the client has what is newest.
        """
        recent = self._recent
        if latest_only and position < recent.head - 1:
            newest = self.find(recent.head - 1, after, form, condition=condition)
            return msgspec.structs.replace(newest, superseded=recent.head - 1 - position)
        at = (recent.version, int(time.time()))  # The Date of an answer is never more than a second old.
        if at != self._cached_at:
            self.drop()
            self._cached_at = at
        is_ahead = position > recent.head  # The client is ahead of this server: its own cursor is the newest one.
        cursor = after if is_ahead else recent.cursor
        is_same = None if condition is None else condition.is_tag and condition.cursor == cursor
        if is_ahead:
            return self._encode(position, cursor, is_same, form)
        key = (position, is_same, form)
        cached = self._cached.get(key)
        if cached is None:
            cached = self._cached[key] = self._encode(position, cursor, is_same, form)
            self._cached_bytes += len(cached.encoded)
            self._bound.add(self, len(cached.encoded))
        return cached

    def drop(self) -> None:
        """Drop what is kept."""
        self._bound.remove(self, self._cached_bytes)
        self._cached.clear()
        self._cached_bytes = 0

    def _encode(self, position: int, cursor: Cursor | None, is_same: bool | None, form: Form) -> Reply:
        """Return the answer; `is_same` says whether a conditional request has the cursor already."""
        recent = self._recent
        batch = recent.after(position, MOST_UPDATES, MOST_BYTES)
        has_more = bool(batch) and batch[-1].position < recent.head
        if has_more:
            cursor = recent.cursor_at(batch[-1].position)
        empty = HTTPStatus.NOT_MODIFIED if is_same else HTTPStatus.NO_CONTENT
        caching = "Cache-Control: no-store"
        if is_same is not None:
            caching = f'ETag: "{cursor}"\r\nCache-Control: private, no-cache'
        encoded = encode_response(
            HTTPStatus.OK if batch else empty,
            join_batch([kept.encoded for kept in batch], has_more=has_more) if batch else b"",
            content_type="application/json",
            headers=f"{CURSOR_HEADER}: {cursor}\r\n{caching}\r\n{form.headers}",
            keep_alive=form.keep_alive,
        )
        payload_bytes = sum(kept.payload_bytes for kept in batch)
        return Reply(encoded, "data" if batch else "empty", len(batch), payload_bytes)
