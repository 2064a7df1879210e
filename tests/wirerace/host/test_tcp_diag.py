"""The kernel's list of connections, against each socket's own counters."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirerace.host.tcp_diag import (
    Connections,
    Listed,
    behind_between,
    connections_in,
    connections_of,
    messages_in,
    open_of,
    request_for,
    resent_between,
    resting_of,
)
from wirerace.record.reverse import Behind
from wirerace.record.samples import Resent

PATIENCE_SECONDS = 60
UNSHARE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
OPEN, CLOSING = partial(Listed, True), partial(Listed, False)
linux = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag is Linux's")


@linux
def test_list_has_the_accepted_connections_of_a_port_and_no_others() -> None:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    pairs = []
    for listener in listeners:
        for _ in range(3):
            client = socket.create_connection(listener.getsockname())
            pairs.append((client, listener.accept()[0]))

    assert 3 == len(connections_of([listeners[0].getsockname()[1]]) or {})
    for stream in (*listeners, *(end for pair in pairs for end in pair)):
        stream.close()


@linux
def test_list_of_a_server_behind_a_proxy_has_both_ends_of_the_proxy() -> None:
    """Three of four sockets: the proxy's are in the list, but the client's is not."""
    server, proxy = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    client = socket.create_connection(proxy.getsockname())
    accepted, onward = proxy.accept()[0], socket.create_connection(server.getsockname())
    served = server.accept()[0]
    server_port, proxy_port = (listener.getsockname()[1] for listener in (server, proxy))

    assert 1 == len(connections_of([server_port]) or {})
    assert 3 == len(connections_of([server_port], proxy_port) or {})
    for stream in (server, proxy, client, accepted, onward, served):
        stream.close()


@linux
def test_what_went_over_the_connections_of_a_server_is_counted_as_it_sees_it() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    old = socket.create_connection(server.getsockname())
    accepted = server.accept()[0]
    before = connections_of([port])
    old.sendall(b"x" * 10)
    assert b"x" * 10 == accepted.recv(100)
    accepted.sendall(b"y" * 500)
    assert b"y" * 500 == old.recv(1_000)
    new = socket.create_connection(server.getsockname())
    other = server.accept()[0]
    assert 2 == open_of([port])
    found = behind_between(before, connections_of([port]), [port])

    assert found is not None
    assert (10, 500, 1, 0) == (found.received_bytes, found.sent_bytes, found.opened, found.closed)
    assert found.segments_out >= 2
    for stream in (server, old, accepted, new, other):
        stream.close()


def test_nothing_is_known_of_connections_without_a_listing() -> None:
    assert behind_between(None, {}, [80]) is None
    assert Behind(0, 0, 0, 0, opened=0, closed=1) == behind_between({1: Listed(True, 0, 80)}, {}, [80])


def rest(listener: socket.socket, *closes_first: str) -> None:
    """Make connections, of each of which one end closes first."""
    for end in closes_first:
        client, accepted = socket.create_connection(listener.getsockname()), listener.accept()[0]
        first, other = (client, accepted) if end == "client" else (accepted, client)
        first.close()
        assert b"" == other.recv(1)
        other.close()


def resting_at(server_port: int, proxy_port: int | None = None) -> tuple[int, int]:
    found = resting_of([server_port], proxy_port)
    assert found is not None
    assert found.ports is not None
    return found.clients, found.server


@pytest.mark.long
@linux
def test_socket_in_time_wait_belongs_to_the_end_that_closed_first() -> None:
    """Some may rest already: a port that a listener gets may have been another's a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as proxy:
        ports = server.getsockname()[1], proxy.getsockname()[1]
        before, before_behind = resting_at(ports[0]), resting_at(*ports)
        rest(server, "client", "client", "server")
        rest(proxy, "client", "server", "server")
        after, behind = resting_at(ports[0]), resting_at(*ports)

    assert (2, 1) == (after[0] - before[0], after[1] - before[1])
    assert (1, 1) == (behind[0] - before_behind[0], behind[1] - before_behind[1]), "clients connect to the proxy"


@linux
def test_port_on_which_nothing_listens_has_no_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert {} == connections_of([listener.getsockname()[1]])


def test_list_is_unknown_where_the_kernel_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert connections_of([80]) is None
    assert resting_of([80]) is None


@pytest.mark.processes
@linux
def test_segments_that_a_server_sent_again_are_counted_and_another_ones_are_not() -> None:
    """Both lose segments at the same time, in a namespace of their own."""
    if shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], check=False).returncode:
        pytest.skip("needs the right to make a network namespace: unshare --map-root-user --net")
    command = [*UNSHARE, sys.executable, "-m", "tests.wirerace.host.resending"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)

    assert 2 <= found["truth"] == found["segments"]
    assert found["namespace"] >= found["segments"] + 3, "the other server's three connections are in the namespace's"
    assert (0, 1) == (found["opened"], found["closed"])


@pytest.mark.parametrize(
    ("before", "after", "resent"),
    [
        ({}, {}, Resent(0, 0, 0)),
        ({1: OPEN(5), 2: OPEN(1)}, {1: OPEN(7), 3: OPEN(4)}, Resent(2 + 4, 1, 1)),
        ({1: OPEN(5), 2: CLOSING(1)}, {1: CLOSING(7), 3: CLOSING(4)}, Resent(2 + 4, 0, 0)),
        (None, {1: OPEN(2)}, None),
        ({1: OPEN(2)}, None, None),
    ],
)
def test_growth_of_what_stays_and_all_of_what_is_new_is_counted_and_what_closed_is_unknown(
    before: Connections | None, after: Connections | None, resent: Resent | None
) -> None:
    assert resent == resent_between(before, after)


def test_request_asks_for_one_port() -> None:
    request = request_for(socket.AF_INET, 8001)

    assert struct.pack("=I", len(request)) == request[:4]
    assert (socket.AF_INET, socket.IPPROTO_TCP) == (request[16], request[17])
    assert struct.pack("!HH", 8001, 0) == request[24:28]


@given(st.binary(max_size=400))
def test_answer_that_makes_no_sense_has_no_connections_and_comes_to_an_end(datagram: bytes) -> None:
    list(messages_in(datagram))
    assert all(listed.resent < 2**32 for _, listed in connections_in(datagram))
