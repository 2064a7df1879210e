"""Endpoints: where a server listens, resolved once for all clients, and how to connect to one of them."""

import _socket
import contextlib
import errno
import os
from typing import NamedTuple

import gevent
from gevent import Timeout, get_hub, socket

CONNECT_SECONDS = 10.0
_PENDING = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK})
_WRITABLE = 2


class Endpoint(NamedTuple):
    """A socket address of a server, and its family."""

    family: int
    address: tuple[str, int] | tuple[str, int, int, int]


_KNOWN: dict[tuple[str, int], list[Endpoint]] = {}
_LOOKED_UP: set[tuple[str, int]] = set()
"""What is being looked up again."""


def endpoints_of(address: tuple[str, int]) -> list[Endpoint]:
    """Return where a server listens. It is looked up once: gevent uses a pool of threads for each look.

    Raises OSError when the name is not known.
    """
    known = _KNOWN.get(address)
    return _look_up(address) if known is None else known


def connect(address: tuple[str, int]) -> _socket.socket:
    """Return a socket that is connected to a server, and that does not block.

    It is the kernel's socket and nothing around it: gevent's would have two watchers more. Raises OSError when no
    endpoint answers. The server may have moved then, so it is looked up again, and clients go on with what is known
    meanwhile: a container that is away has no name, and a name server may take seconds to say so.
    """
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    known = endpoints_of(address)
    for endpoint in known:
        try:
            return _connected(endpoint)
        except OSError as error:
            failure = error
    if address not in _LOOKED_UP and any(endpoint.address[0] != address[0] for endpoint in known):
        _LOOKED_UP.add(address)
        gevent.spawn(_look_up_again, address)
    raise failure


def _look_up(address: tuple[str, int]) -> list[Endpoint]:
    found = socket.getaddrinfo(*address, 0, socket.SOCK_STREAM)
    known = _KNOWN[address] = [Endpoint(family, place) for family, _, _, _, place in found]
    return known


def _look_up_again(address: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):
        _look_up(address)
    _LOOKED_UP.discard(address)


def wait_until_writable(stream: _socket.socket) -> None:
    """Wait until a socket takes bytes, or has failed."""
    hub = get_hub()
    watcher = hub.loop.io(stream.fileno(), _WRITABLE)
    try:
        hub.wait(watcher)
    finally:
        watcher.close()


def _connected(endpoint: Endpoint) -> _socket.socket:
    stream = _socket.socket(endpoint.family, _socket.SOCK_STREAM)
    try:
        stream.setblocking(False)
        failed = stream.connect_ex(endpoint.address)
        if failed in _PENDING:
            with Timeout(CONNECT_SECONDS, TimeoutError("timed out")):
                wait_until_writable(stream)
            failed = stream.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    except BaseException:
        stream.close()
        raise
    if failed:
        stream.close()
        raise OSError(failed, os.strerror(failed))
    return stream
