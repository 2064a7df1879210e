"""Makes connections send segments again in a new network namespace, and prints each source's count as JSON.

Loopback is taken down while two servers send: both have to send again. Only one of them is asked for.
"""

import json
import socket
import sys
import time
from collections.abc import Sequence

import msgspec

from tests.loadtests.namespaced import set_loopback
from wirerace.host.tcp_diag import connections_of, resent_between
from wirerace.observe.tcp_info import INFO_BYTES, read_tcp_info
from wirerace.observe.usage import retransmitted_segments

CONNECTIONS = 3
PATIENCE_SECONDS = 20.0


class Server:
    """A listener and what it has accepted."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.clients: list[socket.socket] = []
        self.accepted: list[socket.socket] = []
        for _ in range(CONNECTIONS):
            self.clients.append(socket.create_connection(("127.0.0.1", self.port)))
            self.accepted.append(self.listener.accept()[0])

    @property
    def resent(self) -> list[int]:
        """The segments that each accepted connection has sent again, by the socket's own option."""
        return [resent_by(stream) for stream in self.accepted]


def resent_by(stream: socket.socket) -> int:
    info = read_tcp_info(stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES))
    assert info is not None
    return info.retransmitted


def send_again(*senders: socket.socket) -> None:
    """Send on each while nothing gets through, until each has sent again."""
    set_loopback(is_up=False)
    for sender in senders:
        sender.send(b"x")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(resent_by(sender) for sender in senders):
        assert time.monotonic() < deadline, "nothing was sent again"
        time.sleep(0.01)
    set_loopback(is_up=True)


def receive(clients: Sequence[socket.socket]) -> None:
    for client in clients:
        assert b"x" == client.recv(1)


def main() -> None:
    set_loopback(is_up=True)
    measured, other = Server(), Server()
    before, namespace_before = connections_of([measured.port]), retransmitted_segments()
    send_again(measured.accepted[0], measured.accepted[1], *other.accepted)
    receive([*measured.clients[:2], *other.clients])
    measured.accepted[2].close()
    measured.clients[2].close()
    after, namespace_after = connections_of([measured.port]), retransmitted_segments()
    assert namespace_before is not None
    assert namespace_after is not None
    truth = sum(resent_by(stream) for stream in measured.accepted[:2])
    found = msgspec.to_builtins(resent_between(before, after))
    sys.stdout.write(json.dumps({**found, "truth": truth, "namespace": namespace_after - namespace_before}))


if __name__ == "__main__":
    main()
