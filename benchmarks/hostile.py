"""Hostile clients: the effect of each case on the server's memory, its good clients' latency, and `/health`.

`python -m benchmarks.hostile` runs one server at a time on one core, and everything else on another. A case lasts a few
seconds. Everything is on loopback.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import psutil

from benchmarks.stage import Bench, BenchCores, BenchProcess, free_port, python

GOOD_CLIENTS = 10
RATE_PER_SECOND = 20
FLOODERS, SILENT, UNREADING = 1, 200, 8
ATTACK_NICENESS = 15
"""The attackers share a core with the good clients, which must not wait for them there."""
MIB = 1024 * 1024

SHAKE = (
    b"GET %b HTTP/1.1\r\nHost: hostile\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = b"\0\0\0\0"  # a mask that changes nothing
PING, FRAGMENT, FIRST_FRAGMENT = b"\x89\x80" + MASK, b"\x00\x81" + MASK + b"x", b"\x01\x81" + MASK + b"x"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Attack = Callable[[int], Awaitable[object]]
"""A coroutine that gets the server's port, and attacks until it is cancelled."""


class Figures(NamedTuple):
    """Peak memory, the good clients' deliveries and median latency, the longest `/health`, connections at the end.

    With polling, latency is the time of an answer.
    """

    server_bytes: int
    latency_seconds: float
    deliveries: int
    health_seconds: float
    connections: int


async def _ask(streams: Streams, request: bytes) -> tuple[bytes, bytes]:
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return head, await reader.readexactly(length)


def _get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: hostile\r\n\r\n".encode()


async def _open(port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port)


async def _good(transport: str, port: int, latencies: list[float]) -> None:
    """Receive updates until cancelled, and note the age of each."""
    streams = await _open(port)
    if transport == "websocket":
        streams[1].write(SHAKE % b"/ws")
        await streams[0].readuntil(b"\r\n\r\n")
        while True:
            length = (await streams[0].readexactly(2))[1]
            length = struct.unpack("!H", await streams[0].readexactly(2))[0] if length == 126 else length
            latencies.append(time.time() - json.loads(await streams[0].readexactly(length))["ts"] / 1e9)
    cursor, path = "", {"polling": "/poll", "longpolling": "/longpoll"}[transport]
    while True:
        sent, is_polled = time.time(), transport == "polling"
        head, body = await _ask(streams, _get(f"{path}?after={cursor}" if cursor else path))
        cursor = head.partition(b"Wirerace-Cursor: ")[2].partition(b"\r\n")[0].decode()
        updates = json.loads(body)["updates"] if body else []
        latencies += [time.time() - (sent if is_polled else update["ts"] / 1e9) for update in updates]
        await asyncio.sleep(0.05 if is_polled else 0)


async def _health(port: int, took: list[float]) -> None:
    while True:
        begun = time.monotonic()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            streams = await _open(port)
            await _ask(streams, _get("/health"))
            streams[1].close()
        took.append(time.monotonic() - begun)
        await asyncio.sleep(0.1)


async def unread_polls(port: int) -> None:
    """Ask for everything that is kept, again and again, and read nothing."""
    await _unread(port, "/poll?after=old-0")


async def unread_long_polls(port: int) -> None:
    """Do the same with long polling."""
    await _unread(port, "/longpoll?after=old-0")


async def _unread(port: int, target: str) -> None:
    clients = [await _open(port) for _ in range(UNREADING)]
    for reader, writer in clients:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a socket
        writer.write(_get(target))
        del reader
    await asyncio.Event().wait()


async def unread_websockets(port: int) -> None:
    """Subscribe after everything, and read nothing."""
    for _client in range(UNREADING):
        _, writer = await _open(port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(SHAKE % b"/ws?after=old-0")
    await asyncio.Event().wait()


async def _flood(port: int, first: bytes, frames: bytes) -> None:
    while True:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            reader, writer = await _open(port)
            writer.write(SHAKE % b"/ws")
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first)
            while not reader.at_eof():
                writer.write(frames)
                await writer.drain()
                reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001 -- unread pongs
                await asyncio.sleep(0)


async def pings(port: int) -> None:
    """Send pings at full speed."""
    await _flood(port, b"", 5_000 * PING)


async def fragments(port: int) -> None:
    """Send a message in pieces of a byte at full speed."""
    await _flood(port, FIRST_FRAGMENT, 5_000 * FRAGMENT)


