"""Control: how an experiment asks a load process for its state, sets the window, and takes the account."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from gevent import pywsgi

from loadtests.load import Load
from wirerace.ledger import Account, AccountRecord, LoadState, Window

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Control:
    """A small HTTP server on loopback inside the load process."""

    def __init__(self, load: Callable[[], Load | None], port: int) -> None:
        self._load = load
        self._server = pywsgi.WSGIServer(("127.0.0.1", port), self._answer, log=None)
        self._server.start()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        routes = {
            ("GET", "/state"): self._state,
            ("PUT", "/window"): self._set_window,
            ("POST", "/finish"): self._finish,
        }
        route = routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if route is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"no such path\n"]
        body = route(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _state(self, _body: bytes) -> bytes:
        load = self._load()
        account = load.account if load else Account()
        totals = account.totals
        return msgspec.json.encode(
            LoadState(account.live_clients, account.aged_clients, totals.received, totals.delivered)
        )

    def _set_window(self, body: bytes) -> bytes:
        load = self._load()
        if load is not None:
            load.account.window = msgspec.json.decode(body, type=Window)
        return b"{}"

    def _finish(self, _body: bytes) -> bytes:
        load = self._load()
        return msgspec.json.encode(load.finish() if load else AccountRecord())
