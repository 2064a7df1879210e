"""A run whose load comes from two hosts: network namespaces with clocks that are wrong by a known amount.

It runs in a namespace of its own, which is the producer's host, and prints what it found.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from wirerace.errors import TrialFailed

PRODUCER = "10.77.0.1"
HOSTS = ("10.77.0.2", "10.77.0.3")
WORKERS = (sys.executable, "-m", "wirerace", "workers", "10.77.0.1:5557", "--processes", "1")
SHIFTS = ((0.03, 20e-6), (-0.03, -20e-6))
"""Seconds, and seconds a second, of each host."""
FIRST_PORT = 5557
TOML = f"""
title = "Two load hosts"
transports = ["websocket"]
[clients]
count = 20
[producer]
rate_per_second = 20.0
[polling]
interval_seconds = 0.2
[window]
warmup_seconds = 1.5
measure_seconds = 3.0
[load]
processes = 2
address = "{PRODUCER}"
"""
MORE = """
[paths.far]
delay_seconds = 0.005
[paths.secure]
tls = true
[paths.balanced]
proxy = "nginx"
settings = "tuned"
[[contestants]]
id = "far"
transport = "polling"
path = "far"
[[contestants]]
id = "secure"
transport = "sse"
path = "secure"
"""
"""What meets a link first, or TLS, at the address that load hosts reach."""
BALANCED = """
[[contestants]]
id = "balanced"
transport = "longpolling"
path = "balanced"
"""
"""What meets a reverse proxy first, where it is installed."""


def ip(*arguments: str, pid: int | None = None) -> None:
    """Configure the network of this namespace, or of a process."""
    inside = [] if pid is None else ["nsenter", "--net", "--target", str(pid)]
    subprocess.run([*inside, "ip", *arguments], check=True)


@contextlib.contextmanager
def load_hosts() -> Iterator[list[int]]:
    """Make a namespace for each load host, all on one bridge; yield a process in each."""
    ip("link", "set", "lo", "up")
    ip("link", "add", "bridge", "type", "bridge")
    ip("link", "set", "bridge", "up")
    ip("address", "add", f"{PRODUCER}/24", "dev", "bridge")
    sleepers = [subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for _ in HOSTS]
    try:
        for number, (sleeper, address) in enumerate(zip(sleepers, HOSTS, strict=True)):
            wait_for_namespace(sleeper.pid)
            near = f"host{number}"
            ip("link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", str(sleeper.pid))
            ip("link", "set", near, "master", "bridge", "up")
            ip("link", "set", "lo", "up", pid=sleeper.pid)
            ip("address", "add", f"{address}/24", "dev", "eth0", pid=sleeper.pid)
            ip("link", "set", "eth0", "up", pid=sleeper.pid)
        yield [sleeper.pid for sleeper in sleepers]
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def wait_for_namespace(pid: int) -> None:
    """Wait until a process has left this namespace."""
    own, deadline = Path("/proc/self/ns/net").readlink(), time.monotonic() + 10
    while Path(f"/proc/{pid}/ns/net").readlink() == own:
        if time.monotonic() > deadline:
            raise TrialFailed("unshare has made no namespace")
        time.sleep(0.01)


@contextlib.contextmanager
def workers(pid: int, shift: tuple[float, float], since_ns: int) -> Iterator[subprocess.Popen[str]]:
    """Make load on one host, whose clock is wrong."""
    by_seconds, drift = shift
    started = subprocess.Popen(
        ["nsenter", "--net", "--target", str(pid), *WORKERS],
        env=os.environ | {"WIRERACE_SHIFTED_CLOCK": f"{by_seconds},{drift},{since_ns}"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGINT)
        started.wait()


def main(directory: Path, *, is_blocked: bool) -> None:
    """Run the experiment, with UDP forbidden on the second host or not."""
    file, since_ns = directory / "hosts.toml", time.time_ns()
    file.write_text(TOML if is_blocked else TOML + MORE + (BALANCED if shutil.which("nginx") else ""))
    with load_hosts() as (one, other), workers(one, SHIFTS[0], since_ns), workers(other, SHIFTS[1], since_ns) as last:
        if is_blocked:
            ip("rule", "add", "ipproto", "udp", "dport", str(FIRST_PORT + 1), "prohibit", pid=other)
        command = [sys.executable, "-m", "wirerace", "run", str(file), "--out", str(directory / "run"), "--full"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = last.stderr.read() if last.stderr is not None else ""
    found = {"since_ns": since_ns, "code": done.returncode, "out": done.stdout, "err": done.stderr, "worker": said}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), is_blocked=sys.argv[2:] == ["blocked"])
