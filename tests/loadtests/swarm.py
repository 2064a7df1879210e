"""One user in a real Locust environment."""

import argparse
import base64
import hashlib
import time
from collections.abc import Callable

import gevent
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.connection import Address
from loadtests.load import LOADS, Load
from loadtests.options import add_options, read_options
from loadtests.user import SubscriberUser
from wirerace.observe.account import Window

PATIENCE_SECONDS = 60.0
ALWAYS = Window(0, 2**62)


def answer(*seqs: int, cursor: int, has_more: bool = False) -> bytes:
    """Return an answer with updates, made now."""
    return _answer(time.time_ns(), seqs, cursor, has_more=has_more)


def answer_made_at(ts: int, seq: int, *, has_more: bool = False) -> bytes:
    """Return an answer with an update that was made at an instant."""
    return _answer(ts, (seq,), seq, has_more=has_more)


def _answer(ts: int, seqs: tuple[int, ...], cursor: int, *, has_more: bool) -> bytes:
    updates = ",".join(f'{{"epoch":"e","seq":{seq},"ts":{ts},"data":"x"}}' for seq in seqs)
    more = ',"more":true' if has_more else ""
    body = f'{{"updates":[{updates}]{more}}}' if seqs else ""
    status = "200 OK" if seqs else "204 No Content"
    length = f"Content-Length: {len(body)}\r\n" if seqs else ""
    return f"HTTP/1.1 {status}\r\nWirerace-Cursor: e-{cursor}\r\n{length}\r\n{body}".encode()


class Swarm:
    """One user of a class, measured in a window; without one the test sets it later."""

    def __init__(
        self, user: type[SubscriberUser], address: Address, *flags: str, window: Window | None = ALWAYS
    ) -> None:
        parser = LocustArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
        add_options(parser)
        given = parser.parse_args([f"--{user.transport.name}-host=http://{address}", *flags])
        self.environment = Environment(user_classes=[user], parsed_options=given)
        self.load = LOADS[self.environment] = Load(self.environment, read_options(vars(given)))
        if window is not None:
            self.load.set_window(window)
        self.account = self.load.account_of(user.transport)
        self.runner = self.environment.create_local_runner()
        self.runner.start(1, spawn_rate=1)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with gevent.Timeout(PATIENCE_SECONDS):
            while not condition():
                gevent.sleep(0.005)

    def failures(self) -> list[str]:
        return [f"{error.method} {error.name}: {error.error}" for error in self.environment.stats.errors.values()]

    def close(self) -> None:
        self.runner.quit()
        self.load.stop()
        del LOADS[self.environment]


Start = Callable[..., Swarm]


def handshake(frames: bytes) -> Callable[[bytes], bytes]:
    """Return a function that answers a WebSocket's handshake and sends frames at once."""

    def answer_to(request: bytes) -> bytes:
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
        lines = b"Sec-WebSocket-Accept: %b\r\nWirerace-Cursor: e-3\r\n\r\n" % base64.b64encode(digest)
        return b"HTTP/1.1 101 Switching Protocols\r\n" + lines + frames

    return answer_to
