"""Ports on loopback for the parts of an experiment: each process of Wirerace takes them from its own block.

A port is free when it is chosen. It is in use only when the new part listens there, a second later. Without blocks, two
experiments that start in the same second might choose the same port.
"""

import functools
import itertools
import random
import socket
import sys
from collections.abc import Iterator

from wirerace.errors import TrialFailed
from wirerace.transports import PRODUCER_PORT, TRANSPORTS

PORTS = range(20_000, 32_000)
"""Below the ports of Linux's outgoing connections, so that none takes the port of a server that restarts."""
BLOCK_PORTS = 100

_claims: dict[int, int] = {}
"""The ports that this process has claimed until it ends, and the descriptors of these claims."""


def is_free(port: int, *, may_rest: bool = True) -> bool:
    """Return whether nothing listens on a port of loopback; unless it `may_rest`, whether nothing is in TIME_WAIT."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(may_rest))
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def claim(port: int) -> bool:
    """Claim a port for this process; return False when another process of Wirerace has claimed it.

    The claim is a name in Linux's abstract namespace. Only one process can have a name, and the name ends with the
    process. Other platforms have no such namespace, and every claim is granted.
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
    """Return a port on which nothing listens, and which no other process of Wirerace gets.

    Connections of an earlier run, which rest in TIME_WAIT, would count as this one's: such a port is the second choice.
    """
    for may_rest in (False, True):
        for port in itertools.islice(_block(), BLOCK_PORTS):
            if is_free(port, may_rest=may_rest):
                return port
    raise TrialFailed(f"no free port between {PORTS.start} and {PORTS.stop}: end what listens there")


@functools.cache
def _block() -> Iterator[int]:
    """Return the ports of this process, again and again; if every block is claimed, the ports of any block."""
    starts = random.sample(PORTS[::BLOCK_PORTS], len(PORTS) // BLOCK_PORTS)
    start = next((start for start in starts if claim(start)), starts[0])
    return itertools.cycle(range(start, start + BLOCK_PORTS))


def usual_port(service: str, page_port: int | None) -> int | None:
    """Return the usual port of a service if a playground, whose page has a port, wants it and it is free, else None."""
    port = TRANSPORTS[service].port if service in TRANSPORTS else PRODUCER_PORT
    wanted = page_port is not None and port != page_port
    return port if wanted and claim(port) and is_free(port) else None
