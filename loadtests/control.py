"""Control: how an experiment asks the load for its state, sets the window, and takes the account."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from gevent import pywsgi

from loadtests.workers import Parts
from wirerace.errors import TrialFailed
from wirerace.ledger import Window

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Control:
    """A small HTTP server on loopback inside the load process, or the master of several.

    `on_window` is told of each window that is set.
    """

    def __init__(self, parts: Parts, port: int, on_window: Callable[[Window], None]) -> None:
        self._parts = parts
        self._on_window = on_window
        self._server = pywsgi.WSGIServer(("127.0.0.1", port), self._answer, log=None)
        self._server.start()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        routes: dict[tuple[str, str], Callable[[bytes], object]] = {
            ("GET", "/state"): lambda _: self._parts.state(),
            ("PUT", "/window"): self._set_window,
            ("POST", "/finish"): lambda _: self._parts.finish(),
        }
        route = routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        status, body = "404 Not Found", b"no such path\n"
        if route is not None:
            try:
                status, body = "200 OK", msgspec.json.encode(route(environ["wsgi.input"].read()))
            except TrialFailed as error:
                status, body = "503 Service Unavailable", f"{error}\n".encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _set_window(self, body: bytes) -> dict[str, str]:
        window = msgspec.json.decode(body, type=Window)
        self._parts.set_window(window)
        self._on_window(window)
        return {}
