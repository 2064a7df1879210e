"""Receives updates by a clock that is wrong and corrected, and prints each latency beside the true one.

Arguments: the port of the clock that is right, seconds and seconds a second by which this process's clock is wrong.
"""

import json
import struct
import sys
import time

import gevent
from gevent.server import StreamServer

from loadtests import wall
from loadtests.connection import Address, StampedConnection
from loadtests.keeping import ClockKeeper
from loadtests.wall import HostClocks, Shift
from wirerace.clock import NS_PER_SECOND
from wirerace.errors import ConnectionLost
from wirerace.observe.account import Window

UPDATE = struct.Struct("!Q")
EVERY_SECONDS, BEFORE_SECONDS, WINDOW_SECONDS, AFTER_SECONDS = 0.01, 3.0, 3.0, 0.6


def send(stream: gevent.socket.socket, _address: object) -> None:
    """Send the true time, again and again."""
    while True:
        stream.sendall(UPDATE.pack(time.time_ns()))
        gevent.sleep(EVERY_SECONDS)


def main(port: str, by_seconds: str, drift: str) -> None:
    shift = Shift(round(float(by_seconds) * NS_PER_SECOND), float(drift), time.time_ns())
    true_ns = 0

    def stamp(stamped_ns: int) -> int:
        """Return the wrong clock's stamp, and note the true one."""
        nonlocal true_ns
        true_ns = stamped_ns
        return shift.of(stamped_ns)

    wall.host_clocks = lambda: HostClocks(shift.now_ns, stamp)
    keeper = ClockKeeper(f"127.0.0.1:{port}")
    server = StreamServer(("127.0.0.1", 0), send)
    server.start()
    connection = StampedConnection(Address("127.0.0.1", server.server_port))
    start_ns = time.time_ns() + int(BEFORE_SECONDS * NS_PER_SECOND)
    window = Window(start_ns, start_ns + int(WINDOW_SECONDS * NS_PER_SECOND))
    keeper.settle()
    latencies = []
    while time.time_ns() < window.to_ns + AFTER_SECONDS * NS_PER_SECOND:
        data, stamped = connection.receive(), true_ns
        (made_ns,) = UPDATE.unpack(data[-UPDATE.size :])
        if window.has(made_ns) and len(data) == UPDATE.size:
            latencies.append((connection.stamp.arrival_ns - made_ns, stamped - made_ns))
    clock = keeper.finish(window)
    server.stop()
    is_set_right = abs(wall.now_ns() - time.time_ns()) < NS_PER_SECOND // 100
    sys.stdout.write(json.dumps({"latencies": latencies, "error_ns": clock.error_ns, "is_set_right": is_set_right}))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ConnectionLost as error:
        sys.exit(f"{error}")
