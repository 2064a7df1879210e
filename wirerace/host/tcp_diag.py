"""The kernel's list of TCP connections (sock_diag(7)): what the sockets of other processes have sent, and sent again.

No privilege is needed. A network namespace lists only its own sockets, so a container's are not visible from outside.
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from wirerace.host.limits import ephemeral_ports
from wirerace.observe.tcp_info import ESTABLISHED, TcpInfo, read_tcp_info
from wirerace.record.reverse import Behind
from wirerace.record.samples import Resent, Resting

ANSWER_SECONDS = 2.0
FAMILIES = (socket.AF_INET, socket.AF_INET6)
READ_BYTES = 262_144

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
REQUEST_DUMP = 0x301  # NLM_F_REQUEST, NLM_F_DUMP
ERROR, DONE = 2, 3
TCP_INFO_ATTRIBUTE = 2  # INET_DIAG_INFO
TIME_WAIT_STATES = 1 << 6
CONNECTED_STATES = 0xFFF & ~(1 << 10 | 1 << 6 | 1 << 7)  # all but LISTEN, TIME_WAIT, CLOSE
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_PORTS = struct.Struct("!HH")  # of both ends, in network order
SOCKET_ID_BYTES = 48  # struct inet_diag_sockid: ports, addresses, interface, cookie
_MESSAGE = struct.Struct("=44xQ20x")  # struct inet_diag_msg with its cookie, which goes before the attributes
_OWN_PORT = struct.Struct("!4xH")  # in the same message
_ATTRIBUTE = struct.Struct("=HH")  # length, type


class Listed(NamedTuple):
    """One end of a connection: whether it is established (not opening or closing), and what it sent again.

    `port` is its own port. Bytes are TCP's payload, since its first SYN.
    """

    is_established: bool
    resent: int
    port: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    segments_in: int = 0
    segments_out: int = 0


Connections = dict[int, Listed]
"""Ends of connections, by the kernel's cookie of each socket."""


NEW = Listed(is_established=False, resent=0)


def resent_between(before: Connections | None, after: Connections | None) -> Resent | None:
    """Return what was sent again from one listing to the next, None when one of them is missing."""
    if before is None or after is None:
        return None
    segments = sum(now.resent - before.get(cookie, NEW).resent for cookie, now in after.items())
    opened, closed = after.keys() - before.keys(), before.keys() - after.keys()
    return Resent(
        segments,
        sum(after[cookie].is_established for cookie in opened),
        sum(before[cookie].is_established for cookie in closed),
    )


def behind_between(before: Connections | None, after: Connections | None, ports: Collection[int]) -> Behind | None:
    """Return what went over the connections of servers' ports from one listing to the next, as the servers see it.

    Connections that were closed in between are not in it, which `closed` counts as far as they were in a listing.
    """
    if before is None or after is None:
        return None
    then, now = _open_at(before, ports), _open_at(after, ports)
    grown = [
        [late - early for late, early in zip(one[3:], then.get(cookie, NEW)[3:], strict=True)]
        for cookie, one in now.items()
    ]
    sums = [sum(column) for column in zip(*grown, strict=True)] or [0] * 4
    return Behind(sums[0], sums[1], sums[2], sums[3], len(now.keys() - then.keys()), len(then.keys() - now.keys()))


def open_of(server_ports: Sequence[int]) -> int | None:
    """Return how many established connections servers' ports have; None if the kernel has no list."""
    connections = connections_of(server_ports)
    return None if connections is None else len(_open_at(connections, server_ports))


def _open_at(connections: Connections, ports: Collection[int]) -> Connections:
    return {cookie: one for cookie, one in connections.items() if one.port in ports and one.is_established}


def connections_of(server_ports: Sequence[int], *proxy_ports: int) -> Connections | None:
    """Return the connections of servers, their own ends, and those of the proxies before them: both of their ends.

    The ports of proxies are in the order from the server to the clients. None if the kernel has no list. The clients'
    ends are left out: their process counts better, because it reads each socket before it closes it.
    """
    accepting = (*server_ports, *proxy_ports)
    found: Connections = {}
    try:
        for port in accepting:
            found |= _listed(port, 0)
        for port in accepting[:-1]:
            found |= _listed(0, port)
    except OSError:
        return None
    return found


def resting_of(server_ports: Sequence[int], entry_port: int | None = None) -> Resting | None:
    """Return the sockets in TIME_WAIT of a server and of its clients; None if the kernel has no list.

    Clients of a path with proxies connect to the one at `entry_port`.
    """
    try:
        clients = _resting(0, entry_port or server_ports[0])
        server = sum(_resting(port, 0) for port in server_ports)
    except OSError:
        return None
    ports = ephemeral_ports()
    return Resting(clients, server, None if ports is None else len(ports))


def _resting(own_port: int, peer_port: int) -> int:
    """Return how many sockets in TIME_WAIT have these ports, 0 being any.

    Raises OSError if the kernel has no list.
    """
    return sum(
        kind == SOCK_DIAG_BY_FAMILY
        for family in FAMILIES
        for datagram in _ask(request_for(family, own_port, peer_port, TIME_WAIT_STATES))
        for kind, _ in messages_in(datagram)
    )


def _listed(own_port: int, peer_port: int) -> Connections:
    """Return the connections in this network namespace whose ends have these ports, 0 being any.

    Raises OSError if the kernel has no list.
    """
    found: Connections = {}
    for family in FAMILIES:
        for datagram in _ask(request_for(family, own_port, peer_port)):
            found |= dict(connections_in(datagram))
    return found


def request_for(family: int, own_port: int, peer_port: int = 0, states: int = CONNECTED_STATES) -> bytes:
    """Return the request for a list of the TCP sockets of an address family with these ports, in these states."""
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (TCP_INFO_ATTRIBUTE - 1), states)
    body += _PORTS.pack(own_port, peer_port).ljust(SOCKET_ID_BYTES, b"\0")
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0) + body


def connections_in(datagram: bytes) -> Iterator[tuple[int, Listed]]:
    """Yield each socket in a part of the answer, after its cookie."""
    for kind, body in messages_in(datagram):
        if kind != SOCK_DIAG_BY_FAMILY or len(body) < _MESSAGE.size:
            continue
        (cookie,), (port,) = _MESSAGE.unpack_from(body), _OWN_PORT.unpack_from(body)
        for attribute, value in _attributes_in(body[_MESSAGE.size :]):
            info = read_tcp_info(value) if attribute == TCP_INFO_ATTRIBUTE else None
            if info is not None:
                yield cookie, _listed_of(info, port)


def _listed_of(info: TcpInfo, port: int) -> Listed:
    return Listed(
        info.state == ESTABLISHED,
        info.retransmitted,
        port,
        info.received_bytes,
        info.sent_bytes,
        info.segments_in,
        info.segments_out,
    )


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

    Raises OSError when the kernel sends none.
    """
    if sys.platform != "linux":
        raise OSError("the list is Linux's")
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
