"""Publications: updates as requests of the protocols that other people's servers take, one at a time, kept alive."""

import asyncio
from typing import Literal, NamedTuple, cast
from urllib.parse import urlencode, urlsplit

import httptools

from wirerace.addresses import spelled

PublishProtocol = Literal["post", "nchan", "mercure"]
MOST_SAID_BYTES = 200
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class PublishAnswer(NamedTuple):
    """The server's answer to a publication: its status, and the beginning of what it says."""

    status: int
    said: str

    @property
    def is_good(self) -> bool:
        """Whether the server has taken the update."""
        return 200 <= self.status < 300

    @property
    def may_change(self) -> bool:
        """Whether the same request may be taken later: after a failure of the server's, or when it has too many."""
        return self.status >= 500 or self.status in {408, 429}

    @property
    def meaning(self) -> str:
        """What the answer says, with the cure where there is one."""
        if self.status in {401, 403, 407}:
            return f"{self.status}, it asks for a password or token: see token_file and $WIRERACE_PUBLISH_TOKEN"
        if 300 <= self.status < 400:
            return f"{self.status}, a redirect: name the place that it points to in publish_url"
        return f"{self.status}: {self.said or 'nothing more'}"


class PublishPlace(NamedTuple):
    """Where updates are published, in which protocol; `token` is for servers that ask for one."""

    url: str
    protocol: PublishProtocol = "post"
    topic: str = ""
    token: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def request(self, encoded: bytes) -> bytes:
        """Return the request that publishes an encoded update."""
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        is_form = self.protocol == "mercure"
        body = urlencode({"topic": self.topic, "data": encoded.decode()}).encode() if is_form else encoded
        bearer = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {spelled(*self.address)}\r\n{bearer}"
            f"Content-Type: {FORM if is_form else JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class PublishLink(asyncio.Protocol):
    """A kept connection to the server, with one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[PublishAnswer] | None = None
        self._said = b""
        self._parser = httptools.HttpResponseParser(self)

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes) -> "asyncio.Future[PublishAnswer]":
        """Send a request, and return its answer to come; it raises OSError when there will be none."""
        self._answer = asyncio.get_running_loop().create_future()
        self._said = b""
        cast("asyncio.Transport", self._transport).write(request)
        return self._answer

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that it is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read an answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"no HTTP: {error}, in {data[:80]!r}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that no answer will come."""
        self._fail(exc or ConnectionError("it closed the connection"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # What httptools calls while it parses.

    def on_body(self, body: bytes) -> None:
        """Keep the beginning of what is said."""
        self._said = (self._said + body)[:MOST_SAID_BYTES]

    def on_message_complete(self) -> None:
        """Pass the answer on. After a 1xx another one comes."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        stays = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(PublishAnswer(status, " ".join(self._said.decode(errors="replace").split())))
        if not stays:
            self.close()
