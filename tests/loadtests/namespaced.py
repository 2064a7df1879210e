"""Runs clients in a new network namespace and prints the bytes that the kernel and the clients counted."""

import contextlib
import fcntl
import json
import os
import socket as plain
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import gevent

from loadtests.connection import Address
from loadtests.http import HttpClient
from loadtests.traffic import Counters
from loadtests.ws import WebSocketClient
from tests.loadtests.test_ws import Peer
from wirerace.analysis.costs import SEGMENT_HEADER_BYTES, SYN_OPTION_BYTES
from wirerace.observe.account import Traffic
from wirerace.runner.network.certificates import RunCertificate
from wirerace.wire.frames import Opcode, encode_frame

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
CLIENTS, ROUNDS = 20, 20
POLLING = Address("127.0.0.1", 8001)
TLS_PORT = 8443


def set_loopback(*, is_up: bool) -> None:
    """Set the namespace's loopback up, which starts down, or down again."""
    with plain.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP if is_up else 0))


def counted_by_interface() -> int:
    """Return the bytes that loopback has carried, IP headers included."""
    lines = Path("/proc/self/net/dev").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.strip().startswith("lo:"))


def ip_bytes(traffic: Traffic) -> int:
    segments = traffic.segments_out + traffic.segments_in
    return (
        traffic.bytes_out
        + traffic.bytes_in
        + SEGMENT_HEADER_BYTES * segments
        + 2 * SYN_OPTION_BYTES * traffic.connections
    )


@contextlib.contextmanager
def poll(address: Address, counters: Counters, *, keep_alive: bool) -> Iterator[None]:
    """Poll; kept connections are closed at the end."""
    clients = [HttpClient(address.of_client(), counters, keep_alive=keep_alive) for _ in range(CLIENTS)]
    for _ in range(ROUNDS):
        for client in clients:
            client.get("/poll")
    yield
    for client in clients:
        client.close()


@contextlib.contextmanager
def listen(counters: Counters) -> Iterator[None]:
    """Receive frames; connections are closed at the end."""
    peer = Peer(encode_frame(Opcode.TEXT, b"x" * 140) * ROUNDS, piece_bytes=144)
    clients = [WebSocketClient(peer.address, "/ws", counters) for _ in range(CLIENTS)]
    for client in clients:
        received = 0
        while received < ROUNDS:
            received += len(client.receive())
    yield
    for client in clients:
        client.close()
    peer.stop()


def compared(work: Callable[[Counters], AbstractContextManager[None]]) -> tuple[int, int]:
    """Return the bytes on the interface during `work` and its last segments, and those of the clients.

    Both are read while kept connections are still open, because the segments of a close depend on the machine's load.
    """
    counters, before = Counters(), counted_by_interface()
    with work(counters):
        last = -1
        while last != (last := counted_by_interface()):
            gevent.sleep(0.2)
        return last - before, ip_bytes(counters.total())


def main() -> None:
    set_loopback(is_up=True)
    certificate = RunCertificate()
    files = ("--tls-chain-file", str(certificate.chain), "--tls-key-file", str(certificate.key))
    secure = Address.parse(f"https://127.0.0.1:{TLS_PORT}", certificate.authority)
    services = [
        subprocess.Popen([sys.executable, "-m", "services", *arguments], env=os.environ, stderr=subprocess.DEVNULL)
        for arguments in (("producer", "--idle", "true"), ("polling", "--tls-port", str(TLS_PORT), *files))
    ]
    try:
        while not answers():
            gevent.sleep(0.05)
        found = {
            "kept": compared(lambda counters: poll(POLLING, counters, keep_alive=True)),
            "closed": compared(lambda counters: poll(POLLING, counters, keep_alive=False)),
            "kept with TLS": compared(lambda counters: poll(secure, counters, keep_alive=True)),
            "closed with TLS": compared(lambda counters: poll(secure, counters, keep_alive=False)),
            "frames": compared(listen),
        }
        sys.stdout.write(json.dumps(found))
    finally:
        for service in services:
            service.terminate()
            service.wait()
        certificate.remove()


def answers() -> bool:
    client = HttpClient(POLLING)
    try:
        client.get("/poll")
    except Exception:  # noqa: BLE001 -- not yet, whatever it is
        return False
    finally:
        client.close()  # whose last segments must not come while something else is counted
    return True


if __name__ == "__main__":
    main()
