"""A crowd for the cycles: users of one transport in a Locust environment, which come and leave on request."""

import argparse
import ctypes
import gc
import json
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import gevent
from gevent import pywsgi
from locust import User
from locust.env import Environment

from benchmarks.stage import free_port
from loadtests import garbage
from loadtests.connection import Address, StampedConnection
from loadtests.dispatching import EvenDispatcher
from loadtests.load import LOADS, Load
from loadtests.options import UserOptions
from wirerace.observe.ledger import Ledger
from wirerace.transports import TRANSPORTS

OPTIONS: dict[str, dict[str, Any]] = {"polling": {"interval_seconds": 10.0}}


class ComingUsers:
    """The users of one process. Each coming is a test of its own, as in a worker of the stack."""

    def __init__(self, transport: str, host: str) -> None:
        user = getattr(import_module(f"loadtests.{transport}"), TRANSPORTS[transport].user_class)
        self._environment = Environment(user_classes=[user], host=host, dispatcher_class=EvenDispatcher)
        self._environment.parsed_options = argparse.Namespace()
        options = {name: one.options(**OPTIONS.get(name, {})) for name, one in TRANSPORTS.items()}
        self._options = UserOptions(options, dict.fromkeys(TRANSPORTS, Address.parse(host)), shapes={}, seed=1)
        self._runner = self._environment.create_local_runner()
        self._load = Load(self._environment, self._options)

    def come(self, count: int, rate: float) -> None:
        """Let users come."""
        garbage.collect_rarely()
        self._load = LOADS[self._environment] = Load(self._environment, self._options)
        gevent.spawn(self._runner.start, count, rate)

    def state(self) -> list[int]:
        """Return how many users are subscribed, and how many updates they have received."""
        state = self._load.state()
        return [state.subscribed, state.received]

    def settle(self) -> None:
        """Do what is done when a window is set."""
        garbage.settle()

    def leave(self) -> None:
        """Stop all users, and do what is done between two tests."""
        self._runner.stop()
        self._load.stop()
        self._load.finish()
        garbage.collect_rarely()

    def kept(self) -> int:
        """Return how many users, ledgers and connections are still in memory."""
        return sum(isinstance(one, User | Ledger | StampedConnection) for one in gc.get_objects())

    def trim(self) -> None:
        """Give the free memory of the allocator back to the system."""
        ctypes.CDLL(None).malloc_trim(0)


def serve(crowd: ComingUsers, port: int) -> None:
    """Do what requests say, until killed. A request names a method, and its arguments as JSON."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        arguments = json.loads(environ["wsgi.input"].read() or b"[]")
        found = getattr(crowd, environ["PATH_INFO"].strip("/"))(*arguments)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(found).encode()]

    pywsgi.WSGIServer(("127.0.0.1", port), answer, log=None).serve_forever()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd")
    parser.add_argument("transport", choices=TRANSPORTS)
    parser.add_argument("host")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    serve(ComingUsers(given.transport, given.host), given.port or free_port())


if __name__ == "__main__":
    main()
