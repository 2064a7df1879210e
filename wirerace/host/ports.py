"""Ports on loopback for what an experiment starts: each process of Wirerace takes them from a block of its own.

A port is free when it is chosen and taken only when what was started listens there, a second later. Without blocks, two
experiments that start in the same second might choose the same one.
"""

import functools
import itertools
import random
import socket
import sys
from collections.abc import Iterator

from wirerace.errors import TrialFailed

PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections, so that none takes the port of a server that restarts."""
BLOCK_PORTS = 100

_claims: dict[int, int] = {}
"""What this process has claimed, for as long as it lives: ports, and the descriptors that stand for them."""


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def claim(port: int) -> bool:
    """Claim a port for this process; False when another process of Wirerace has claimed it.

    The claim is a name in Linux's abstract namespace, which one process can have, and which goes with the process.
    There is no such thing elsewhere: there every claim is granted.
    """
    if port in _claims or sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0wirerace-port-{port}")
    except OSError:
        name.close()
        return False
    _claims[port] = name.detach()
    return True


def free_port() -> int:
    """Return a port that nobody listens on, and that no other process of Wirerace is given."""
    for port in itertools.islice(_block(), BLOCK_PORTS):
        if is_free(port):
            return port
    raise TrialFailed(f"no free port between {PORTS.start} and {PORTS.stop}: end what listens there")


@functools.cache
def _block() -> Iterator[int]:
    """Return the ports of this process, again and again; when every block is claimed, those of any."""
    starts = random.sample(PORTS[::BLOCK_PORTS], len(PORTS) // BLOCK_PORTS)
    start = next((start for start in starts if claim(start)), starts[0])
    return itertools.cycle(range(start, start + BLOCK_PORTS))
