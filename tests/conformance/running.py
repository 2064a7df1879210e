"""Runs cases against a server, over real sockets, and in several splits of their bytes."""

import asyncio
import contextlib
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from wsproto.frame_protocol import ParseFailed

from tests.conformance.cases import Case, Step
from tests.contract.clients import WebSocket
from tests.contract.frames import CLOSE, Peer, Received
from tests.contract.raw import Raw

MOST_PIECES = 2_000
WAIT_SECONDS = 5.0
OPCODES = {1: "text", 2: "binary", CLOSE: "close", 9: "ping", 10: "pong"}


class Server(NamedTuple):
    """Where a server returns every message."""

    host: str
    port: int
    path: str

    @classmethod
    def at(cls, url: str) -> "Server":
        """Return the server at a URL.

        Raises ArgumentTypeError when it is not ws://HOST:PORT/PATH.
        """
        with contextlib.suppress(ValueError):  # a port that is no number, brackets that do not close
            parts = urlsplit(url)
            if parts.scheme == "ws" and parts.hostname:
                return cls(parts.hostname, parts.port or 80, parts._replace(scheme="", netloc="").geturl() or "/")
        raise ArgumentTypeError(f"it must be ws://HOST:PORT/PATH, got {url}")


def in_pieces(size_bytes: int) -> Callable[[bytes], list[bytes]]:
    """Return what cuts bytes into pieces of a size, larger ones where there would be thousands."""

    def split(data: bytes) -> list[bytes]:
        size = max(size_bytes, len(data) // MOST_PIECES)
        return [data[start : start + size] for start in range(0, len(data), size)]

    return split


SPLITS: dict[str, Callable[[bytes], list[bytes]]] = {
    "in one piece": lambda data: [data],
    "byte by byte": in_pieces(1),
    "in pieces of 7 bytes": in_pieces(7),
}


async def fault_in(server: Server, case: Case, split: str) -> str | None:
    """Return what is wrong with a server's answers to a case, None when they are right; wsproto reads them.

    Raises OSError when there is no server.
    """
    raw = await Raw.open(server.port, server.host)
    try:
        answer = await raw.ask(WebSocket.request(server.path))
        if answer.status != 101:
            return f"no handshake: {answer.status}"
        async with asyncio.timeout(WAIT_SECONDS):
            return await _fault_in_steps(Peer(raw), case, split)
    except (ConnectionError, ParseFailed, TimeoutError, asyncio.IncompleteReadError) as error:
        return f"{type(error).__name__} {error}".rstrip()
    finally:
        raw.abort()


async def _fault_in_steps(peer: Peer, case: Case, split: str) -> str | None:
    """Return the fault of the first step that has one. Bytes of a step are sent while its answers are read."""
    for step in case:
        sending = asyncio.create_task(_send(peer, SPLITS[split](step.sent)))
        is_last = step is case[-1]
        found = await peer.rest() if is_last else [await peer.next() for _ in step.expected]
        await sending
        if found != list(step.expected):
            return f"expected {shown(step.expected)}; got {shown(found)}"
    return None


async def _send(peer: Peer, pieces: list[bytes]) -> None:
    with contextlib.suppress(ConnectionError):  # a server may close before it has read all
        for piece in pieces:
            await peer.raw.send(piece)
            await asyncio.sleep(0)


def at_once(case: Case) -> Case:
    """Return a case in which the client waits for no answer before it sends all."""
    return (Step(b"".join(step.sent for step in case), tuple(frame for step in case for frame in step.expected)),)


async def faults_in(server: Server, cases: dict[str, Case], split: str) -> dict[str, str]:
    """Return what is wrong with a server's answers, by the names of cases."""
    faults = {name: await fault_in(server, case, split) for name, case in cases.items()}
    return {name: fault for name, fault in faults.items() if fault is not None}


def shown(frames: Sequence[Received]) -> str:
    """Return frames in a few words."""
    return ", ".join(_words(frames)) or "nothing"


def _words(frames: Sequence[Received]) -> Iterator[str]:
    for opcode, payload in frames:
        value = f"of {len(payload)} bytes" if isinstance(payload, bytes) and len(payload) > 20 else repr(payload)
        yield f"{OPCODES.get(opcode, opcode)} {value}"
