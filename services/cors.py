"""CORS: which pages of other origins may read updates, and the headers by which a browser lets them (Fetch, 3.3)."""

from http import HTTPStatus

from aiohttp import web

from services.answers import encode_response
from wirerace.origins import ANY
from wirerace.wire.update import CURSOR_HEADER

ASKED_HEADERS = {"GET": "If-None-Match, Last-Event-ID", "POST": "Content-Type"}
"""Headers of requests for updates, and of messages, that a browser sends to another origin only after a preflight."""
PREFLIGHT_SECONDS = 600
"""How long a browser may remember a preflight, so that conditional polls are not two requests each."""
VARY = "Vary: Origin\r\n"
"""Every answer has it where some origin is allowed: a cache must not give one page the answer of another."""


class Sharing:
    """The headers for pages of other origins, as lines that end in CRLF. Without an allowed origin there are none.

    `*` allows nothing here: a page that may read is always named.
    """

    def __init__(self, allowed: frozenset[str]) -> None:
        self._headers = {origin: _headers_for(origin) for origin in allowed - {ANY}}

    @property
    def is_on(self) -> bool:
        """Whether some origin's pages may read."""
        return bool(self._headers)

    def headers_for(self, request: web.BaseRequest) -> str:
        """Return the headers of the answer to a request."""
        return self.headers_for_origin(request.headers.get("Origin", ""))

    def headers_for_origin(self, origin: str) -> str:
        """Return the headers of the answer to a page, or to a program, whose origin is empty."""
        return self._headers.get(origin.lower(), VARY) if self._headers else ""

    def preflight(self, request: web.BaseRequest, method: str, *, keep_alive: bool) -> bytes:
        """Return the answer to a preflight: what a page may send. Other origins' pages see that they may not."""
        headers = f"Allow: {method}, OPTIONS\r\n{self.headers_for(request)}"
        if "Access-Control-Allow-Origin" in headers:
            headers += (
                f"Access-Control-Allow-Methods: {method}\r\n"
                f"Access-Control-Allow-Headers: {ASKED_HEADERS[method]}\r\n"
                f"Access-Control-Max-Age: {PREFLIGHT_SECONDS}\r\n"
            )
        return encode_response(HTTPStatus.NO_CONTENT, headers=headers, keep_alive=keep_alive)


def _headers_for(origin: str) -> str:
    """Return what lets an origin's pages read an answer, its cursor and tag, and how long it took and was."""
    return (
        f"{VARY}Access-Control-Allow-Origin: {origin}\r\n"
        f"Access-Control-Expose-Headers: {CURSOR_HEADER}, ETag\r\nTiming-Allow-Origin: {origin}\r\n"
    )
