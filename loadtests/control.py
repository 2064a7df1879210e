"""Control: /health and /metrics of a load process, and how an experiment asks for state, window and account."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from gevent import pywsgi
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from loadtests.workers import Parts
from wirerace.account import Window
from wirerace.errors import TrialFailed

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Control:
    """A small HTTP server inside a load process.

    `parts` is the load of all processes where this one controls it, None in a worker; `on_window` is told of windows.
    """

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        parts: Parts | None = None,
        on_window: Callable[[Window], None] = lambda _: None,
    ) -> None:
        self._registry = registry
        self._parts = parts
        self._on_window = on_window
        self._server = pywsgi.WSGIServer(address, self._answer, log=None)
        self._server.start()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        status, kind, body = "404 Not Found", "text/plain", b"no such path\n"
        if (method, path) == ("GET", "/metrics"):
            status, kind, body = "200 OK", CONTENT_TYPE_LATEST, generate_latest(self._registry)
        elif (route := self._routes().get((method, path))) is not None:
            try:
                answer = route(environ["wsgi.input"].read())
                status, kind, body = "200 OK", "application/json", msgspec.json.encode(answer)
            except TrialFailed as error:
                status, body = "503 Service Unavailable", f"{error}\n".encode()
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _routes(self) -> dict[tuple[str, str], Callable[[bytes], object]]:
        routes: dict[tuple[str, str], Callable[[bytes], object]] = {("GET", "/health"): lambda _: {"service": "load"}}
        if (parts := self._parts) is not None:
            routes |= {
                ("GET", "/state"): lambda _: parts.state(),
                ("PUT", "/window"): lambda body: self._set_window(parts, body),
                ("POST", "/finish"): lambda _: parts.finish(),
            }
        return routes

    def _set_window(self, parts: Parts, body: bytes) -> dict[str, str]:
        window = msgspec.json.decode(body, type=Window)
        parts.set_window(window)
        self._on_window(window)
        return {}
