"""Starting a reverse proxy: its configuration written and checked, its processes up, and whether it upgrades."""

import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from wirerace.addresses import spelled
from wirerace.errors import TrialFailed
from wirerace.experiment.paths import NetworkPath
from wirerace.record.samples import Memory
from wirerace.runner.network.reverse.configuration import (
    Installed,
    arguments_of,
    check_configuration,
    write_configuration,
)
from wirerace.runner.network.reverse.program import LOOPBACK, Route
from wirerace.runner.parts.family import Family
from wirerace.runner.parts.part import Part
from wirerace.runner.progress import TICK_SECONDS
from wirerace.system import blamed_on

UP_SECONDS = 30.0
SETTLE_SECONDS = 0.2  # for its children to come, before memory is read
ANSWER_SECONDS = 5.0
MOST_HEAD_BYTES = 65_536
NAME = "the reverse proxy"
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"  # the one of RFC 6455, section 1.3
)


class ReverseChild(NamedTuple):
    """A reverse proxy that runs: its processes, its port, what it is, its memory without clients, a quota in cores.

    Clients come to it at an `address`.
    """

    part: Part
    port: int
    path: NetworkPath
    version: str
    idle: Memory
    cpus: float | None = None
    address: str = LOOPBACK


Start = Callable[[list[str], Path, dict[str, str]], Family]
"""Starts a command that has a directory for its files, and variables."""


def start_reverse(installed: Installed, route: Route, configuration: Path, start: Start) -> ReverseChild:
    """Start a reverse proxy, and return it when it listens.

    Raises TrialFailed, with its last line, when it refuses its configuration or does not come up.
    """
    program = installed.program
    write_configuration(program, route, configuration)
    check_configuration(installed, configuration, route.directory)
    command = [installed.executable, *arguments_of(program.start, configuration, route.directory)]
    part = start(command, route.directory, dict.fromkeys(program.variables, str(route.directory)))
    deadline = time.monotonic() + UP_SECONDS
    while not listens(part, route.port):
        if part.has_ended() or time.monotonic() > deadline:
            raise part.failure(f"{program.name} does not come up at port {route.port}")
        time.sleep(TICK_SECONDS)
    time.sleep(SETTLE_SECONDS)
    return ReverseChild(part, route.port, route.path, installed.version, part.memory(), address=route.address)


@contextmanager
def new_directory(name: str) -> Iterator[Path]:
    """Make a directory for the files of a program. It is removed if the program is not started in this block."""
    with blamed_on(Path(tempfile.gettempdir())):
        directory = Path(tempfile.mkdtemp(prefix=f"wirerace-{name}-"))
    try:
        yield directory
    except BaseException:  # Ctrl-C, too: nothing else would remove it
        shutil.rmtree(directory, ignore_errors=True)
        raise


def listens(part: Family, port: int) -> bool:
    """Return whether a process of a part listens at a port: another program may have taken it."""
    for pid in part.pids:
        try:
            found = psutil.Process(pid).net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found):
            return True
    return False


def refuse_without_upgrade(child: ReverseChild, target: str) -> None:
    """Raise TrialFailed, with the cure, when a reverse proxy does not let a client upgrade to a WebSocket.

    Clients would try again and again. The server learns of one client that leaves at once.
    """
    status = upgrade_status(child.port, target, is_tls=child.path.tls, address=child.address)
    if status != "101":
        cure = 'take settings = "tuned"' if child.path.settings == "default" else "see its log in logs/"
        raise TrialFailed(
            f"{child.path.proxy} ({child.path.settings}) passes no WebSocket on, the handshake gets "
            f"{status or 'no answer'}: {cure}"
        )


def upgrade_status(port: int, target: str, *, is_tls: bool = False, address: str = LOOPBACK) -> str:
    """Return the status with which a handshake is answered; empty without an answer."""
    request = f"GET {target} HTTP/1.1\r\nHost: {spelled(address, port)}\r\n{UPGRADE}\r\n"
    head = b""
    try:
        with _connected((address, port), is_tls=is_tls) as stream:
            stream.sendall(request.encode())
            while b"\r\n" not in head and len(head) < MOST_HEAD_BYTES and (part := stream.recv(MOST_HEAD_BYTES)):
                head += part
    except OSError:
        return ""
    words = head.split(b"\r\n")[0].decode("latin-1").split(" ")
    return words[1] if len(words) > 1 else ""


def _connected(place: tuple[str, int], *, is_tls: bool) -> socket.socket:
    stream = socket.create_connection(place, ANSWER_SECONDS)
    if not is_tls:
        return stream
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the question is whether it upgrades
    try:
        return context.wrap_socket(stream)
    except OSError:
        stream.close()
        raise
