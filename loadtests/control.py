"""Control: /health and /metrics of a load process, and the requests of an experiment for state, window and account."""

import logging
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import Any, NamedTuple, cast

import msgspec
from gevent import pywsgi
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from loadtests.alone import LoadProcesses
from loadtests.course import Course, OutOfTurn
from wirerace.decoding import decode_json
from wirerace.errors import BadInput, TrialFailed, WireraceError
from wirerace.observe.account import AccountRecord, CutRequest, Window
from wirerace.observe.outages import OutageOrder
from wirerace.origins import Foreign, check_page

StartResponse = Callable[[str, list[tuple[str, str]]], Any]

MOST_BODY_BYTES = 4096

logger = logging.getLogger("wirerace")


class TooLarge(WireraceError):
    """A request's body is larger than any valid one."""


class Unauthorized(WireraceError):
    """A request lacks the token of the experiment that started this load."""


STATUSES: dict[type[WireraceError], str] = {
    BadInput: "400 Bad Request",
    Unauthorized: "401 Unauthorized",
    Foreign: "403 Forbidden",
    OutOfTurn: "409 Conflict",
    TooLarge: "413 Content Too Large",
    TrialFailed: "503 Service Unavailable",
}


class Keys(NamedTuple):
    """What a request that changes something needs: the token, if there is one, and no foreign page as its origin."""

    token: str = ""
    origins: frozenset[str] = frozenset()

    def check(self, environ: dict[str, Any]) -> None:
        """Raise Foreign or Unauthorized when a request lacks one of them."""
        check_page(lambda name: environ.get(f"HTTP_{name.replace('-', '_').upper()}"), self.origins)
        brought = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")
        if self.token and not compare_digest(brought, f"Bearer {self.token}".encode()):
            raise Unauthorized("this needs Authorization: Bearer and the token that --control-token gave")


NO_TOKEN = Keys()


class Control:
    """A small HTTP server inside a load process.

    `parts` is the load of all processes if this one controls it, None in a worker. `on_window` is called with windows.
    """

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        parts: LoadProcesses | None = None,
        on_window: Callable[[Window], None] = lambda _: None,
        keys: Keys = NO_TOKEN,
    ) -> None:
        self.course = Course()
        self._registry = registry
        self._parts = parts
        self._on_window = on_window
        self._keys = keys
        self._server = pywsgi.WSGIServer(address, self._answer, log=None, error_log=logger)
        self._server.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._server.server_port
        return port

    def close(self) -> None:
        """Stop listening."""
        self._server.stop(timeout=0)

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        status, kind, body = "404 Not Found", "text/plain", b"no such path\n"
        if (method, path) == ("GET", "/metrics"):
            status, kind, body = "200 OK", CONTENT_TYPE_LATEST, generate_latest(self._registry)
        elif (route := self._routes().get((method, path))) is not None:
            try:
                if method != "GET":
                    self._keys.check(environ)
                answer = route(_body_of(environ))
                status, kind, body = "200 OK", "application/json", msgspec.json.encode(answer)
            except tuple(STATUSES) as error:
                status = next(status for kind_of, status in STATUSES.items() if isinstance(error, kind_of))
                body = f"{error}\n".encode()
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response(status, headers + [("WWW-Authenticate", "Bearer")] * status.startswith("401"))
        return [body]

    def _routes(self) -> dict[tuple[str, str], Callable[[bytes], object]]:
        routes: dict[tuple[str, str], Callable[[bytes], object]] = {("GET", "/health"): lambda _: {"service": "load"}}
        if (parts := self._parts) is not None:
            routes |= {
                ("GET", "/state"): lambda _: parts.state(),
                ("GET", "/workers"): lambda _: {"workers": parts.count()},
                ("PUT", "/window"): lambda body: self._set_window(parts, body),
                ("POST", "/cut"): lambda body: self._cut(parts, body),
                ("POST", "/outages"): lambda body: self._note_outages(parts, body),
                ("POST", "/finish"): lambda _: self._finish(parts),
            }
        return routes

    def _set_window(self, parts: LoadProcesses, body: bytes) -> dict[str, str]:
        window = decode_json(body, Window, "the window")
        self.course.check_window(window)
        parts.set_window(window)
        self.course.set_window(window)
        self._on_window(window)
        return {}

    def _cut(self, parts: LoadProcesses, body: bytes) -> dict[str, int]:
        return {"cuts": parts.cut(decode_json(body, CutRequest, "the cut").jitter_seconds)}

    def _note_outages(self, parts: LoadProcesses, body: bytes) -> dict[str, str]:
        parts.note_outages(decode_json(body, cast("type[OutageOrder]", OutageOrder), "the order"))
        return {}

    def _finish(self, parts: LoadProcesses) -> AccountRecord:
        self.course.close()
        try:
            return parts.finish()
        except TrialFailed:
            self.course.reopen()
            raise


def _body_of(environ: dict[str, Any]) -> bytes:
    """Return a request's body.

    Raises TooLarge when it is longer than any valid one. The server reads the rest in small pieces and drops it.
    """
    body: bytes = environ["wsgi.input"].read(MOST_BODY_BYTES + 1)
    if len(body) > MOST_BODY_BYTES:
        raise TooLarge(f"a body has at most {MOST_BODY_BYTES} bytes")
    return body
