"""What an idle TCP connection costs in kernel memory that no process shows: slab, measured with many connections."""

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator

from wirerace.host.machine import slab_bytes

FIRST_PAIRS, PAIRS = 500, 1000
"""The connections that fill the space of freed objects, and those that are measured."""
SPARE_DESCRIPTORS = 100
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: no end of a closed connection lingers in TIME_WAIT


def measure_socket_slab() -> float | None:
    """Return the bytes of slab that an idle TCP socket takes: tcp_sock, inode, dentry, file, and anything else.

    It is the growth of the machine's slab over some thousand sockets on loopback, including the work of others. None
    when the kernel does not report it, or when the limit on open files is too low.
    """
    wanted = 2 * (FIRST_PAIRS + PAIRS) + SPARE_DESCRIPTORS
    if slab_bytes() is None:
        return None
    try:
        with _descriptors(wanted) as allowed, contextlib.ExitStack() as opened:
            if allowed < wanted:
                return None
            listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            _connect(FIRST_PAIRS, listener, opened)
            before = slab_bytes()
            _connect(PAIRS, listener, opened)
            after = slab_bytes()
    except OSError:
        return None
    return None if before is None or after is None else max(0, after - before) / (2 * PAIRS)


def _connect(pairs: int, listener: socket.socket, opened: contextlib.ExitStack) -> None:
    """Open `pairs` connections, both ends of each."""
    for _ in range(pairs):
        client = opened.enter_context(socket.create_connection(listener.getsockname()))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        opened.enter_context(listener.accept()[0])


@contextlib.contextmanager
def _descriptors(wanted: int) -> Iterator[int]:
    """Raise the soft limit on open files meanwhile, as far as the hard limit allows; yield the soft limit."""
    if sys.platform == "win32":
        yield 0
        return
    import resource  # noqa: PLC0415 -- there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        yield wanted
        return
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    try:
        yield raised
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
