"""Loopback at rest: one message to another process and back, and how late the answer is read."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wirerace.clock import NS_PER_SECOND, now_ns, process_cpu_seconds
from wirerace.host import echo

SO_TIMESTAMPNS = 35 if sys.platform == "linux" else None  # as loadtests/connection.py switches it on
TIMESPEC = struct.Struct("@ll")
ANCILLARY_BYTES = 64
WARM_UP = 20  # messages; the first may carry no stamp
TRIPS = 1000
RESTS, REST_SECONDS = 200, 0.001
ANSWER_SECONDS = 60.0  # for the other process to start, and for each answer; a busy machine takes many seconds


class Loopback(NamedTuple):
    """What was measured; None or empty if it could not be measured. `cpu_seconds` is the other process's."""

    round_trips_seconds: Sequence[float] = ()
    lags_seconds: Sequence[float] = ()
    kernel_stamps: bool | None = None
    cpu_seconds: float | None = None


class Trip(NamedTuple):
    """One message there and back, Unix nanoseconds; `arrived_ns` is the kernel's, None without a stamp."""

    sent_ns: int
    arrived_ns: int | None
    read_ns: int


def measure_loopback(cores: Collection[int]) -> Loopback:
    """Return round trips between this process and one bound to `cores`, and how late a sleeping reader wakes up.

    Everything is unknown when the other process does not answer.
    """
    try:
        with _echoing(cores) as (stream, pid):
            for _ in range(WARM_UP):
                _trip(stream)
            trips = [_trip(stream) for _ in range(TRIPS)]
            rests = [_trip(stream, REST_SECONDS) for _ in range(RESTS)]
            cpu_seconds = process_cpu_seconds(pid)
    except OSError:
        return Loopback()
    lags_ns = [trip.read_ns - trip.arrived_ns for trip in rests if trip.arrived_ns is not None]
    return Loopback(
        [(trip.read_ns - trip.sent_ns) / NS_PER_SECOND for trip in trips],
        [lag_ns / NS_PER_SECOND for lag_ns in lags_ns],
        bool(lags_ns),
        cpu_seconds,
    )


@contextlib.contextmanager
def _echoing(cores: Collection[int]) -> Iterator[tuple[socket.socket, int]]:
    """Yield a connection to a process that echoes, and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(ANSWER_SECONDS)
        # Without site-packages, which it does not need, it starts in a tenth of the time.
        command = [sys.executable, "-I", "-S", str(Path(echo.__file__)), str(listener.getsockname()[1])]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 -- our own
        try:
            if cores and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(child.pid, cores)
            stream, _ = listener.accept()
            with stream:
                stream.settimeout(ANSWER_SECONDS)
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if SO_TIMESTAMPNS is not None:
                    stream.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                yield stream, child.pid
        finally:
            child.kill()
            child.wait()


def _trip(stream: socket.socket, delay_seconds: float = 0.0) -> Trip:
    """Send a message and wait for it to come back.

    Raises OSError when it does not.
    """
    message = echo.DELAY_SECONDS.pack(delay_seconds).ljust(echo.MESSAGE_BYTES)
    sent_ns = now_ns()
    stream.sendall(message)
    data, ancillary, _, _ = stream.recvmsg(echo.MESSAGE_BYTES, ANCILLARY_BYTES)
    read_ns = now_ns()
    if len(data) < echo.MESSAGE_BYTES:  # Loopback splits nothing so small.
        raise ConnectionResetError("the echo has ended")
    stamps = [data for level, kind, data in ancillary if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    if not stamps:
        return Trip(sent_ns, None, read_ns)
    seconds, fraction_ns = TIMESPEC.unpack(stamps[0])
    return Trip(sent_ns, seconds * NS_PER_SECOND + fraction_ns, read_ns)