async def endless_messages(port: int) -> None:
    """Send 64 KiB in pieces of a byte, just slowly enough, without an end."""
    for _client in range(100):
        reader, writer = await _open(port)
        writer.write(SHAKE % b"/ws")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(FIRST_FRAGMENT)
        for _portion in range(80):
            writer.write(800 * FRAGMENT)
            await writer.drain()
            await asyncio.sleep(0.001)
    await asyncio.Event().wait()


async def silent_connections(port: int) -> None:
    """Connect and send nothing, or half a request."""
    kept = []
    for number in range(SILENT):
        _, writer = await _open(port)
        if number % 2:
            writer.write(b"GET /poll HTT")
        kept.append(writer)
    await asyncio.Event().wait()


CASES: dict[str, tuple[str, Attack]] = {
    "nobody": ("polling", lambda _: asyncio.Event().wait()),
    "8 unread answers, polling": ("polling", unread_polls),
    "8 unread answers, long polling": ("longpolling", unread_long_polls),
    "8 unread WebSockets": ("websocket", unread_websockets),
    "pings at full speed": ("websocket", pings),
    "fragments at full speed": ("websocket", fragments),
    "100 endless messages": ("websocket", endless_messages),
    "200 silent connections": ("polling", silent_connections),
}


async def _measure(name: str, seconds: float, server: BenchProcess, port: int) -> Figures:
    transport = CASES[name][0]
    latencies: list[float] = []
    took: list[float] = []
    tasks = [asyncio.create_task(_good(transport, port, latencies)) for _ in range(GOOD_CLIENTS)]
    tasks.append(asyncio.create_task(_health(port, took)))
    await asyncio.sleep(1)
    latencies.clear()
    took.clear()
    attack = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.hostile", "--attack", name, "--port", str(port)
    )
    peak_bytes, process, ends = 0, psutil.Process(server.popen.pid), time.monotonic() + seconds
    while time.monotonic() < ends:
        peak_bytes = max(peak_bytes, process.memory_info().rss)
        await asyncio.sleep(0.02)
    left = len(process.net_connections("tcp")) - 2  # it listens, and follows the feed
    attack.kill()
    await attack.wait()
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(result, asyncio.CancelledError):
            print(f"a good client ended: {result!r}", file=sys.stderr)
    median = statistics.median(latencies) if latencies else float("nan")
    return Figures(peak_bytes, median, len(latencies), max(took, default=seconds), left)


def _race(name: str, seconds: float, history_mib: int) -> Figures:
    cores = BenchCores.of_this_machine()
    os.sched_setaffinity(0, cores.others)
    ports = (free_port(), free_port())
    with Bench(cores, seconds) as stage:
        stage.serve(
            "producer", python("services", "producer", f"--port={ports[1]}", "--idle=true"), ports[1], cores.others
        )
        server = stage.serve(
            name,
            python("services", CASES[name][0], f"--port={ports[0]}", f"--producer-url=http://127.0.0.1:{ports[1]}"),
            ports[0],
            cores.tested,
        )
        asyncio.run(_fill(ports[1], history_mib))
        return asyncio.run(_measure(name, seconds, server, ports[0]))


async def _fill(producer_port: int, history_mib: int) -> None:
    """Make the producer make updates of 100 kB, and then small ones."""
    streams = await _open(producer_port)
    put = "PUT /schedule HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}"
    for payload_bytes, rate, pause in (100_000, 200, history_mib * MIB / 100_000 / 200), (100, RATE_PER_SECOND, 1):
        body = json.dumps({"rate_per_second": rate, "arrivals": "periodic", "payload_bytes": payload_bytes})
        await _ask(streams, put.format(len(body), body).encode())
        await asyncio.sleep(pause)


def main() -> None:
    """Print a table, or be the attacker of one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--history-mib", type=int, default=56)
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--attack", choices=CASES)
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    if given.attack:
        os.nice(ATTACK_NICENESS)
        asyncio.run(_attack(CASES[given.attack][1], given.port))
        return
    print("| case | memory, MiB | median, ms | deliveries | longest /health, ms | connections |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in given.only:
        found = _race(name, given.seconds, given.history_mib)
        times = f"{found.latency_seconds * 1e3:.1f} | {found.deliveries} | {found.health_seconds * 1e3:.0f}"
        print(f"| {name} | {found.server_bytes / MIB:.0f} | {times} | {found.connections} |", flush=True)


async def _attack(attack: Attack, port: int) -> None:
    with contextlib.suppress(ConnectionError):
        await attack(port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
