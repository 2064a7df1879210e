"""The kernel's list of TCP connections (sock_diag(7)): what the sockets of other processes have sent again.

No privilege is needed, but a network namespace knows its own sockets only: a container's are not seen from outside.
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator

import msgspec

from wirerace.tcp_info import read_tcp_info

ANSWER_SECONDS = 2.0
READ_BYTES = 262_144

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
REQUEST_DUMP = 0x301  # NLM_F_REQUEST, NLM_F_DUMP
ERROR, DONE = 2, 3
TCP_INFO_ATTRIBUTE = 2  # INET_DIAG_INFO
CONNECTED_STATES = 0xFFF & ~(1 << 10 | 1 << 6 | 1 << 7)  # all but LISTEN, TIME_WAIT, CLOSE
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_PORT = struct.Struct("!H")
SOCKET_ID_BYTES = 48  # struct inet_diag_sockid: ports of both ends in network order, addresses, interface, cookie
_COOKIE = struct.Struct("=44xQ20x")  # in struct inet_diag_msg, which goes before the attributes
_ATTRIBUTE = struct.Struct("=HH")  # length, type


class Resent(msgspec.Struct, frozen=True):
    """What connections that were open at both ends of the window, or are new, have sent again in it.

    `connections` counts them; of `closed` ones, which were open at its beginning only, nothing is known.
    """

    segments: int
    connections: int
    closed: int


Connections = dict[int, int]
"""Segments that each connection has sent again so far, by the kernel's cookie of its socket."""


def resent_between(before: Connections | None, after: Connections | None) -> Resent | None:
    """Return what was sent again from one listing to the next, None when one of them is missing."""
    if before is None or after is None:
        return None
    segments = sum(count - before.get(cookie, 0) for cookie, count in after.items())
    return Resent(segments, len(after), len(before.keys() - after.keys()))


def connections_at(port: int) -> Connections | None:
    """Return the connections whose own end has this port, in this network namespace; None where the kernel has no list.

    For a server that is every connection that it has accepted, its own end only.
    """
    if sys.platform != "linux":
        return None
    found: Connections = {}
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            for datagram in _ask(request_for(family, port)):
                found |= dict(connections_in(datagram))
    except OSError:
        return None
    return found


def request_for(family: int, port: int) -> bytes:
    """Return the request for a list of the TCP connections of an address family from a port."""
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (TCP_INFO_ATTRIBUTE - 1), CONNECTED_STATES)
    body += _PORT.pack(port).ljust(SOCKET_ID_BYTES, b"\0")
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0) + body


def connections_in(datagram: bytes) -> Iterator[tuple[int, int]]:
    """Yield what a part of the answer says: the cookie of each socket, and how many segments it has sent again."""
    for kind, body in messages_in(datagram):
        if kind != SOCK_DIAG_BY_FAMILY or len(body) < _COOKIE.size:
            continue
        (cookie,) = _COOKIE.unpack_from(body)
        for attribute, value in _attributes_in(body[_COOKIE.size :]):
            info = read_tcp_info(value) if attribute == TCP_INFO_ATTRIBUTE else None
            if info is not None:
                yield cookie, info.retransmitted


def messages_in(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each netlink message."""
    while len(datagram) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(datagram)
        if length < _HEADER.size:
            return
        yield kind, datagram[_HEADER.size : length]
        datagram = datagram[_aligned(length) :]


def _attributes_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _ask(request: bytes) -> Iterator[bytes]:
    """Yield the parts of the kernel's answer.

    Raises OSError when the kernel gives none.
    """
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)) as link:
        link.settimeout(ANSWER_SECONDS)
        link.send(request)
        while True:
            datagram = link.recv(READ_BYTES)
            kinds = {kind for kind, _ in messages_in(datagram)}
            if ERROR in kinds:
                raise OSError("the kernel lists no connections")
            yield datagram
            if DONE in kinds:
                return
